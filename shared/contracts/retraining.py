"""Retraining's inputs and outputs across the Durable boundary, and its activities and orchestrations."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import DataVerdict, Done, JobEnd, JobSeen, Sweep, Swept
from shared.contracts.promotion import Fate, Promotion
from shared.domain.inference.routes import HubLayout
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.people import Askers, PersonId
from shared.domain.retraining.decision import RetrainingAction
from shared.domain.retraining.rules import Retraining


class RetrainingOutcome(StrEnum):
    """How a run of training ended; the first three have judged a challenger."""

    BETTER = "better"
    NOT_BETTER = "not better"
    INCONCLUSIVE = "inconclusive"
    BAD_DATA = "bad data"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DUPLICATE = "duplicate"

    @property
    def judged(self) -> bool:
        return self in (self.BETTER, self.NOT_BETTER, self.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingWatch:
    """The one consideration of *model*'s recorded causes."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRun:
    """A run of training: *causes* were claimed for it and are listed in its claim, a record; *because* sums them up.

    *data* are places in the hub that somebody named; *champion* was the model that served when the run was started.
    *asked_by* are the persons among the causes, *named* those of whom a name alone is known, and *nameless* says that
    a machine is among them which named nobody.
    """

    run: str
    rules: Retraining
    hub: HubLayout
    causes: int
    because: str
    data: tuple[str, ...] = ()
    champion: str = ""
    asked_by: tuple[PersonId, ...] = ()
    named: tuple[str, ...] = ()
    nameless: bool = False

    @property
    def askers(self) -> Askers:
        """Who asked for it by hand; nobody where it came of itself."""
        automatic = not self.asked_by and not self.nameless
        return Askers(persons=self.asked_by, named=self.named, nameless=self.nameless, automatic=automatic)


@dataclass(frozen=True, slots=True, kw_only=True)
class CausesWeighing:
    key: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CausesWeighed:
    """*run* owns the causes, where there is one; *wait_s* is zero where something else than time decides."""

    move: RetrainingAction
    because: str
    wait_s: float = 0.0
    debounced: bool = False
    run: RetrainingRun | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingStart:
    key: str
    request: RetrainingRun


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingOpening:
    key: str
    execution: str
    request: RetrainingRun


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingOpened:
    already: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """An immutable set in staging: *folder* has its parts, *version* names its content."""

    name: str
    version: str
    folder: str
    rows: int
    parts: tuple[str, ...]
    contract: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSets:
    """*holdout* is the folder with the hold-out's features and never its answers; *digest* names the hold-out."""

    sets: tuple[TrainingSet, ...]
    holdout: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCheck:
    request: RetrainingRun
    sets: TrainingSets


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSubmission:
    key: str
    request: RetrainingRun
    sets: TrainingSets


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSubmitted:
    """*id* is Azure ML's own name of the pipeline's run; without one it is to be asked for again in *again_in_s*.

    *cancelled* says who has ordered that it shall not be, and why.
    """

    id: str = ""
    cancelled: str = ""
    again_in_s: float = 0.0
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWait:
    """A segment of the wait for one pipeline run; *polls* counts over all segments, *deadline* is ISO 8601 UTC."""

    request: RetrainingRun
    id: str
    deadline: str
    polls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingLook:
    request: RetrainingRun
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStop:
    """Cancel the pipeline's run, by *id* or else by our name, and say *because* on it."""

    key: str
    request: RetrainingRun
    because: str
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengerTrial:
    key: str
    request: RetrainingRun
    sets: TrainingSets
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengerJudged:
    """*digest* is that of the bundle that was judged, *champion* the model it was compared with, *metrics* its own."""

    outcome: RetrainingOutcome
    because: str
    digest: str = ""
    champion: str = ""
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengerRegistration:
    key: str
    request: RetrainingRun
    sets: TrainingSets
    id: str
    judged: ChallengerJudged


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengerRegistered:
    """*entering* leads to the candidate's entry in the registry, *climbing* up the ladder; None: not configured."""

    model: ModelVersion
    entering: Promotion | None = None
    climbing: Promotion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionStart:
    key: str
    promotion: Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionWatch:
    promotion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionSeen:
    """*fate* is None while it is under way."""

    fate: Fate | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingResult:
    run: str
    outcome: RetrainingOutcome
    because: str
    model: str = ""
    promotion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingClosing:
    key: str
    request: RetrainingRun
    result: RetrainingResult
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingWake:
    """Look again at a model's causes, and at what has come to train it."""

    key: str
    model: str


CONSIDER_RETRAINING = Orchestration("consider_retraining", RetrainingWatch, Done)
RETRAIN = Orchestration("retrain", RetrainingRun, RetrainingResult)
WAIT_FOR_TRAINING = Orchestration("wait_for_training", TrainingWait, JobEnd)
CANCEL_TRAINING_ADRIFT = Orchestration("cancel_training_adrift", RetrainingRun, Done)
WATCH_TRAINING_DATA = Orchestration("watch_training_data", RetrainingWatch, Done)
RECONCILE_RETRAINING = Orchestration("reconcile_retraining", Sweep, Swept)

WEIGH_CAUSES = Activity("weigh_causes", CausesWeighing, CausesWeighed, Effect.WRITES)
START_RETRAINING = Activity("start_retraining", RetrainingStart, Done, Effect.WRITES)
OPEN_RETRAINING = Activity("open_retraining", RetrainingOpening, RetrainingOpened, Effect.WRITES)
BUILD_TRAINING_SETS = Activity("build_training_sets", RetrainingStart, TrainingSets, Effect.WRITES)
CHECK_TRAINING_SETS = Activity("check_training_sets", TrainingCheck, DataVerdict, Effect.READS)
SUBMIT_TRAINING = Activity("submit_training", TrainingSubmission, TrainingSubmitted, Effect.WRITES)
LOOK_AT_TRAINING = Activity("look_at_training", TrainingLook, JobSeen, Effect.READS)
STOP_TRAINING = Activity("stop_training", TrainingStop, Done, Effect.WRITES)
JUDGE_CHALLENGER = Activity("judge_challenger", ChallengerTrial, ChallengerJudged, Effect.WRITES)
REGISTER_CHALLENGER = Activity("register_challenger", ChallengerRegistration, ChallengerRegistered, Effect.WRITES)
BEGIN_PROMOTION = Activity("begin_promotion", PromotionStart, Done, Effect.WRITES)
LOOK_AT_PROMOTION = Activity("look_at_promotion", PromotionWatch, PromotionSeen, Effect.READS)
CLOSE_RETRAINING = Activity("close_retraining", RetrainingClosing, Done, Effect.WRITES)
WAKE_RETRAINING = Activity("wake_retraining", RetrainingWake, Done, Effect.WRITES)
LOOK_AT_TRAINING_DATA = Activity("look_at_training_data", RetrainingWake, Done, Effect.WRITES)
SWEEP_RETRAINING = Activity("sweep_retraining", Sweep, Swept, Effect.WRITES)
