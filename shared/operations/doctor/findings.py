"""A finding, what a check gets to see, and the registry of checks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from shared.domain.configuration import Configuration
from shared.domain.notices.recipients import ChannelKind
from shared.domain.rollout.policy import CountSource
from shared.domain.trust.keys import Purpose
from shared.ports import (
    BundleStore,
    Clock,
    ControlPlane,
    DataHub,
    DevOpsFacts,
    DriftFiles,
    Endpoints,
    Models,
    MonitoringSetUp,
    NoticeChannel,
    SigningKeys,
    TrafficFigures,
)
from shared.records.statements import Statements


class Grade(StrEnum):
    OK = "ok"
    WARNING = "warning"  # It works, but not as it should.
    BROKEN = "broken"
    UNKNOWN = "unknown"  # The app may not look, or nothing answered.


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """*found* says what is so, *fix* what to do about it; it names no secret."""

    check: str
    subject: str
    grade: Grade
    found: str
    fix: str = ""


class SettingsSeen(Protocol):
    """What checks may know of the settings."""

    @property
    def blob_service(self) -> str: ...
    @property
    def storage_accounts(self) -> str: ...
    @property
    def topic_endpoint(self) -> str: ...
    @property
    def resource_manager(self) -> str: ...
    @property
    def token_issuer(self) -> str: ...
    @property
    def token_audience(self) -> str: ...
    @property
    def signing_keys(self) -> tuple[tuple[Purpose, str], ...]: ...
    @property
    def tree_heads(self) -> str: ...
    @property
    def secrets_key(self) -> str: ...
    @property
    def caller_keys(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def results_topic(self) -> str: ...
    @property
    def queues(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def bus_name(self) -> str: ...
    @property
    def bus_by_key(self) -> bool: ...
    @property
    def console_url(self) -> str: ...
    @property
    def teams_webhooks(self) -> str: ...
    @property
    def service_now_client(self) -> tuple[str, str, str]: ...
    @property
    def site_name(self) -> str: ...
    @property
    def site_host(self) -> str: ...
    @property
    def config_path(self) -> Path: ...


class Site(Protocol):
    """What a check may see: `shared.clients.Clients` is one."""

    @property
    def configuration(self) -> Configuration: ...
    @property
    def settings(self) -> SettingsSeen: ...
    @property
    def hub(self) -> DataHub: ...
    @property
    def models(self) -> Models: ...
    @property
    def bundles(self) -> BundleStore: ...
    @property
    def drift_files(self) -> DriftFiles: ...
    @property
    def endpoints(self) -> Endpoints: ...
    @property
    def control(self) -> ControlPlane: ...
    @property
    def signing_keys(self) -> SigningKeys: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def devops_facts(self) -> DevOpsFacts: ...
    @property
    def statements(self) -> Statements: ...
    @property
    def monitoring_set_up(self) -> MonitoringSetUp: ...
    def notice_channel(self, kind: ChannelKind) -> NoticeChannel: ...
    def traffic_figures(self, source: CountSource) -> TrafficFigures: ...


Findings = Iterator[Finding]
Check = Callable[[Site], Findings]


@dataclass(frozen=True, slots=True)
class SubjectReport:
    """Findings of one check about one subject."""

    check: str
    subject: str

    def ok(self, fact: str) -> Finding:
        return self._finding(Grade.OK, fact)

    def warning(self, fact: str, fix: str) -> Finding:
        return self._finding(Grade.WARNING, fact, fix)

    def broken(self, fact: str, fix: str) -> Finding:
        return self._finding(Grade.BROKEN, fact, fix)

    def unknown(self, fact: str, fix: str) -> Finding:
        return self._finding(Grade.UNKNOWN, fact, fix)

    def _finding(self, grade: Grade, fact: str, fix: str = "") -> Finding:
        return Finding(check=self.check, subject=self.subject, grade=grade, found=fact, fix=fix)


@dataclass(slots=True)
class CheckRegistry:
    checks: dict[str, Check] = field(default_factory=dict)

    def __call__(self, check: Check) -> Check:
        """Register *check* under its own name."""
        self.checks[check.__name__] = check
        return check


check = CheckRegistry()
