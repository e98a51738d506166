"""The ladder: which environments models climb, past which gates and people. Only configured edges exist."""

from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.newer import NEWER
from shared.domain.promotion.approvals import ApprovalPolicy
from shared.domain.promotion.gate_specs import GateSpec
from shared.domain.promotion.training import StageTraining
from shared.domain.provisioning.rules import ChangeRules
from shared.domain.rollout.policy import RolloutPolicy
from shared.domain.statistics.looks import EXPECTED

REGISTRY = "registry"  # What permissions call the place of every stage that leads to the central registry.


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The central registry, in a subscription of its own."""

    name: str
    subscription: str
    resource_group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What a version is deployed behind in an environment; an empty endpoint name means that there is none.

    *kubernetes* names an attached cluster, on which online endpoints then run instead of on managed compute.
    """

    online: str = ""
    batch: str = ""
    online_script: str = "online.py"
    batch_script: str = "score.py"
    instance_type: str = "Standard_DS3_v2"
    instances: int = 1
    compute: str = "cpu-cluster"
    kubernetes: str = ""
    ready_within_s: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdout:
    """Rows with known answers that no training has seen: *path* is `container/path` of a CSV file in the hub, or
    `name@version` of a published data set, which never changes.

    *answers* is a second such file with the key and the target, empty where the target is a column of the first.
    Outputs of two models agree within *tolerance*; *labels*: they are texts, which agree where they are equal.
    With *classes* outputs are one probability for each of them, and the target names one.
    Rows with one value in the column *group* belong together; empty where each row stands for itself. *looks* is how
    many challengers are expected to ask it in a year.
    """

    path: str
    answers: str = ""
    target: str = ""
    key: str = ""
    slices: tuple[str, ...] = ()
    batch_rows: int = 500
    tolerance: float = 0.0
    labels: bool = False
    group: str = ""
    looks: int = EXPECTED
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotable:
    """What a model must have to climb."""

    name: str
    contract: str
    holdout: Holdout
    owner: str = ""


class Newer(StrEnum):
    """What a later version's promotion does to one of the same model that waits for the same stage."""

    QUEUE = "queue"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One edge of the ladder, named after where it leads: an environment, or the registry.

    *candidate*: it enters a version in the registry as a candidate, and never approves it. *training*: it carries no
    bundle, but has one trained there, by a pipeline for each model; it bears the name of its environment.
    *atomic*: of models flagged together for it all arrive, or none. *newer*: what a later version does to one that
    waits. *rollout*: traffic shifts step by step, and is compared on the way. *on_registration*: the approval of an
    entry of the registry starts its promotion to here. *rehearse*: before the traffic is switched, it is switched
    there and back, timed, and the version before is asked. *change*: a change request of ServiceNow must be approved
    for the evidence.
    """

    name: str
    source: str
    environment: Workspace | None = None
    registry: Registry | None = None
    candidate: bool = False
    serving: Serving = field(default_factory=Serving)
    entry_gates: tuple[GateSpec, ...] = ()
    exit_gates: tuple[GateSpec, ...] = ()
    approvals: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    training: tuple[StageTraining, ...] = ()
    atomic: bool = True
    newer: Newer = Newer.QUEUE
    rollout: RolloutPolicy | None = field(default=None, metadata=NEWER)
    on_registration: bool = field(default=False, metadata=NEWER)
    rehearse: bool = field(default=False, metadata=NEWER)
    change: ChangeRules | None = field(default=None, metadata=NEWER)

    @property
    def ends_promotions(self) -> bool:
        """Whether a promotion through it ends there: what goes on from it is trained there, or an entry by itself."""
        return bool(self.training) or self.registry is not None

    @property
    def place(self) -> str:
        """What permissions call where it leads."""
        return self.environment.name if self.environment else REGISTRY

    @property
    def workspace(self) -> Workspace:
        """The workspace that it leads to. Raises Refused for a stage that leads to a registry."""
        if self.environment is None:
            raise Refused(f"stage {self.name} is no environment: nothing is deployed and nothing serves there")
        return self.environment

    def trains(self, model: str) -> StageTraining:
        """How *model* is trained here. Raises Refused naming the models that are."""
        training = next((rules for rules in self.training if rules.model == model), None)
        if training is None:
            models = ", ".join(rules.model for rules in self.training)
            raise Refused(f"stage {self.name!r} trains {models}, not {model!r}; add ladder.{self.name}.train.{model}")
        return training


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """Who may together override a gate, and for how long."""

    policy: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    longest_s: int = 4 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    stages: tuple[Stage, ...] = ()
    models: tuple[Promotable, ...] = ()
    break_glass: BreakGlass = field(default_factory=BreakGlass)

    def way(self, source: str, target: str) -> tuple[Stage, ...]:
        """The stages from environment *source* up to *target*. Raises Refused where no configured edges lead there.

        What is trained on the way is another bundle, unknown before: a promotion ends where it was trained. It ends in
        the registry too: a release of an approved entry is asked for, planned and approved by itself.
        """
        stages: list[Stage] = []
        name = target
        while name != source:
            stage = next((candidate for candidate in self.stages if candidate.name == name), None)
            if stage is None:
                raise Refused(f"no configured edge leads from {source!r} to {target!r}; the ladder has {self._edges()}")
            stages.insert(0, stage)
            name = stage.source
        trains = next((stage.name for stage in stages[:-1] if stage.training), "")
        if trains:
            raise Refused(
                f"{target!r} is beyond {trains!r}, which trains a bundle of its own; promote to {trains!r} first"
            )
        entered = next((stage.name for stage in stages[:-1] if stage.registry), "")
        if entered:
            raise Refused(
                f"{target!r} is beyond the registry; promote to {entered!r} first, and from there to {target!r}"
            )
        return tuple(stages)

    @property
    def experiments(self) -> frozenset[str]:
        """The environments in which models are made: stages begin there, and none leads there."""
        return frozenset(stage.source for stage in self.stages) - {stage.name for stage in self.stages}

    @property
    def above_development(self) -> frozenset[str]:
        """The environments in which nobody writes but the app: people act there through its doors.

        All but those that a stage leads to straight from an experiment. What shifts the traffic of users, or is
        also led to from higher up, is above, however short the way is.
        """
        experiments = self.experiments
        higher = [stage for stage in self.stages if stage.source not in experiments or stage.rollout is not None]
        return frozenset(stage.environment.name for stage in higher if stage.environment is not None)

    @property
    def developments(self) -> frozenset[str]:
        """The environments right above an experiment, in which people may still work by themselves."""
        reached = frozenset(stage.environment.name for stage in self.stages if stage.environment is not None)
        return reached - self.above_development

    def before(self, stage: Stage) -> Stage | None:
        """The stage whose exit receipt *stage* demands; None for a first stage.

        A stage that trains is where models are made, like an environment that no stage leads to.
        """
        return next(
            (candidate for candidate in self.stages if candidate.name == stage.source and not candidate.training), None
        )

    def served_below(self, stage: Stage) -> Stage | None:
        """The nearest stage on the way to *stage* that serves online, such as pre-production; None without one."""
        stages, name = {candidate.name: candidate for candidate in self.stages}, stage.source
        while name in stages:
            if stages[name].environment is not None and stages[name].serving.online:
                return stages[name]
            name = stages[name].source
        return None

    def served_above(self, stage: Stage) -> Stage | None:
        """The stage that shifts traffic and for which *stage* is the nearest one below, or *stage* where it does
        itself; None without one."""
        if stage.rollout is not None:
            return stage
        for candidate in self.stages:
            below = self.served_below(candidate) if candidate.rollout is not None else None
            if below is not None and below.name == stage.name:
                return candidate
        return None

    def first_leg(self, source: str, target: str) -> str:
        """Where a promotion from *source* towards *target* ends first: at *target*, or at a stage on the way."""
        name, first = target, target
        stages = {stage.name: stage for stage in self.stages}
        while name != source and name in stages:
            first = name if stages[name].ends_promotions else first
            name = stages[name].source
        return first

    def lowest_source(self, target: str) -> str:
        """The environment from which a promotion reaches *target*. Raises Refused naming the stages that there are."""
        stages = {stage.name: stage for stage in self.stages}
        if target not in stages:
            raise Refused(f"field 'to' is {target!r}; use one of {', '.join(stages) or 'none'}")
        name = stages[target].source
        while name in stages and not stages[name].ends_promotions:
            name = stages[name].source
        return name

    def promotable(self, name: str) -> Promotable:
        """Raises Refused where model *name* is not configured for promotion."""
        for model in self.models:
            if model.name == name:
                return model
        names = ", ".join(model.name for model in self.models) or "none"
        raise Refused(f"model {name!r} has no `promotion` section in the configuration; those that have: {names}")

    def _edges(self) -> str:
        return ", ".join(f"{stage.source} -> {stage.name}" for stage in self.stages) or "no edges"
