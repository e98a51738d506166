"""Records the golden history of a drift check that is missing (tests/replay/recording.py)."""

from tests.drift.conftest import DriftApp, csv_of, rows
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)

pytestmark = only_when_asked


async def test_record_a_check_that_found_drift(app: DriftApp, seen: dict[str, str]) -> None:  # noqa: F811
    run = await app.arrive("landing/each/north/a.csv", csv_of(rows(5, 300, x=1.0)))
    await app.finish(run)
    await app.checked(f"{run}-drift")

    record("check_drift", "check_drift", seen[f"{run}-drift"])
