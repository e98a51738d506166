"""Retraining's inputs and outputs across the Durable boundary, and its activities and orchestrations."""

from dataclasses import dataclass

from shared.contracts.kinds import Orchestration
from shared.contracts.payloads import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingWatch:
    """The one consideration of *model*'s recorded causes."""

    model: str


CONSIDER_RETRAINING = Orchestration("consider_retraining", RetrainingWatch, Done)
