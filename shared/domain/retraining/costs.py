"""What a run of training cost: the time between its start and its end, on all its nodes, at the configured rate."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.retraining.rules import Retraining


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """*estimate* was made before the run; *actual* is None where its times are not known."""

    estimate: float
    actual: float | None = None
    node_hours: float | None = None

    @property
    def counted(self) -> float:
        """What the budget is charged: the estimate until the actual cost is known."""
        return self.estimate if self.actual is None else self.actual


def cost_of(rules: Retraining, start: str, end: str) -> Cost:
    """The cost of a run from *start* to *end* (ISO 8601), of which either may be empty."""
    seconds = _seconds(start, end)
    if seconds is None:
        return Cost(estimate=rules.estimate)
    hours = seconds / 3600 * rules.nodes
    return Cost(estimate=rules.estimate, actual=round(hours * rules.rates.node_hour, 4), node_hours=round(hours, 6))


def _seconds(start: str, end: str) -> float | None:
    try:
        return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    except (ValueError, TypeError):  # Unknown, or one of the two says no offset.
        return None
