"""Whether enough training data has come, decided from what lies there and not from the events that announced it.

It stands alone, because it is about data and not about causes.
"""

from dataclasses import dataclass

from shared.domain.retraining.rules import TrainingRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Files that no judged run was trained on; *oldest_s* is the age of the oldest, in seconds."""

    files: int
    rows: int
    oldest_s: float


def reason_for_run(arrivals: Arrived, route: TrainingRoute) -> str:
    """Why it is enough for a run, empty where it is not: any configured limit will do."""
    reasons = [
        sentence
        for limit, value, sentence in (
            (route.rows, arrivals.rows, f"{arrivals.rows} new rows, {route.rows} are enough"),
            (route.files, arrivals.files, f"{arrivals.files} new files, {route.files} are enough"),
            (route.age_s, arrivals.oldest_s, f"new data has waited for {route.age_s} s"),
        )
        if limit and arrivals.files and value >= limit
    ]
    return f"{route.name}: {'; '.join(reasons)}" if reasons else ""
