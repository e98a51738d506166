"""What was measured about a candidate, as plain values that JSON carries; a part that was not measured is None.

It holds figures, never data, and judges nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.metrics.agreement import Agreement
from shared.domain.metrics.paired import Difference
from shared.domain.newer import NEWER
from shared.domain.statistics.looks import Look

_ROUNDING = 1e-12  # Confidences have been computed in two places.


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceDifference:
    """The *difference* on the rows of one slice of the hold-out, like `sex=f`."""

    slice: str
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The challenger on a hold-out of *rows* rows, named by its *digest*; *champion* is empty where there is none.

    *values* are the challenger's own metrics; *differences* stand beside the champion's, one for each metric and
    confidence. *group* is the column whose *groups* values were resampled, empty where rows were; *notes* say what a
    reader should know of the hold-out; *look* says how many challengers have asked it before. *holdout* names the
    published versions that it is of, with the digests of their manifests.
    """

    digest: str
    rows: int
    champion: str = ""
    values: dict[str, float] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    slices: tuple[SliceDifference, ...] = ()
    group: str = ""
    groups: int = 0
    look: Look | None = None
    notes: tuple[str, ...] = ()
    holdout: tuple[str, ...] = field(default=(), metadata=NEWER)

    def overall(self, metric: str, confidence: float = 0.0) -> Difference | None:
        """The difference in *metric* at the lowest confidence that is at least *confidence*, or else at the highest."""
        return _nearest((difference for difference in self.differences if difference.metric == metric), confidence)

    def on(self, name: str, metric: str, confidence: float = 0.0) -> Difference | None:
        """The difference in *metric* on the slice called *name*, chosen as `overall` chooses."""
        matching = (
            entry.difference for entry in self.slices if entry.slice == name and entry.difference.metric == metric
        )
        return _nearest(matching, confidence)


def _nearest(differences: Iterable[Difference], confidence: float) -> Difference | None:
    rising = sorted(differences, key=lambda difference: difference.confidence)
    enough = (difference for difference in rising if difference.confidence >= confidence - _ROUNDING)
    return next(enough, rising[-1] if rising else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTest:
    """A data check's report: its *outcome* is passed or failed, its *summary* says what failed."""

    outcome: str
    rows: int
    summary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenDeviation:
    """Answers to the *requests* that travel with the model: *deviating* ones differ by more than *tolerance*, and
    *unlike* ones among them cannot be measured: they have another shape, or a NaN.
    """

    requests: int
    deviating: int
    largest: float
    tolerance: float
    unlike: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTest:
    """Requests by the HTTP *statuses* they were answered with ("200", "503", "none"), and answers of another shape."""

    statuses: dict[str, int]
    schema_problems: tuple[str, ...] = ()
    golden: GoldenDeviation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Percentiles in milliseconds over *requests*, of which *errors* failed."""

    requests: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """A rehearsal: whether the previous version answered again as before, after how many seconds, and how long ago."""

    restored: bool
    seconds: float
    age_days: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCost:
    """What the second *fleet* of a release costs by configured prices: from *least* to *most*.

    Those of earlier releases have cost *spent* in the last *days*, where the gate asks for that.
    """

    least: float
    most: float
    fleet: str
    spent: float = field(default=0.0, metadata=NEWER)
    days: int = field(default=0, metadata=NEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedComparison:
    """*requests* that production was sent and answered, sent again to pre-production, which left some *unanswered*."""

    requests: int
    unanswered: int
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTest:
    """*requests* that arrived at a *deployment* at moments drawn beforehand, and how they ended by HTTP status.

    Latencies are from these moments. *per_second* arrived on average, and *peak_per_second* in the busiest minute;
    *profile* says where these rates are from. It took *seconds* to the last answer. *own_delay_ms* is the 95th
    percentile of how late the sender itself was.
    """

    deployment: str
    profile: str
    requests: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    per_second: float = 0.0
    peak_per_second: float = 0.0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    own_delay_ms: float = 0.0

    @property
    def errors(self) -> int:
        """The requests that were not answered with 200."""
        return self.requests - self.statuses.get("200", 0)

    @property
    def throughput(self) -> float:
        """Good answers a second."""
        return self.statuses.get("200", 0) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTrial:
    """*rows* of the hold-out, scored as a file by the batch deployment, which *answered* so many of them.

    *finding* says how they were counted, or what went wrong, which *failed* says. *compared* rows were asked of the
    online deployment, too; it answers *deviating* ones otherwise by more than *tolerance*, as in *example*.
    """

    rows: int
    answered: int
    finding: str
    failed: bool = False
    compared: int = 0
    deviating: int = 0
    tolerance: float = 0.0
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the gates may look at; *at* is when they are asked, with its UTC offset."""

    at: datetime | None = None
    evaluation: Evaluation | None = None
    data_test: DataTest | None = None
    api_test: ApiTest | None = None
    latency: Latency | None = None
    agreement: Agreement | None = None
    rollback: Rollback | None = None
    cost: ReleaseCost | None = field(default=None, metadata=NEWER)
    collected: CollectedComparison | None = field(default=None, metadata=NEWER)
    load: LoadTest | None = field(default=None, metadata=NEWER)
    batch: BatchTrial | None = field(default=None, metadata=NEWER)
