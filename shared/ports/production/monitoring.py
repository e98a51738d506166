"""The port of what is set up around production: where logs go, what alert rules call, and what quota is left.

It only reads, for the doctor. What was measured, and which alerts fire, is in `shared.ports.production.rollout`.
"""

from dataclasses import dataclass
from typing import Protocol

from shared.domain.inference.routes import Workspace
from shared.ports.production.rollout import ServedEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSetting:
    """A diagnostic setting that is enabled: *categories* (or groups of them) go to the Log Analytics *workspace*, by
    its ARM id, empty where they go elsewhere."""

    name: str
    categories: tuple[str, ...]
    workspace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRuleSeen:
    """A rule that watches *scopes* (ARM ids) and calls *webhooks* (addresses without what follows a question mark)."""

    name: str
    enabled: bool
    scopes: tuple[str, ...]
    webhooks: tuple[str, ...]
    common_schema: bool = True  # Of every webhook: without it the app cannot read the alert.


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSeen:
    """An instance has so many *cores*; of the *limit* of its *family* in the region, *used* are in use."""

    family: str
    cores: int
    used: int
    limit: int


class MonitoringSetUp(Protocol):
    """Every method raises Hidden where the app's identity may not look."""

    def log_settings(self, served: ServedEndpoint) -> tuple[LogSetting, ...]:
        """Those of the endpoint."""
        ...

    def alert_rule(self, workspace: Workspace, name: str) -> AlertRuleSeen | None:
        """The metric or log alert rule of the workspace's resource group, None where there is none of the name."""
        ...

    def quota(self, workspace: Workspace, sku: str) -> QuotaSeen | None:
        """That of the workspace's region and subscription; None where Azure does not say it of *sku*."""
        ...
