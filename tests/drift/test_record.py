"""Records the golden history of a drift check that is missing (tests/replay/recording.py)."""

from tests.drift.conftest import WatchedProduct, csv_of, rows
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)

pytestmark = only_when_asked


async def test_record_a_check_that_found_drift(product: WatchedProduct, seen: dict[str, str]) -> None:  # noqa: F811
    run = await product.arrive("landing/each/north/a.csv", csv_of(rows(5, 300, x=1.0)))
    await product.finish(run)
    await product.checked(f"{run}-drift")

    record("check_drift", "check_drift", seen[f"{run}-drift"])
