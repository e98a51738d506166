"""A plan: every write, gate and approval of one promotion, worked out before anything happens.

What was planned is what is approved and what runs: its digest covers all of it, and a world that has changed since has
another digest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.newer import NEWER
from shared.domain.promotion.bundles import BundleFile
from shared.domain.promotion.gate_specs import BATCH_GATE, GateSpec
from shared.domain.promotion.ladder import Promotable, Registry, Stage
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.training import TrainingPlan


class Move(StrEnum):
    """A step that changes the world; each has its undo."""

    COPY_BUNDLE = "copy_bundle"
    TRAIN_MODEL = "train_model"
    REGISTER_MODEL = "register_model"
    DEPLOY_ONLINE = "deploy_online"
    DEPLOY_BATCH = "deploy_batch"
    REHEARSE_ROLLBACK = "rehearse_rollback"
    SWITCH_TRAFFIC = "switch_traffic"
    PUBLISH_ENTRY = "publish_entry"
    APPROVE_ENTRY = "approve_entry"
    MIRROR_TRAFFIC = "mirror_traffic"
    SHIFT_TRAFFIC = "shift_traffic"
    MARK_IN_PRODUCTION = "mark_in_production"
    TRY_BATCH = "try_batch"


class Phase(StrEnum):
    """Of a stage: *entry* is judged before it is touched, *exit* before it counts as reached."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """What serves an environment now; *deployment* is empty where nothing does."""

    deployment: str = ""
    model: str = ""

    def __str__(self) -> str:
        return f"{self.model or 'an unknown model'} ({self.deployment})" if self.deployment else "no champion"


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    stage: Stage
    champion: Champion = field(default_factory=Champion)
    training: TrainingPlan | None = None  # Of this very version, where the stage trains.

    def gates(self, phase: Phase) -> tuple[GateSpec, ...]:
        return self.stage.entry_gates if phase is Phase.ENTRY else self.stage.exit_gates

    def moves(self, phase: Phase) -> tuple[Move, ...]:
        """The moves that an entry (or an exit) receipt opens, in order."""
        if self.stage.registry is not None:
            approved = () if self.stage.candidate else (Move.APPROVE_ENTRY,)
            return (Move.PUBLISH_ENTRY,) if phase is Phase.ENTRY else approved
        if phase is Phase.EXIT and self.stage.rollout is not None:
            mirror = (Move.MIRROR_TRAFFIC,) if self.has_shadow else ()
            return (*mirror, Move.SHIFT_TRAFFIC, Move.MARK_IN_PRODUCTION)
        if phase is Phase.EXIT:
            rehearsed = (Move.REHEARSE_ROLLBACK,) if self.stage.rehearse else ()
            return (*rehearsed, Move.SWITCH_TRAFFIC) if self.stage.serving.online else ()
        online = (Move.DEPLOY_ONLINE,) if self.stage.serving.online else ()
        batch = (Move.DEPLOY_BATCH,) if self.stage.serving.batch else ()
        train = (Move.TRAIN_MODEL,) if self.training is not None else ()
        trial = (Move.TRY_BATCH,) if self.tries_batch else ()
        return (Move.COPY_BUNDLE, *train, Move.REGISTER_MODEL, *online, *batch, *trial)

    @property
    def tries_batch(self) -> bool:
        """Whether the batch deployment scores some rows, for the exit gate that asks what came of them."""
        # By the gate and not by the endpoint alone: a plan of an earlier release must go on having the moves it had.
        return bool(self.stage.serving.batch) and any(spec.gate == BATCH_GATE for spec in self.stage.exit_gates)

    @property
    def weights(self) -> tuple[int, ...]:
        """The percentages of traffic that a rollout goes through; a first version has nobody to share it with."""
        if self.stage.rollout is None:
            return ()
        return tuple(step.weight for step in self.stage.rollout.steps) if self.champion.deployment else (100,)

    @property
    def has_shadow(self) -> bool:
        """Whether live requests are copied to the new version before it answers any; a first version has none."""
        rollout = self.stage.rollout
        return rollout is not None and rollout.mirror is not None and bool(self.champion.deployment)

    def within_s(self, move: Move) -> int:
        """How long *move*, or its undo, may take; that of a mirror includes its time, for which its receipt lives."""
        if move is Move.MIRROR_TRAFFIC and self.stage.rollout is not None and self.stage.rollout.mirror is not None:
            return self.stage.serving.ready_within_s + self.stage.rollout.mirror.for_s
        if move is Move.TRAIN_MODEL and self.training is not None:
            return self.training.rules.give_up_after_s
        return self.stage.serving.ready_within_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """*digest* is that of *contents*, which lie in *folder* (the model) and *extras* of the source's storage.

    *source* is None where it leads from the central *registry*. *flag* is the tag's text when this was planned,
    *lineage* what the source knows of the version's origin.
    """

    model: ModelVersion
    digest: str
    size: int
    source: Workspace | None
    target: str
    promotable: Promotable
    stages: tuple[StagePlan, ...]
    contents: tuple[BundleFile, ...]
    kind: str = "custom_model"
    folder: str = ""
    extras: str = ""
    flag: str = ""
    lineage: dict[str, str] = field(default_factory=dict)
    registry: Registry | None = field(default=None, metadata=NEWER)

    @property
    def origin(self) -> Workspace | Registry:
        """Where the flagged version lies."""
        origin = self.source or self.registry
        assert origin is not None, "every plan leads from somewhere"
        return origin

    def moves(self) -> Iterator[tuple[StagePlan, Move]]:
        """Every move of the promotion in the order in which it runs."""
        for stage in self.stages:
            for phase in Phase:
                for move in stage.moves(phase):
                    yield stage, move

    def at(self, stage: str) -> StagePlan:
        """The plan of *stage*. Raises Refused where the promotion does not pass it."""
        for stage_plan in self.stages:
            if stage_plan.stage.name == stage:
                return stage_plan
        raise Refused(f"the plan of {self.model} has no stage {stage!r}")

    def against(self, stage: str, champion: Champion) -> "Plan":
        """This plan with *champion* as the one that serves *stage*."""
        stages = (replace(at, champion=champion) if at.stage.name == stage else at for at in self.stages)
        return replace(self, stages=tuple(stages))

    def locks(self) -> list[str]:
        """What the promotion holds while it is under way, in one order.

        It holds the version, the model, and every endpoint on its way. What waits for no person must not wait for those
        of another version: a candidate's entry holds the version alone, and a training no model.
        """
        version, model = f"versions/{self.model.name}/{self.model.version}", f"model/{self.model.name}"
        if all(at.stage.candidate for at in self.stages):
            return [version]
        trains = any(at.training is not None for at in self.stages)
        # One order for all promotions: otherwise two that share two endpoints could each hold one and wait for the
        # other's.
        return sorted([name for name in self.endpoints() if not (trains and name == model)] + [version])

    def endpoints(self) -> list[str]:
        """What promotions held that were opened by releases before `locks`: the model, and every endpoint."""
        names = {f"model/{self.model.name}"}
        for at in self.stages:
            serving, environment = at.stage.serving, at.stage.environment.name if at.stage.environment else ""
            names |= {
                f"{environment}/{endpoint}" for endpoint in (serving.online, serving.batch) if endpoint and environment
            }
        return sorted(names)


def changes(planned: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> tuple[str, ...]:
    """What differs between two plans in plain JSON, one sentence for each field."""
    sentences: list[str] = []
    for name in sorted(planned.keys() | now.keys()):
        before, after, field_ = planned.get(name), now.get(name), f"{where}{name}"
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            sentences += changes(before, after, f"{field_}.")
        elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            sentences += changes(_numbered(before), _numbered(after), f"{field_}.")
        elif before != after:
            sentences.append(f"{field_} was {before!r} and is {after!r}")
    return tuple(sentences)


def _numbered(items: list[Any]) -> dict[str, Any]:
    return {str(number): item for number, item in enumerate(items)}
