"""What goes wrong in a run, and how it ends: time, metrics, predictions, data, the champion, the clock."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from orchestrators import retraining
from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.promotion.models import ModelVersion
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.rules import Limits
from shared.ports import Shelf
from shared.records.retraining import book_of
from tests.amounts import sample
from tests.outages import Outage, for_a_while
from tests.promotion.conftest import DEV
from tests.retraining.conftest import RULES, RetrainingApp
from tests.unit.schedules.oracle import MORE


def output_of(app: RetrainingApp) -> str:
    return f"signalbox-staging/retraining/{app.runs()[0]['run']}/output"


async def test_a_run_that_never_ends_is_cancelled_and_that_is_a_failure(app: RetrainingApp) -> None:
    app.pipelines.status_after = lambda looks: "Running"

    result = await app.by_hand()

    assert result.outcome is c.RetrainingOutcome.FAILED
    assert "timed out: the training was not done after 3600 s" in result.because
    assert app.pipelines.cancelled == {"train-1": result.because}


@pytest.mark.parametrize("sweeps", ["0 0 0 1 1 *"])
async def test_a_long_wait_keeps_the_history_short(app: RetrainingApp) -> None:
    """Hours of it, without sweeps; with SIGNALBOX_EXAMPLES=16 a week."""
    app.change(give_up_after_s=8 * 86400)
    app.pipelines.status_after = lambda looks: "Running" if looks < 60 * MORE else "Completed"
    app.cause(CauseKind.DRIFT)
    await app.consider()
    await app.until(lambda: bool(app.pipelines.looks), every_s=30)
    run, began, longest = app.runs()[0]["run"], app.clients.clock.now(), 0
    while app.host.get(run).status == "Running":
        longest = max(longest, *(len(app.host.host.client.history(each)) for each in (run, identity.wait_id(run))))
        await app.pass_time(timedelta(hours=1))

    assert 20 < longest < 200
    assert app.clients.clock.now() - began > timedelta(hours=6 * MORE)
    assert (app.runs()[0]["outcome"], app.pipelines.submissions.total()) == ("better", 1)


async def test_a_pipeline_that_puts_a_run_off_is_asked_again_when_it_says(app: RetrainingApp) -> None:
    began, asked = app.clients.clock.now(), list[float]()

    def busy() -> None:
        asked.append((app.clients.clock.now() - began).total_seconds())
        if len(asked) < 4:
            raise PutOff("submit: 429 too many", 300.0)

    app.pipelines.before = busy

    result = await app.by_hand(hours=1)

    assert result.outcome is c.RetrainingOutcome.BETTER
    assert [round(after - before) for before, after in pairwise(asked)] == [300, 300, 300]
    assert app.pipelines.submissions.total() == 1


async def test_a_blip_after_a_long_time_of_being_put_off_does_not_end_a_run(app: RetrainingApp) -> None:
    began, asked = app.clients.clock.now(), [0]

    def busy() -> None:
        asked[0] += 1
        passed = app.clients.clock.now() - began
        if passed < timedelta(minutes=40):
            raise PutOff("submit: 429 too many", 600.0)
        if passed < timedelta(minutes=45):
            raise Transient("503 service unavailable")

    app.pipelines.before = busy

    assert (await app.by_hand(hours=2)).outcome is c.RetrainingOutcome.BETTER
    assert asked[0] > 4 + 6


async def test_an_outage_delays_a_run_and_does_not_end_it(app: RetrainingApp) -> None:
    """Longer than the host tries by itself: once while it is submitted, once while it trains."""
    began = app.clients.clock.now()

    def out(until_s: float) -> None:
        if app.clients.clock.now() - began < timedelta(seconds=until_s):
            raise Transient("503 service unavailable")

    app.pipelines.before, app.pipelines.during = lambda: out(90), lambda run: out(120)

    result = await app.by_hand(hours=1)

    assert result.outcome is c.RetrainingOutcome.BETTER
    assert app.pipelines.submissions.total() == 1
    assert not app.pipelines.cancelled


@pytest.mark.long
@pytest.mark.parametrize(
    ("port", "name"),  # While it is judged, the champion is asked, the challenger is registered, and it is recorded.
    sample([("pipelines", "metrics"), ("endpoints", "invoke"), ("models", "register"), ("audit", "append")], 1),
)
async def test_an_outage_of_an_hour_after_the_training_costs_time_only(
    app: RetrainingApp, port: str, name: str
) -> None:
    await app.serve()
    times = list[datetime]()

    def trained_and_within_the_hour(*_: Any, **__: Any) -> bool:
        if any(run.status == "Completed" for run in app.pipelines.runs.values()):
            times.append(app.clients.clock.now())
        return bool(times) and times[-1] - times[0] < timedelta(hours=1)

    with Outage(getattr(app.clients, port), name, trained_and_within_the_hour) as outage:
        result = await app.by_hand(hours=3)

    assert result.outcome is c.RetrainingOutcome.BETTER
    assert len(outage.refused) > 6
    assert (app.runs()[0]["outcome"], app.pipelines.submissions.total()) == ("better", 1)


@pytest.mark.parametrize("failure", [Transient("503 service unavailable"), PutOff("429", 1700.0)])
async def test_a_pipeline_that_cannot_be_had_fails_the_run_in_the_end(
    app: RetrainingApp, failure: Transient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining, "_SUBMITTED_WITHIN_S", 30.0)

    def out() -> None:
        raise failure

    app.pipelines.before = out

    result = await app.by_hand(hours=1)

    assert result.outcome is c.RetrainingOutcome.FAILED
    assert "the pipeline could not be started in time" in result.because
    assert str(failure)[:3] in result.because


async def test_a_metric_beyond_its_rule_stops_the_run(app: RetrainingApp) -> None:
    app.pipelines.status_after = lambda looks: "Running"
    app.pipelines.logged = {"loss": 101.0}

    result = await app.by_hand()

    assert result.outcome is c.RetrainingOutcome.CANCELLED
    assert "the gate says stop: loss is 101" in app.pipelines.cancelled["train-1"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda lines: lines[:-1], "1 row is missing"),
        (lambda lines: [*lines, lines[-1]], "is not of the hold-out's 200 rows: 201 lines"),
        (lambda lines: [*lines[:-1], "9999,1.0"], "1 is strange"),
        (lambda lines: [*lines[:-1], "199,nan"], "1 of 200 rows have none"),
        (lambda lines: [*lines[:-1], "199,many"], "no number"),
        (lambda lines: ["row,prediction", *lines[1:]], "write id and the prediction"),
        (lambda lines: [], "predictions.csv has the columns []"),
    ],
)
async def test_predictions_count_only_for_exactly_the_holdout(
    app: RetrainingApp, spoil: Callable[[list[str]], list[str]], said: str
) -> None:
    app.pipelines.spoil = spoil

    result = await app.by_hand()

    assert result.outcome is c.RetrainingOutcome.FAILED
    assert said in result.because
    assert said in app.pipelines.tags["train-1"]["signalbox.because"]
    assert not app.made("register dev/models")


async def test_rows_of_the_holdout_with_one_key_do_not_share_a_prediction(app: RetrainingApp) -> None:
    rows = "\n".join(f"{max(n, 1)},{n},{n}" for n in range(200))
    app.hub.land("evaluation/churn.csv", f"id,x,y\n{rows}\n".encode())
    app.pipelines.spoil = lambda lines: [lines[0], *lines[2:]]

    result = await app.by_hand()

    assert (result.outcome, "1 has another row's id" in result.because) == (c.RetrainingOutcome.FAILED, True)


async def test_a_pipelines_run_that_is_deleted_fails_the_run_and_locks_nothing(app: RetrainingApp) -> None:
    """What it cost is not known any more: the budget is charged the estimate."""

    def gone(run: str) -> None:
        raise Refused(f"look at run {run}: 404 it was deleted")

    app.pipelines.during = gone

    result = await app.by_hand(hours=2)

    assert (result.outcome, "404" in result.because) == (c.RetrainingOutcome.FAILED, True)
    book = book_of(app.clients.store, "churn")
    assert (book.running, book.runs[0].cost, app.runs()[0]["cost"]["actual"]) == ("", RULES.estimate, None)


@pytest.mark.parametrize("status", ["Queued", "Canceled"])
async def test_a_run_that_is_cancelled_before_it_began_costs_nothing(app: RetrainingApp, status: str) -> None:
    look = app.pipelines.look

    def queued(pipeline: Any, run: str) -> Any:
        return replace(look(pipeline, run), status=status if app.pipelines.cancelled else "Queued", started="")

    app.pipelines.look = queued  # type: ignore[method-assign]
    app.pipelines.status_after = lambda looks: "Running"

    await app.by_hand(hours=2)

    assert app.runs()[0]["cost"]["actual"] == 0


async def test_a_run_that_is_timed_out_in_an_outage_is_cancelled_after_it(app: RetrainingApp) -> None:
    app.pipelines.status_after = lambda looks: "Running"

    with Outage(app.pipelines, "cancel", for_a_while(app.clients.clock.now, timedelta(hours=2))) as outage:
        result = await app.by_hand(hours=4)

    assert outage.refused

    assert (result.outcome, "timed out" in result.because) == (c.RetrainingOutcome.FAILED, True)
    assert app.pipelines.cancelled == {"train-1": result.because}


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff"])
@pytest.mark.parametrize("name", ["metrics.json", "lineage.json"])
async def test_what_a_pipeline_says_of_itself_badly_ends_the_run_at_once(
    app: RetrainingApp, name: str, content: bytes
) -> None:
    app.pipelines.during = lambda run: app.hub.land(f"{output_of(app)}/{name}", content) and None

    result = await app.by_hand()

    assert result.outcome is c.RetrainingOutcome.FAILED
    assert f"the pipeline's {name} is no" in result.because


async def test_the_answers_never_reach_the_pipeline(app: RetrainingApp) -> None:
    result = await app.by_hand()

    given = app.hub.read("signalbox-staging", f"retraining/{result.run}/holdout/holdout.csv") or b""
    assert given.splitlines()[0] == b"id,x"


async def test_bad_training_data_starts_no_pipeline(app: RetrainingApp) -> None:
    app.hub.land("training/churn/second.csv", b"id,x,y\n7000,bad,1\n")

    result = await app.by_hand()

    assert result.outcome is c.RetrainingOutcome.BAD_DATA
    assert "is bad" in result.because
    assert not app.pipelines.runs
    assert app.runs()[0]["cost"]["actual"] == 0


async def test_a_champion_that_is_replaced_meanwhile_is_the_one_to_beat(app: RetrainingApp) -> None:
    """Better than the one that served when it began, worse than the one that serves when it is judged."""
    await app.serve(error=3.0)
    app.pipelines.error = 2.0
    app.pipelines.status_after = lambda looks: "Completed" if looks > 10 else "Running"
    app.cause(CauseKind.DRIFT)
    await app.consider()
    await app.until(lambda: bool(app.pipelines.runs))
    app.register("7", error=0.5)
    promotion = await app.promote("churn:7", to="preprod")
    assert (await app.finish(promotion)).fate is c.Fate.PROMOTED

    result = await app.retrained()

    judged = app.part("evaluation.json")
    assert result.outcome is c.RetrainingOutcome.NOT_BETTER
    assert (judged["champion_at_start"], judged["champion"]) == ("preprod/models/churn:1", "preprod/models/churn:7")


async def test_a_young_champion_is_given_its_time_unless_somebody_asks(app: RetrainingApp) -> None:
    await app.serve()
    app.change(limits=Limits(debounce_s=0, champion_age_s=86400))
    app.cause(CauseKind.DRIFT)
    await app.consider()
    await app.pass_time(timedelta(hours=2))
    assert app.verdicts() == [("wait", "champion's age")]

    result = await app.by_hand()

    assert result.outcome.judged
    assert len(app.part("claim.json")["causes"]) == 2


async def test_a_holdout_that_is_replaced_meanwhile_voids_the_predictions(app: RetrainingApp) -> None:
    rows = "\n".join(f"{n},{n},{n}" for n in range(1, 201))
    app.pipelines.during = lambda run: bool(  # type: ignore[assignment,return-value]
        app.hub.land("evaluation/churn.csv", f"id,x,y\n{rows}\n".encode())
    )

    result = await app.by_hand()

    assert result.outcome is c.RetrainingOutcome.FAILED
    assert "was replaced while" in result.because


async def test_files_that_change_after_they_were_judged_are_not_registered(app: RetrainingApp) -> None:
    create = app.hub.create

    def judged(container: str, path: str, *rest: Any) -> bool:
        if path.endswith("/evaluation.json"):
            run = app.pipelines.asked["train-1"]
            shelf = Shelf(place=DEV, folder=f"{run.output}/model", asset=ModelVersion(name="any", version="0"))
            app.clients.bundles.put(shelf, "model.bin", b"other weights")  # type: ignore[attr-defined]
        return create(container, path, *rest)

    app.hub.create = judged  # type: ignore[method-assign]

    result = await app.by_hand()

    assert result.outcome is c.RetrainingOutcome.FAILED
    assert "wrote other files after it was judged" in result.because
    assert not app.made("register dev/models")


async def test_numbers_of_versions_are_numbers(app: RetrainingApp) -> None:
    for version in ("2", "9", "10"):
        app.register(version, error=1.0)

    assert (await app.by_hand()).model == "churn:11"


async def test_a_clock_that_goes_back_starts_nothing_twice_and_blocks_nothing_for_longer_than_its_limit(
    app: RetrainingApp,
) -> None:
    true = app.clients.clock.now
    app.clients.clock.now = lambda: true() + timedelta(days=400)  # type: ignore[method-assign]
    app.cause(CauseKind.DRIFT)
    await app.consider()
    first = await app.retrained()
    app.cause(CauseKind.SCHEDULE)
    app.clients.clock.now = true  # type: ignore[method-assign]

    app.cause(CauseKind.DRIFT, 2)
    await app.consider()
    await app.pass_time(timedelta(minutes=55))

    assert [run["run"] for run in app.runs()] == [first.run]
    assert app.verdicts().count(("retrain", "worthwhile")) == 1
    assert ("wait", "minimum interval") in app.verdicts()
    await app.pass_time(timedelta(hours=2))
    assert [run["causes"] for run in app.runs()] == [2, 1], "oldest first, as the clock said"
