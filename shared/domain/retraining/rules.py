"""By which rules a model is retrained: built by `shared.config` from `models.NAME.retraining`.

Carried in a run's input: a run finishes by the rules it started with.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.paths import patterns
from shared.domain.promotion.gate_specs import GateSpec
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.pipelines import Pipeline, TrainingCompute

HOLDOUT = "holdout"  # The folder with the hold-out's features, among those of the training sets.
MOST_RUNS = 1000  # How many can be a limit, and so how many are remembered.


class TrainingKind(StrEnum):
    TABULAR = "tabular"  # CSV files with the label as a column.
    BOXES = "boxes"  # JSON Lines of images with labelled bounding boxes, as Azure ML's AutoML reads them.


class OnConflict(StrEnum):
    """What becomes of two different rows with the same key."""

    NEWEST = "newest"
    DROP = "drop"  # Neither is believed.
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRoute:
    """Which files train a model. *rows*, *files* and *age_s* (seconds): how much new data, or how old, starts a run.

    *key* are the columns that name a row; *labels* the known labels of boxes, empty where any is known.
    """

    name: str
    take: str
    kind: TrainingKind = TrainingKind.TABULAR
    contract: str = ""
    key: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    rows: int = 0
    files: int = 0
    age_s: int = 0
    conflicts: OnConflict = OnConflict.NEWEST

    def takes(self, location: str) -> bool:
        return patterns.match(self.take, location) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times are seconds; zero means that there is no such limit.

    *debounce_s* is how long no new cause must have come, *longest_debounce_s* how long the first one waits at most.
    """

    debounce_s: int = 60
    longest_debounce_s: int = 900
    min_interval_s: int = 0
    runs: int = 0
    within_s: int = 0
    champion_age_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """*amount* for all runs of a model that started within *within_s* seconds; zero means that there is no budget."""

    amount: float = 0.0
    within_s: int = 30 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What a node costs for an hour, and for how many hours a run is expected to use its nodes."""

    node_hour: float = 0.0
    hours: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a better model is worth by the kind of cause, and how many times its cost a run must be worth."""

    by_kind: dict[str, float] = field(default_factory=dict)
    times_cost: float = 1.0

    def of(self, kind: CauseKind) -> float:
        return self.by_kind.get(kind.value, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """A logged *metric* beyond which a run is cancelled while it trains; empty where nothing stops it."""

    metric: str = ""
    above: float | None = None
    below: float | None = None

    def broken_by(self, value: float) -> bool:
        return (self.above is not None and value > self.above) or (self.below is not None and value < self.below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """*gate* are the options of `better_than_champion`; *promote_to* is a stage of the ladder, empty for none.

    *candidate* is the ladder's stage that enters a better challenger in the central registry, empty for none.
    """

    model: str
    pipeline: Pipeline
    experiment: str
    parameters: dict[str, str] = field(default_factory=dict)
    compute: TrainingCompute = field(default_factory=TrainingCompute)
    data: tuple[TrainingRoute, ...] = ()
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Budget)
    rates: Rates = field(default_factory=Rates)
    worth: Worth = field(default_factory=Worth)
    gate: GateSpec = field(default_factory=lambda: GateSpec(gate="better_than_champion"))
    stop: StopRule = field(default_factory=StopRule)
    candidate: str = ""
    promote_to: str = ""
    give_up_after_s: int = 6 * 3600

    @property
    def nodes(self) -> int:
        return max(1, self.compute.instances)

    @property
    def estimate(self) -> float:
        """What a run is expected to cost, in the unit of the rates."""
        return round(self.nodes * self.rates.hours * self.rates.node_hour, 4)
