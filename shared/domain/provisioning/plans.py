"""A plan as a pipeline attached it, and what a change request of ServiceNow says about it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.failures import Refused
from shared.domain.provisioning.rules import ChangeRules, ProvisioningRules

ATTACHMENTS = "signalbox"  # The type of what `plan.yml` and `drift.yml` attach to their runs.
PLAN, DIGEST = "plan.txt", "plan.sha256"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LONGEST_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AzurePlan:
    """*lines* are the changes, one each; *digest* is of the changes, the templates and the parameters together."""

    digest: str
    lines: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not self.lines


def plan_of(files: Mapping[str, bytes]) -> AzurePlan:
    """The plan in the attachments of a run. Raises Refused where they are none."""
    missing = [name for name in (PLAN, DIGEST) if name not in files]
    if missing:
        raise Refused(f"the run attached no {' and no '.join(missing)}; it must be one of pipelines/infra")
    digest = files[DIGEST].decode(errors="replace").strip()
    if not _DIGEST.fullmatch(digest):
        raise Refused(f"the run attached {digest[:80]!r} as the plan's digest; it must be one of pipelines/infra")
    lines = files[PLAN].decode(errors="replace").splitlines()
    if later := next((line for line in lines if ": Later " in line), ""):
        raise Refused(f"the plan has a part that can only be made later ({later}); apply what it needs first")
    return AzurePlan(digest=digest, lines=tuple(lines))


def shown_lines(plan: AzurePlan) -> str:
    """The plan as people approve it. A plan that is longer is not cut without a word."""
    shown = plan.lines[:_LONGEST_LINES]
    rest = len(plan.lines) - len(shown)
    return "\n".join((*shown, *([f"... and {rest} more: see plan.txt of the run"] if rest else ())))


class ChangeVerdict(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSeen:
    """A change request as it was read: *state* and *approval* are values, never labels."""

    number: str
    sys_id: str
    state: str
    approval: str
    description: str = ""


def verdict_on(change: ChangeSeen, rules: ProvisioningRules | ChangeRules) -> ChangeVerdict:
    """Only a change that is approved *and* has come to one of the states in which work may be done lets it be done."""
    if change.state in rules.stopped_states or change.approval == "rejected":
        return ChangeVerdict.STOPPED
    if change.state in rules.approved_states and change.approval == "approved":
        return ChangeVerdict.APPROVED
    return ChangeVerdict.WAITING
