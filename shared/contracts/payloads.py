"""Inputs and outputs that cross the Durable boundary, one frozen dataclass a direction; new fields need a default."""

from dataclasses import dataclass, field, replace

from shared.domain import identity
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.overrides import AskedOverrides
from shared.domain.inference.routes import HubLayout, Route, Scoring
from shared.domain.inference.runs import JobState, RunOutcome
from shared.domain.newer import NEWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """A run: *trigger* is the file that started it, None for a window, whose members were claimed before."""

    run: str
    route: Route
    hub: HubLayout
    captures: dict[str, str]
    date: str  # The day (UTC, YYYY-MM-DD) on which the run was asked for: `{date}` in output paths.
    trigger: Arrival | None = None
    repeats: str = ""  # The earlier attempt whose pinned files this one scores again.
    because: str = ""  # Why somebody asked for it, where somebody did.
    configuration: str = ""  # Of a repetition: that of `today`, or `as it was` at the attempt before.
    asked_by: str = ""
    overrides: AskedOverrides | None = field(default=None, metadata=NEWER)  # What was asked for in this run alone.

    @classmethod
    def of(cls, route: Route, hub: HubLayout, arrival: Arrival, captures: dict[str, str], date: str) -> "Inference":
        """The first attempt at scoring *arrival* by *route*: the same for every event that announces it."""
        run = identity.run_id(route.name, [identity.arrival_id(arrival)])
        return cls(run=run, route=route, hub=hub, captures=captures, date=date, trigger=arrival)

    def scored_by(self, scoring: Scoring) -> "Inference":
        """This run with what scores it, from its opening to its end."""
        return replace(self, route=self.route.scored_by(scoring))


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceResult:
    """*job_error* is the line of *job_log* that says why the job failed; both are empty where none did."""

    run: str
    outcome: RunOutcome
    because: str = ""
    manifest: str = ""
    job_error: str = ""
    job_log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What became of a run, for everybody who asked for it by a message; *last*: the last word on it."""

    key: str
    inference: Inference
    result: InferenceResult
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpening:
    key: str
    execution: str  # Tells a replaced instance of the same id from a repeat of the same activity.
    inference: Inference
    ended: bool = field(default=False, metadata=NEWER)  # Its orchestration is gone: nobody asks what would score it.


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpened:
    """*scoring* is what scores a run whose route follows its endpoint; *unscored* says why nothing can.

    *limited*: the run's team has quotas, so that it asks for room before it is scored.
    """

    already: RunOutcome | None = None
    because: str = ""
    scoring: Scoring | None = field(default=None, metadata=NEWER)
    unscored: str = field(default="", metadata=NEWER)
    limited: bool = field(default=False, metadata=NEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAdmission:
    """Ask for room in the quotas of the run's team, before it is scored."""

    key: str
    inference: Inference


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAdmitted:
    """*because* names the quota that is full, and is empty where the run may be scored; *cancelled* by an order."""

    because: str = ""
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    key: str
    inference: Inference


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """*files* were pinned under *input_path* in staging; *missing* are named by a manifest and not there yet."""

    files: int
    input_path: str = ""
    missing: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    inference: Inference
    input_path: str
    report_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataVerdict:
    passed: bool
    rows: int
    summary: tuple[str, ...] = ()
    report: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputCheck:
    """*files* are the whole output of the run, as it was counted."""

    inference: Inference
    files: tuple["OutputFile", ...]
    report_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputHold:
    """The output whose *report* says what is wrong with it."""

    key: str
    inference: Inference
    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputHeld:
    """*path* is the folder with the report, for those who look into the quarantine."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantining:
    key: str
    inference: Inference
    report: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    path: str
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    key: str
    inference: Inference
    input_path: str
    output_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """Both names of the job: Azure ML's GUID and our own, which is deterministic."""

    job: str
    friendly_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRegistration:
    """The accepted input of a run, to be a version of the route's data asset; *last*: nobody tries once more."""

    key: str
    inference: Inference
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredInput:
    """*asset* is NAME:VERSION in the workspace of *environment*; it is empty where *because* says why there is none."""

    environment: str
    asset: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWait:
    """A segment of the wait for one job; *polls* counts over all segments, *deadline* is ISO 8601 UTC."""

    run: str
    route: Route
    hub: HubLayout
    job: str
    deadline: str
    polls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLook:
    run: str
    route: Route
    hub: HubLayout
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSeen:
    state: JobState
    status: str
    cancel_asked: bool = False
    created: str = ""  # ISO 8601, where Azure ML says it.
    because: str = ""
    error: str = ""  # Of a failed job: the line of *log* that says why.
    log: str = ""  # Where that file lies in the workspace's artifact store.


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """*error* and *log* as in JobSeen."""

    state: JobState
    because: str
    error: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    key: str
    run: str
    route: Route
    hub: HubLayout
    job: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciling:
    inference: Inference
    rows_in: int
    output_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """One file of the result; *etag* pins what was hashed, so that nothing else can be published."""

    path: str
    etag: str
    size: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    outcome: RunOutcome
    because: str
    rows_in: int = 0
    rows_out: int = 0
    files: tuple[OutputFile, ...] = ()
    matched_by: tuple[str, ...] = ()  # The keys that rows were found in the output by.


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    key: str
    inference: Inference
    result: Reconciled
    job: Submitted
    report: str
    timings: dict[str, str] = field(default_factory=dict)
    output_report: str = ""
    output_outcome: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    key: str
    inference: Inference
    result: InferenceResult
    report: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The effect is in the ledger."""

    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClosing:
    """*last*: it is the last message of the run, which is no longer open then."""

    key: str
    inference: Inference
    result: InferenceResult
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLook:
    inference: Inference


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrders:
    """What people have ordered, as recorded: the external events are only wake-ups."""

    cancelled: bool = False
    released: bool = False
    output_released: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowWatch:
    route: Route
    hub: HubLayout
    group: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowClaim:
    key: str
    watch: WindowWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowClaimed:
    """The run that now owns the files, None where there were none."""

    inference: Inference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    key: str
    inference: Inference


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One look for what events did not bring; *key* is the sweep's own."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep did; *failed* says which of its parts could not be looked at, and why."""

    started: int = 0
    opened: int = 0
    adrift: int = 0
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanedRun:
    """A run whose orchestration is gone, and how it is to end; *job* is to be cancelled: empty where its id is unknown,
    None where nothing can run any more. *told*: the orchestration has announced and told the result itself."""

    inference: Inference
    result: InferenceResult
    job: str | None = None
    told: bool = False
