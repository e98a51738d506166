"""Azure DevOps' service hooks to hints: vendor field names end here.

The published samples have null pipelines, stages and runs, projects of zeros and ids that are no GUIDs: none may hurt.
Samples: learn.microsoft.com/azure/devops/service-hooks/events, kept in tests/payloads/ado.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from shared.domain.devops.hooks import Hint, HintKind
from shared.domain.devops.tasks import GUID
from shared.validation.vendor_json import AnyText, Lenient, ReadBy, SentAs, read_vendor_json
from triggers.events.fields import moment_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,255}")
_NUMBER = re.compile(r"[0-9]{1,11}")
_KINDS = {
    "ms.vss-pipelinechecks-events.approval-pending": HintKind.APPROVAL,
    "ms.vss-pipelinechecks-events.approval-completed": HintKind.APPROVAL,
    "ms.vss-pipelines.run-state-changed-event": HintKind.RUN,
    "ms.vss-pipelines.stage-state-changed-event": HintKind.RUN,
    "git.pullrequest.merged": HintKind.PULL_REQUEST,
}


def _id(value: Any) -> str:
    return str(value or "")


Id = Annotated[str, ReadBy(_id, "a number or a text")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Approval:
    id: Id = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    id: Id = ""
    url: AnyText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repository:
    name: Annotated[Id, SentAs("name", "id")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resource:
    approval: Annotated[_Approval, Lenient(_Approval())] = _Approval()
    run: Annotated[_Run, Lenient(_Run())] = _Run()
    pull_request_id: Id = ""
    repository: Annotated[_Repository, Lenient(_Repository())] = _Repository()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hook:
    event_type: AnyText = ""
    resource: Annotated[_Resource, Lenient(_Resource())] = _Resource()
    subscription_id: Id = ""
    notification_id: Id = ""
    id: Id = ""
    created_date: AnyText = ""


def read_hint(raw: Any) -> Hint | str:
    """The hint, or why there is none in it."""
    hook = _hook(raw)
    if not hook.event_type:
        return "it is no event of Azure DevOps"
    kind = _KINDS.get(hook.event_type)
    if kind is None:
        return f"events of type {hook.event_type[:80]!r} start nothing"
    if kind is HintKind.APPROVAL:
        return _approval(hook.resource.approval)
    return _run(hook.resource.run) if kind is HintKind.RUN else _pull_request(hook.resource)


def delivery_of(raw: Any) -> tuple[str, datetime | None]:
    """What tells this delivery of a hook from others, and when its cause happened, None where it does not say."""
    hook = _hook(raw)
    return f"{hook.subscription_id}/{hook.notification_id}/{hook.id}", moment_of(hook.created_date)


def _hook(raw: Any) -> _Hook:
    return read_vendor_json(_Hook, raw).value or _Hook()


def _approval(approval: _Approval) -> Hint | str:
    name = approval.id.lower()
    if not GUID.fullmatch(name):
        return f"approval {name[:80]!r} has no GUID for an id, as in published samples"
    return Hint(kind=HintKind.APPROVAL, id=name)


def _run(run: _Run) -> Hint | str:
    """Newer samples leave the id out: then it is the last segment of the run's address."""
    name = run.id or run.url.rstrip("/").rpartition("/")[2]
    return Hint(kind=HintKind.RUN, id=name) if _NUMBER.fullmatch(name) else f"run {name[:80]!r} is no number"


def _pull_request(resource: _Resource) -> Hint | str:
    number, repository = resource.pull_request_id, resource.repository.name
    if not _NUMBER.fullmatch(number) or not _NAME.fullmatch(repository):
        return f"pull request {number[:20]!r} of {repository[:80]!r} cannot be read"
    return Hint(kind=HintKind.PULL_REQUEST, id=number, repository=repository)
