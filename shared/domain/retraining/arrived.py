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


def reason_for_run(arrived: Arrived, route: TrainingRoute) -> str:
    """Why it is enough for a run, empty where it is not: any configured limit will do."""
    reached = [
        sentence
        for limit, value, sentence in (
            (route.rows, arrived.rows, f"{arrived.rows} new rows, {route.rows} are enough"),
            (route.files, arrived.files, f"{arrived.files} new files, {route.files} are enough"),
            (route.age_s, arrived.oldest_s, f"new data has waited for {route.age_s} s"),
        )
        if limit and arrived.files and value >= limit
    ]
    return f"{route.name}: {'; '.join(reached)}" if reached else ""
