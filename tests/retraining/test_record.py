"""Records golden histories of retraining that are missing (tests/replay/recording.py)."""

from shared.domain import identity
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)
from tests.retraining.conftest import RetrainingApp

pytestmark = only_when_asked


async def test_record_a_better_challenger(app: RetrainingApp, seen: dict[str, str]) -> None:  # noqa: F811
    result = await app.by_hand()

    record("retrain-better", "retrain", seen[result.run])
    record("wait_for_training", "wait_for_training", seen[identity.wait_id(result.run)])
    record("consider_retraining", "consider_retraining", seen[identity.considering_id("churn")])


async def test_record_a_run_that_failed(app: RetrainingApp, seen: dict[str, str]) -> None:  # noqa: F811
    app.pipelines.status_after = lambda looks: "Failed"

    record("retrain-failed", "retrain", seen[(await app.by_hand()).run])
