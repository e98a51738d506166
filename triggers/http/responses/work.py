"""What callers are given, a frozen dataclass each: the API's document describes these very types."""

from dataclasses import dataclass, field
from typing import Any

from shared.contracts import FileVerdict, Promotion
from shared.domain.promotion.audit import Entry
from shared.domain.promotion.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """*outcome* is empty while the run is under way, and `quarantined` while it waits for a release; *closed* is empty
    until the run has ended. Times are ISO 8601 UTC."""

    run: str
    route: str
    opened: str
    outcome: str = ""
    closed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """*next* is the `cursor` of the next page, empty on the last one; *total* counts all pages."""

    total: int
    runs: tuple[RunRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    step: str
    at: str
    result: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """*count* values of *column*, or rows where it is empty, broke *rule* of the data contract."""

    rule: str
    column: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """Why data was set aside: *because* in sentences, *rules* with their counts. *rows* were checked.

    *report* and *files* are container/path in the hub. *waits*: a release is still waited for, *until* then at the
    longest; *may_release* names the roles, *told* the addresses that the route tells.
    """

    because: tuple[str, ...]
    rules: tuple[BrokenRule, ...]
    rows: int
    report: str
    files: str
    waits: bool
    may_release: str
    told: tuple[str, ...]
    until: str
    released_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """The batch job of a run: *job* is Azure ML's id, *name* ours, *studio* its page where the cloud has one.

    Of a failed job *error* is the line of *log*, a file in the artifact store of the workspace, that says why.
    """

    job: str
    name: str
    studio: str = ""
    error: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLog:
    """The end of *file*, one of *files* (bytes in each); *cut* says that more stands before *text*."""

    run: str
    job: str
    studio: str
    file: str
    text: str
    cut: bool
    files: tuple[LogRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShown:
    """*status* is the host's word and *step* where it is; *duplicates* are the repeated events, the last five hundred.

    *repeats* is the attempt before, and *configuration* the one that scores: `today`, or `as it was`.
    """

    run: str
    status: str
    repeats: str = ""
    configuration: str = ""
    route: str = ""
    environment: str = ""
    model: str = ""
    step: str = ""
    opened: str = ""
    closed: str = ""
    outcome: str = ""
    because: str = ""
    manifest: str = ""
    quarantine: Quarantine | None = None
    job: RunJob | None = None
    steps: tuple[Step, ...] = ()
    duplicates: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """*recorded* is false where the same order had been given before: the first one stands."""

    run: str
    order: str
    recorded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """*status*: accepted, running, succeeded, failed or cancelled; *outcome* is the workflow's own word for its end.

    *result* is what it gave; *resource* is where to read more.
    """

    id: str
    status: str
    kind: str = ""
    step: str = ""
    outcome: str = ""
    because: str = ""
    resource: str = ""
    result: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """*report* is the whole report of the data check."""

    check: str
    verdict: FileVerdict
    report: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What was done with each event, a sentence for each decision."""

    events: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRow:
    path: str
    stored: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterPage:
    """*total* is there where one page has them all. *unseen* says which queues could not be looked at, and why."""

    letters: tuple[LetterRow, ...]
    total: int | None = None
    next: str = ""
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterShown:
    """The first hundred *events* as they are on the wire, and *more* that are not shown; *would* says what a replay
    would do with each of them now.
    """

    path: str
    stored: str
    reason: str
    events: tuple[Any, ...]
    would: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """*events*: what was or would be done with each; a dry run leaves *more* out."""

    path: str
    dry_run: bool
    events: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """*odds*: what to expect of the gates that compare with the champion, a sentence each."""

    digest: str
    plan: Plan
    writes: tuple[str, ...]
    gates: tuple[str, ...]
    approvals: tuple[str, ...]
    unmet: tuple[str, ...] = ()
    odds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """*role* has not spoken on *stage*, *who* can; *people* are those that the role names one by one.

    *glass*: its consent to override failing gates is what is waited for. *evidence* is the digest to look at. *since*
    and *until* are empty where nobody was asked yet.
    """

    stage: str
    role: str
    who: str
    people: tuple[str, ...]
    evidence: str
    since: str
    until: str
    glass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRow:
    """*fate* is empty while it is under way; where those that wait are asked for it is `waiting`, and *waits* says for
    whom."""

    promotion: str
    model: str
    version: str
    target: str
    opened: str
    fate: str = ""
    waits: tuple[Awaited, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionPage:
    total: int
    promotions: tuple[PromotionRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """*page* is container/path in the hub; *digest* is what an approval must name."""

    stage: str
    phase: str
    page: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionShown:
    id: str
    status: str
    promotion: Promotion | None = None
    step: str = ""
    doing: dict[str, Any] = field(default_factory=dict)
    opened: str = ""
    closed: str = ""
    fate: str = ""
    because: tuple[str, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceShown:
    stage: str
    phase: str
    page: str
    digest: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """*unmet*: a sentence for each condition that is not met, with who can meet it.

    Of *promotion*, whose *fate* it is, or of *run*, a run or a training, whose outcome it is.
    """

    fate: str
    unmet: tuple[str, ...]
    promotion: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    promotion: str
    stage: str
    role: str
    decision: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    promotion: str
    stage: str
    role: str
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    model: str
    at: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """*head* is the hash of the last entry; *broken* names every break of the chain."""

    entries: int
    whole: bool
    broken: tuple[str, ...]
    head: str
