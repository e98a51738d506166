"""What callers are told about predictions, schedules, tasks and gates of Azure DevOps, and the doctor's examination."""

from dataclasses import dataclass

from shared.operations.doctor.findings import Finding
from triggers.http.idempotency import API, followed


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """*does* something *of* a model or a route; *next* is empty where it is never due again; *since* to *reason* tell
    the last order."""

    schedule: str
    does: str
    of: str
    input: str
    cron: str
    timezone: str
    catch_up: str
    jitter_s: int
    next: str
    paused: bool = False
    since: str = ""
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePage:
    """Everything that was due up to *seen_to_until* has been seen to; *next* is the `after` of the next page."""

    total: int
    seen_to_until: str
    schedules: tuple[ScheduleRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringRow:
    """*what* was done and *started*, or *because* of what nothing; *by* and *reason* where somebody wanted it."""

    due: str
    at: str = ""
    what: str = ""
    started: tuple[str, ...] = ()
    because: str = ""
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleShown(ScheduleRow):
    """The newest firing first."""

    firings: tuple[FiringRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOrdered:
    """*recorded* is false where it stood so already."""

    schedule: str
    paused: bool
    since: str
    by: str
    reason: str
    recorded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionFile:
    """*sha256* is of its bytes, as they were counted before they were published."""

    name: str
    bytes: int
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """*manifest* is where it lies in the hub; *files* lie beside it."""

    run: str
    outcome: str
    manifest: str
    files: tuple[PredictionFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionPiece:
    """*content* is base64; the next piece begins after it, until *total* bytes are read."""

    name: str
    offset: int
    total: int
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTaken:
    """*accepted* says whether it was started now; the same task taken again joins the first."""

    task: str
    accepted: str

    @property
    def headers(self) -> dict[str, str]:
        return followed(f"{API}/operations/{self.task}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HintTaken:
    """*because* says why it is not *heeded*; *hint* is the operation that looks."""

    heeded: bool
    because: str = ""
    hint: str = ""
    accepted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateShown:
    """*status*: pending, succeeded or failed."""

    status: str
    because: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """The worst finding first; *grades* counts them."""

    grades: dict[str, int]
    findings: tuple[Finding, ...]
