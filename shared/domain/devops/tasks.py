"""A task or check of a pipeline that waits for us, read from its documented headers; and the events sent to it.

PlanUrl only says which configured organisation is meant: nothing is ever sent to an address that somebody sent.
Contract: learn.microsoft.com/azure/devops/pipelines/process/invoke-checks and DistributedTask.ServerTask.Remote.Common.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.access.redaction import redacted
from shared.domain.failures import Refused

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
HUBS = ("build", "release", "gates", "checks")
LINE_LIMIT = 1024
TOKEN_LIFE_S = 48 * 3600 - 900  # Of a job access token, less a quarter of an hour to be safe.
LOOKS_PER_SEGMENT = 30
# The pauses after failures are 5, 10, 20, 40, 80 and 160 s (315 s), then 300 s each: 6 + (172,800 - 315) / 300.
FAILURES = 582  # In a row, two days of them: then only a sweep tries again.
_HOST = "https://dev.azure.com"
_NOBODY = "00000000-0000-0000-0000-000000000000"
_OLD_GATES = 12
_GUIDS = {
    "project": "ProjectId",
    "plan": "PlanId",
    "job": "JobId",
    "timeline": "TimelineId",
    "task": "TaskInstanceId",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRef:
    """Every id is a GUID in lower case; *hub* is one of HUBS; *call* tells calls for one task apart by a digest."""

    organisation: str
    project: str
    hub: str
    plan: str
    job: str
    timeline: str
    task: str
    call: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSeen:
    """The task's plan as Azure DevOps tells it: *run* is the build that owns it, 0 where none does."""

    version: int
    run: int
    requester: str = ""  # The descriptor of the person the run was requested for.


def organisation_of(address: str, organisations: Sequence[str], base: str = _HOST) -> str:
    """The organisation whose collection *address* is. Refused for any other address, however alike it looks.

    Whole addresses are compared, so that user names, ports, escapes and paths in them have no meaning to us.
    """
    # A parsed host would need rules for user names, ports, escapes and look-alike letters, and each forgotten one would
    # send a token elsewhere. Whole addresses leave nothing to parse.
    for name in organisations:
        addresses = [f"{base}/{name}"] + ([f"https://{name}.visualstudio.com"] if base == _HOST else [])
        if address.lower().removesuffix("/") in {candidate.lower() for candidate in addresses}:
            return name
    names = ", ".join(organisations) or "none"
    raise Refused(f"PlanUrl {redacted(address)[:100]!r} is not of an organisation in devops.organisations ({names})")


def read_task(headers: Mapping[str, str], organisations: Sequence[str], base: str = _HOST) -> TaskRef:
    """Raises Refused naming every header that is wrong."""
    organisation = organisation_of(headers.get("PlanUrl", ""), organisations, base)
    ids = {field: headers.get(name, "").strip().lower() for field, name in _GUIDS.items()}
    bad = {field: value for field, value in ids.items() if not GUID.fullmatch(value)}
    wrong = [f"{_GUIDS[field]} is {value[:60]!r}, not a GUID" for field, value in bad.items()]
    hub = headers.get("HubName", "").strip().lower()
    if hub not in HUBS:
        wrong.append(f"HubName is {hub[:60]!r}; it must be one of {', '.join(HUBS)}")
    if wrong:
        raise Refused("; ".join(wrong) + ". Leave the task's default headers as they are")
    return TaskRef(organisation=organisation, hub=hub, **ids)


def completion(task: TaskRef, version: int, succeeded: bool) -> dict[str, str]:
    """The body of TaskCompleted; old plans of classic gates carry the task's id as the job's."""
    old = task.hub == "gates" and version <= _OLD_GATES
    job, instance = (task.task, _NOBODY) if old else (task.job, task.task)
    result = "succeeded" if succeeded else "failed"
    return {"name": "TaskCompleted", "taskId": instance, "jobId": job, "result": result}


def look_delay_s(look: int) -> float:
    """Seconds until the next look at what a task waits for: often in its first seconds, seldom after half an hour."""
    # A fixed table and no exponential: a gate whose promotion is done already must answer within seconds, since people
    # watch it, and one that waits for an approval over a weekend must not poll a service with quotas every second.
    return 1.0 if look < 20 else 2.0 if look < 80 else 30.0 if look < 140 else 300.0


def lines_of(texts: Iterable[str]) -> list[str]:
    """What a feed takes: single lines, the long ones cut with a mark."""
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    return [line if len(line) <= LINE_LIMIT else f"{line[: LINE_LIMIT - 1]}…" for line in lines]
