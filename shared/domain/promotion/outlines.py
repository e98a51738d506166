"""The outline of a plan: what an orchestration needs to know of it, a few lines for each stage.

The plan itself, with its files, gates and rules, stays in the promotion's record, where activities read it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.plans import Move, Phase, Plan, StagePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOutline:
    """A move of one phase of a stage; it, or its undo, may take *within_s*.

    A shift of traffic is made in *steps*, each of which is watched; all other moves are made at once.
    """

    move: Move
    phase: Phase
    within_s: int
    steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOutline:
    """*name* is the stage's; *asks_people* says whether roles must approve its entry, and
    *asks_change* whether a change request must."""

    name: str
    asks_people: bool
    ready_within_s: int
    moves: tuple[MoveOutline, ...]
    asks_change: bool = False  # Not in histories of earlier releases.


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOutline:
    """*endpoints* are what was locked before openings named their locks."""

    model: ModelVersion
    stages: tuple[StageOutline, ...]
    endpoints: tuple[str, ...]

    def moves(self) -> Iterator[tuple[StageOutline, MoveOutline]]:
        """Every move of the promotion in the order in which it runs."""
        for stage in self.stages:
            for move in stage.moves:
                yield stage, move


def outline_of(plan: Plan) -> PlanOutline:
    """The same for the same plan, at every replay."""
    return PlanOutline(
        model=plan.model,
        stages=tuple(
            StageOutline(
                name=at.stage.name,
                asks_people=bool(at.stage.approvals.roles),
                ready_within_s=at.stage.serving.ready_within_s,
                moves=tuple(
                    MoveOutline(move=move, phase=phase, within_s=at.within_s(move), steps=_steps(at, move))
                    for phase in Phase
                    for move in at.moves(phase)
                ),
                asks_change=at.stage.change is not None,
            )
            for at in plan.stages
        ),
        endpoints=tuple(plan.endpoints()),
    )


def _steps(at: StagePlan, move: Move) -> int:
    return len(at.weights) if move is Move.SHIFT_TRAFFIC else 0
