"""Ports of provisioning: ServiceNow's requests and changes, what pipelines attach, and the set-up of Azure DevOps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.domain.provisioning.orders import RequestRef
from shared.domain.provisioning.plans import ChangeSeen
from shared.domain.provisioning.set_up import SetUpSeen, WantedSetUp


class ServiceDesk(Protocol):
    """ServiceNow. It has no idempotency keys: every write looks first for what an earlier one has left."""

    def approval(self, request: RequestRef) -> str:
        """The approval of the requested item as it is now, such as `approved`. Refused where it is not there."""
        ...

    def note(self, request: RequestRef, mark: str, text: str) -> None:
        """A work note on the requested item, once for each *mark*."""
        ...

    def close(self, request: RequestRef, complete: bool, text: str) -> None:
        """Close the requested item as complete or incomplete. Safe to repeat."""
        ...

    def open_change(self, correlation: str, fields: Mapping[str, str]) -> ChangeSeen:
        """The change request with *correlation*, found or created."""
        ...

    def look_at_change(self, correlation: str) -> ChangeSeen:
        """Refused where there is none."""
        ...

    def note_change(self, correlation: str, mark: str, text: str) -> None:
        """A work note on the change request, once for each *mark*."""
        ...

    def close_change(self, correlation: str, successful: bool, text: str) -> None:
        """Close the change request, or cancel one that was never approved; where there is none, do nothing.

        Safe to repeat.
        """
        ...


class PipelineFiles(Protocol):
    """What a run of a pipeline has attached to itself."""

    def attached(self, organisation: str, project: str, run: int, kind: str) -> dict[str, bytes]: ...


class DevOpsSetUp(Protocol):
    """Environments with checks, connections by federation, variables and the repository of a team."""

    def look(self, wanted: WantedSetUp) -> SetUpSeen:
        """What is missing or another is in `differences`. It changes nothing."""
        ...

    def ensure(self, wanted: WantedSetUp) -> SetUpSeen:
        """Make what is missing. What is there and another is left as it is, and said. Safe to repeat."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioner:
    """What carrying out an order reaches besides pipelines and records."""

    desk: ServiceDesk
    files: PipelineFiles
    set_up: DevOpsSetUp
