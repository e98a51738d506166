"""From causes to a better model in pre-production, with nobody touching it; and why there is none."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared import contracts as c
from shared.domain.promotion.approvals import ApprovalPolicy
from shared.domain.promotion.models import DIGEST, STATE, EntryState
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.rules import Budget, Limits
from tests.promotion.conftest import OWNER
from tests.retraining.conftest import CANDIDATES, RetrainingApp, hours


async def test_a_better_challenger_is_registered_entered_and_promoted(app: RetrainingApp) -> None:
    await app.serve(error=2.0)
    app.pipelines.error = 1.0

    result = await app.by_hand()

    assert (result.outcome, result.model) == (c.RetrainingOutcome.BETTER, "churn:2")
    assert (await app.finish(result.promotion)).fate is c.Fate.PROMOTED
    assets = app.cloud.state["assets"]
    assert assets["central/models/churn:2"].tags[STATE] == EntryState.CANDIDATE.value
    assert assets["central/models/churn:2"].tags[DIGEST] == assets["preprod/models/churn:2"].tags[DIGEST]
    tags = assets["dev/models/churn:2"].tags
    assert (tags["signalbox.run"], tags["azureml.git.commit"]) == (result.run, "0123abc")
    assert tags["signalbox.data"].startswith("churn-labels:")
    assert (tags["signalbox.metric.training.mae"], "signalbox.metric.mae" in tags) == ("0.5", True)
    assert app.part("evaluation.json")["champion"] == "preprod/models/churn:1"
    looks = [path for _, path in app.hub.blobs if path.startswith("holdouts/churn/") and "/looks/" in path]
    assert len(looks) == 1  # Judged after training and again in preprod: one challenger, one look.
    kinds = app.chain()
    order = ["retraining: retrain", "challenger judged", "challenger registered", "retraining better"]
    assert [kind for kind in kinds if kind in order] == order
    assert "Signalbox.Retraining.Better" in app.clients.announcer.kinds  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error", "outcome", "said"),
    [
        (3.0, c.RetrainingOutcome.NOT_BETTER, "wanted 0"),
        (2.0, c.RetrainingOutcome.INCONCLUSIVE, "would decide"),
    ],
)
async def test_what_is_not_better_goes_no_further_and_says_why(
    app: RetrainingApp, error: float, outcome: c.RetrainingOutcome, said: str
) -> None:
    await app.serve(error=2.0)
    app.pipelines.error = error

    result = await app.by_hand()

    assert result.outcome is outcome
    assert said in result.because
    assert not [key for key in app.cloud.state["assets"] if "churn:2" in key]
    assert said in app.pipelines.tags["train-1"]["signalbox.because"]
    assert app.runs()[0]["outcome"] == outcome.value


async def test_a_first_model_needs_no_champion(app: RetrainingApp) -> None:
    result = await app.by_hand()

    assert (result.outcome, result.model) == (c.RetrainingOutcome.BETTER, "churn:1")
    assert (await app.finish(result.promotion)).fate is c.Fate.PROMOTED


@pytest.mark.parametrize("sweeps", ["0 0 */6 * * *"])
async def test_a_candidate_that_people_think_about_for_a_day_climbs_all_the_same(app: RetrainingApp) -> None:
    ladder = app.clients.configuration.ladder
    asking = replace(CANDIDATES, approvals=ApprovalPolicy(roles=(OWNER,)))
    ladder = replace(ladder, stages=(asking, *ladder.stages[1:]))
    vars(app.clients)["configuration"] = replace(app.clients.configuration, ladder=ladder)
    app.cause(CauseKind.PERSON)
    await app.consider()
    await app.pass_time(timedelta(days=1))
    _, waiting = await app.ask("GET", "promotions", who="linus")
    (entering,) = [each["promotion"] for each in waiting["promotions"]]
    _, shown = await app.ask("GET", f"promotions/{entering}", who="linus")
    await app.decide(entering, "grace", OWNER.name, evidence=shown["evidence"][0]["digest"])

    result = await app.retrained()

    assert (await app.finish(result.promotion)).fate is c.Fate.PROMOTED


async def test_a_run_in_flight_absorbs_what_comes_meanwhile(app: RetrainingApp) -> None:
    app.pipelines.status_after = lambda looks: "Completed" if looks > 8 else "Running"
    app.cause(CauseKind.DRIFT)
    await app.consider()
    await app.until(lambda: bool(app.pipelines.runs))
    late = app.cause(CauseKind.SCHEDULE)
    await app.consider()

    result = await app.retrained()

    assert app.runs()[0]["absorbed"] == [late.id]
    await hours(app, 5)
    assert set(app.settled()) == {result.run}
    assert ("wait", "in flight") in app.verdicts()
    assert len(app.pipelines.runs) == 1


async def test_a_run_that_failed_answers_nothing_that_came_meanwhile(app: RetrainingApp) -> None:
    app.pipelines.status_after = lambda looks: "Failed" if looks > 8 else "Running"
    app.cause(CauseKind.DRIFT)
    await app.consider()
    await app.until(lambda: bool(app.pipelines.runs))
    app.cause(CauseKind.SCHEDULE)
    first = await app.retrained()
    app.pipelines.status_after = lambda looks: "Completed"

    await hours(app, 2)
    second = await app.retrained()

    assert first.outcome is c.RetrainingOutcome.FAILED
    assert first.because == "the training ended as Failed"
    assert second.outcome is c.RetrainingOutcome.BETTER
    assert app.settled() == [first.run, second.run]


@pytest.mark.parametrize("sweeps", ["0 0 */6 * * *"])
async def test_new_data_is_counted_as_it_lies_there(app: RetrainingApp) -> None:
    for name in ("second", "third"):
        blob = app.label(name, start=510 if name == "second" else 520)
        await app.tell(blob)
        await app.tell(blob)
        await app.host.settle()

    result = await app.retrained()
    await hours(app, 30)

    assert result.outcome is c.RetrainingOutcome.BETTER
    claim = app.part("claim.json")
    assert [cause["because"] for cause in claim["causes"]] == ["labels: 3 new files, 3 are enough"]
    assert len(app.runs()) == 1
    assert app.hub.blobs["signalbox", "retraining/churn/book.json"][0].size < 3000


async def test_data_that_no_event_announced_is_found_by_the_timer(app: RetrainingApp) -> None:
    app.label("second", start=510)
    app.label("third", start=520)

    await hours(app, 2)
    result = await app.retrained()

    assert result.outcome is c.RetrainingOutcome.BETTER


async def test_a_limit_is_waited_for_with_the_timer(app: RetrainingApp) -> None:
    first = await app.by_hand()
    app.cause(CauseKind.DRIFT, 2)
    await app.consider()
    await app.pass_time(timedelta(minutes=10))

    assert app.verdicts()[-1] == ("wait", "minimum interval")
    await hours(app, 2)
    second = await app.retrained()
    assert second.run != first.run


async def test_the_budget_stops_new_runs_and_says_so(app: RetrainingApp) -> None:
    app.change(limits=Limits(debounce_s=0), budget=Budget(amount=20.0, within_s=30 * 86400))
    await app.by_hand()
    app.cause(CauseKind.PERSON, 2)
    await app.consider()
    await app.pass_time(timedelta(hours=1))
    assert len(app.runs()) == 2

    app.change(budget=Budget(amount=11.0, within_s=30 * 86400))
    app.cause(CauseKind.PERSON, 3)
    await app.consider()
    await app.pass_time(timedelta(hours=1))

    assert app.verdicts()[-1] == ("refuse", "budget")
    assert len(app.runs()) == 2


async def test_what_a_run_cost_is_recorded_by_its_own_times(app: RetrainingApp) -> None:
    app.pipelines.status_after = lambda looks: "Completed" if looks > 10 else "Running"

    await app.by_hand()

    run = app.runs()[0]
    seen = app.pipelines.runs["train-1"]
    assert run["cost"]["estimate"] == 12.0
    assert 0 < run["cost"]["actual"] < 12.0
    assert run["cost"]["node_hours"] == pytest.approx(run["cost"]["actual"] / 3.0, abs=1e-4)
    assert seen.started < seen.ended
    assert app.pipelines.tags["train-1"]["signalbox.estimate"] == "12"
