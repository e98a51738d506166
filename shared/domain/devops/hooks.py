"""Service hooks as hints: only ids are taken from them, and the truth is read again by REST.

The published samples have null pipelines, stages and runs, projects of zeros and ids that are no GUIDs: none may hurt.
Samples: learn.microsoft.com/azure/devops/service-hooks/events, kept in tests/payloads/ado.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.domain.devops.tasks import GUID

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,255}")
_KINDS = {
    "ms.vss-pipelinechecks-events.approval-pending": "approval",
    "ms.vss-pipelinechecks-events.approval-completed": "approval",
    "ms.vss-pipelines.run-state-changed-event": "run",
    "ms.vss-pipelines.stage-state-changed-event": "run",
    "git.pullrequest.merged": "pull_request",
}


class HintKind(StrEnum):
    APPROVAL = "approval"
    RUN = "run"
    PULL_REQUEST = "pull_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """*id* is an approval's GUID, a run's or a pull request's number; *repository* its id or name."""

    kind: HintKind
    id: str
    repository: str = ""


def read_hint(raw: Any) -> Hint | str:
    """The hint, or why there is none in it."""
    if not isinstance(raw, dict) or not isinstance(raw.get("eventType"), str):
        return "it is no event of Azure DevOps"
    kind = _KINDS.get(raw["eventType"])
    if kind is None:
        return f"events of type {raw['eventType'][:80]!r} start nothing"
    resource = _inside(raw, "resource")
    if kind == "approval":
        return _approval(_inside(resource, "approval"))
    return _run(_inside(resource, "run")) if kind == "run" else _pull_request(resource)


def _approval(approval: Mapping[str, Any]) -> Hint | str:
    name = str(approval.get("id", "")).lower()
    if not GUID.fullmatch(name):
        return f"approval {name[:80]!r} has no GUID for an id, as in published samples"
    return Hint(kind=HintKind.APPROVAL, id=name)


def _run(run: Mapping[str, Any]) -> Hint | str:
    """Newer samples leave the id out: then it is the last segment of the run's address."""
    name = str(run.get("id") or "") or str(run.get("url") or "").rstrip("/").rpartition("/")[2]
    return Hint(kind=HintKind.RUN, id=name) if _is_number(name) else f"run {name[:80]!r} is no number"


def _pull_request(resource: Mapping[str, Any]) -> Hint | str:
    number, repository = str(resource.get("pullRequestId", "")), _inside(resource, "repository")
    name = str(repository.get("name") or repository.get("id") or "")
    if not _is_number(number) or not _NAME.fullmatch(name):
        return f"pull request {number[:20]!r} of {name[:80]!r} cannot be read"
    return Hint(kind=HintKind.PULL_REQUEST, id=number, repository=name)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < len(text) < 12


def _inside(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}
