"""The clock alone, by the host's own timer: one schedule retrains a model and another scores what waits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared import contracts as c
from shared.domain.inference.routes import Group, Grouping
from shared.domain.schedules.due_times import Schedule, Target
from tests.inference.conftest import a_route
from tests.retraining.conftest import RetrainingApp

RETRAIN = Schedule(name="nightly", cron="30 2 * * *", target=Target.RETRAIN, of="churn", timezone="Europe/Paris")
SCORE = Schedule(name="scoring", cron="15 2 * * *", target=Target.SCORE, of="waiting")


@pytest.fixture
def ticks() -> str:
    return "0 15,30 * * * *"


@pytest.mark.parametrize("sweeps", ["0 0 */6 * * *"])
async def test_a_schedule_retrains_and_another_scores_each_at_its_own_time_and_once(app: RetrainingApp) -> None:
    configuration = app.clients.configuration
    waiting = a_route("waiting", Group(kind=Grouping.SCHEDULE))
    vars(app.clients)["configuration"] = replace(configuration, routes=(waiting,), schedules=(RETRAIN, SCORE))
    for name in ("a", "b"):
        await app.tell(app.hub.land(f"landing/waiting/north/{name}.csv", b"id,x\n1,2\n"))

    await app.pass_time(timedelta(hours=1, minutes=29))  # It is 2:29 in Paris.
    assert (app.settled(), app.clients.jobs.created.total()) == ([], 0)  # type: ignore[attr-defined]
    await app.pass_time(timedelta(minutes=1))
    assert app.settled() == [""]
    result = await app.retrained()
    await app.pass_time(timedelta(minutes=60))

    claim = app.part("claim.json")["causes"]
    assert [(cause["kind"], cause["facts"]["due"]) for cause in claim] == [("schedule", "2026-01-01T01:30:00+00:00")]
    assert result.outcome is c.RetrainingOutcome.BETTER
    assert (await app.finish(result.promotion)).fate is c.Fate.PROMOTED
    assert app.clients.jobs.created.total() == 1  # type: ignore[attr-defined]
    assert "Signalbox.Inference.Completed" in app.clients.announcer.kinds  # type: ignore[attr-defined]
    await app.pass_time(timedelta(hours=21))
    assert len(app.runs()) == 1
    await app.pass_time(timedelta(hours=3))
    assert [run["causes"] for run in app.runs()] == [1, 1]
