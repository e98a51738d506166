"""What gates judge: measured facts of one stage, plain enough to be stored as JSON. What is None was not measured."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """*estimate*, *low* and *high* are in the metric's units; positive means that the challenger is better."""

    metric: str
    estimate: float
    low: float
    high: float
    champion: float
    challenger: float
    rows: int
    method: str
    alpha: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceDifference:
    """*name* is `column=value`."""

    name: str
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Both models on the same hold-out rows; where there is no *champion* there are only the values *alone*."""

    holdout: str
    rows: int
    champion: str = ""
    differences: tuple[Difference, ...] = ()
    slices: tuple[SliceDifference, ...] = ()
    alone: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTest:
    outcome: str
    rows: int
    summary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTest:
    """*problems* name the request and what was wrong with its answer."""

    requests: int
    failures: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenTest:
    """Deviations are the largest absolute differences from the recorded answers, one for each request."""

    requests: int
    deviations: tuple[float, ...]
    unlike: tuple[str, ...] = ()  # Answers of another shape than the recorded ones.


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstRow:
    key: str
    champion: float
    challenger: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """*agree* is the share of rows within *tolerance*; shifts are challenger minus champion.

    *ks* is the distance of the two distributions (Kolmogorov-Smirnov).
    """

    rows: int
    tolerance: float
    agree: float
    mean_shift: float
    quantile_shifts: tuple[float, ...]
    ks: float
    slices: dict[str, float] = field(default_factory=dict)
    worst: tuple[WorstRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """*at* is the moment of the assessment, ISO 8601 with its offset."""

    at: str = ""
    data_test: DataTest | None = None
    api_test: ApiTest | None = None
    golden: GoldenTest | None = None
    latency: Latency | None = None
    evaluation: Evaluation | None = None
    agreement: Agreement | None = None
