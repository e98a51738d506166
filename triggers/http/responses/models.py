"""What callers are told about the drift and the retraining of models."""

from dataclasses import dataclass, field
from typing import Any

from shared.domain.drift.detector import ScoreDrift
from shared.domain.drift.relevance import FeatureRelevance
from shared.domain.drift.rule import ColumnDrift, DriftOutcome
from shared.domain.drift.watch import DriftWatch
from shared.domain.retraining.costs import Cost
from shared.domain.retraining.rules import Budget
from triggers.http.idempotency import API, RepeatableAnswer, followed


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowShown:
    """*runs* counts the runs in it; *looks* says how often it was looked at; times are ISO 8601 UTC."""

    number: int
    opened: str
    reference: str
    rows: int = 0
    runs: int = 0
    looks: int = 0
    looked: str = ""
    looked_rows: int = 0
    closed: str = ""
    outcome: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftProblem:
    at: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionWatched:
    """*report* is the newest report as it was written, *page* (container/path) the same for people.

    *windows_month* windows were looked at in the last 30 days; *false_alarm_month* is the probability that at least one
    of so many raises a false alarm, at most.
    """

    version: str
    windows_month: int = 0
    false_alarm_month: float = 0.0
    window: WindowShown | None = None
    report: Any = None
    page: str = ""
    problem: DriftProblem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftShown:
    model: str
    watch: DriftWatch
    versions: tuple[VersionWatched, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftChecked:
    """*needed* rows would decide an inconclusive check; *by* says what the columns' shares are of."""

    model: str
    path: str
    outcome: DriftOutcome
    because: str
    rows: int
    reference_rows: int
    score: ScoreDrift
    columns: tuple[ColumnDrift, ...]
    by: str
    needed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceShown:
    """The most telling column first; *alpha* bounds the false discovery rate of *selected*."""

    target: str
    rows: int
    bins: int
    alpha: float
    resamples: int
    seed: int
    features: tuple[FeatureRelevance, ...]
    selected: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTaken:
    """A sentence for each decision."""

    done: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered(RepeatableAnswer):
    """*cause* is the recorded wish; *considered*: `now`, or `with others` that are being weighed already."""

    model: str
    cause: str
    considered: str
    status_url: str
    resource: str

    @classmethod
    def of(cls, model: str, cause: str, considered: str, instance: str) -> "Considered":
        where, resource = f"{API}/operations/{instance}", f"{API}/models/{model}/retraining"
        return cls(model=model, cause=cause, considered=considered, status_url=where, resource=resource)

    @property
    def headers(self) -> dict[str, str]:
        return followed(self.status_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    id: str
    kind: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """*number* of causes were weighed together; *until* is when they are looked at again, empty where time decides
    nothing."""

    at: str
    move: str
    rule: str
    because: str
    until: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRow:
    """*training* is the pipeline's run, *challenger* what it registered; *causes* it answered, *absorbed* ones came
    meanwhile."""

    run: str
    outcome: str = ""
    because: str = ""
    model: str = ""
    opened: str = ""
    closed: str = ""
    causes: int = 0
    absorbed: tuple[str, ...] = ()
    champion: str = ""
    challenger: str = ""
    promotion: str = ""
    fate: str | None = None
    training: str = ""
    cost: Cost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingShown:
    """*running* is the run in flight and *doing* what it is at; *spent* is what the shown runs have cost."""

    model: str
    running: str
    causes: tuple[CauseRow, ...]
    verdicts: tuple[VerdictRow, ...]
    runs: tuple[TrainingRow, ...]
    spent: float
    budget: Budget
    doing: dict[str, Any] = field(default_factory=dict)
