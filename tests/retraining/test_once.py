"""Every effect of a run happens once: answers lost, records lost, the host restarted, orchestrations ended."""

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from activities.retraining.runs import weigh_causes
from shared import contracts as c
from shared.codec import decode
from shared.domain import identity
from shared.domain.failures import Transient
from shared.domain.promotion.models import FLAG, exact_model
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.rules import Limits
from shared.records import paths as records
from shared.records.retraining import book_of
from tests.amounts import sample
from tests.hosted import hosted
from tests.outages import Outage
from tests.promotion.conftest import DEV
from tests.retraining.conftest import RetrainingApp, hours

STEPS = ("data", "submitted", "judged", "registered", "entered", "promoted", "closed")


class LosingLedger:
    """Loses the first record of an effect that has happened, before or after it is written."""

    def __init__(self, inner: Any, step: str, after: bool) -> None:
        self._inner, self._step, self._after, self.lost = inner, step, after, 0

    def find(self, key: str) -> dict[str, Any] | None:
        return self._inner.find(key)  # type: ignore[no-any-return]

    def record(self, key: str, result: Mapping[str, Any]) -> dict[str, Any]:
        losing = key.startswith("retraining-runs/") and key.endswith(f"/{self._step}") and not self.lost
        if losing and not self._after:
            self.lost += 1
            raise Transient("the host died before the record")
        recorded: dict[str, Any] = self._inner.record(key, result)
        if losing:
            self.lost += 1
            raise Transient("the host died after the record")
        return recorded


async def promoted(app: RetrainingApp, result: c.RetrainingResult) -> None:
    """Everything once, and all the way up."""
    assert result.outcome is c.RetrainingOutcome.BETTER
    assert (await app.finish(result.promotion)).fate is c.Fate.PROMOTED
    assert list(app.pipelines.submissions.values()) == [1]
    assert app.made("register dev/models/churn") == 1
    assert app.made("register central/models/churn:") == 1
    assert app.made("deploy preprod/onlineEndpoints") == 1
    assert app.chain().count("retraining better") == 1
    announced = app.clients.announcer.kinds  # type: ignore[attr-defined]
    assert announced.count("Signalbox.Promotion.Promoted") == 2
    sets = [blob.path for blob in app.hub.list("signalbox-staging", "training-sets/")]
    assert len(sets) == 2
    assert all(app.hub.writes[f"signalbox-staging/{path}"] == 1 for path in sets)


@pytest.mark.long
@pytest.mark.parametrize(("step", "after"), sample([(step, after) for step in STEPS for after in (False, True)], 5))
async def test_a_lost_record_repeats_no_effect(app: RetrainingApp, step: str, after: bool) -> None:
    ledger = LosingLedger(app.clients.ledger, step, after)
    vars(app.clients)["ledger"] = ledger

    result = await app.by_hand()

    assert ledger.lost == 1
    await promoted(app, result)


async def test_a_run_that_is_started_again_after_its_end_is_a_duplicate_and_does_nothing(app: RetrainingApp) -> None:
    result = await app.by_hand()
    await app.finish(result.promotion)
    closed = app.runs()[0]

    await app.host.start("retrain", result.run, app.part("claim.json")["request"])
    again = await app.host.advance_until_finished(result.run, timeout=60)

    assert decode(c.RetrainingResult, again.output).outcome is c.RetrainingOutcome.DUPLICATE
    assert app.runs() == [closed]
    await promoted(app, result)


async def test_a_lost_answer_of_the_pipeline_is_found_by_name(app: RetrainingApp) -> None:
    app.pipelines.lose_next_answer = True

    await promoted(app, await app.by_hand())


@pytest.mark.long
@pytest.mark.parametrize("at", sample(range(2, 26, 4), 3))
async def test_a_host_that_is_restarted_between_two_steps_finishes(
    app: RetrainingApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """At the *at*-th record that is created, whichever it is."""
    reached, create, counted = threading.Event(), app.hub.create, [0]

    def counting(*given: Any, **named: Any) -> bool:
        counted[0] += 1
        if counted[0] >= at:
            reached.set()
        return create(*given, **named)

    app.cause(CauseKind.DRIFT)
    app.hub.create = counting  # type: ignore[method-assign]
    await app.consider()
    await app.until(reached.is_set)
    await app.host.host.stop()
    clock = app.clients.clock.now.__self__  # type: ignore[attr-defined]
    async with hosted(app.clients, clock, tmp_path, monkeypatch, sweeps="0 0 * * * *") as again:
        app.host = again
        await promoted(app, await app.retrained())


@pytest.mark.parametrize("looks", [0, 3])
async def test_a_run_that_is_ended_from_outside_is_cancelled_and_says_so(app: RetrainingApp, looks: int) -> None:
    app.pipelines.status_after = lambda seen: "Running"
    app.cause(CauseKind.DRIFT)
    await app.consider()
    await app.until(lambda: sum(app.pipelines.looks.values()) >= looks and bool(app.runs()))
    run = app.runs()[0]["run"]
    await app.host.terminate(run, "somebody pulled the plug")
    await app.host.terminate(identity.wait_id(run), "and this one") if app.pipelines.runs else None
    await hours(app, 2)

    closed = app.runs()[0]
    assert (closed["outcome"], "ended from outside" in closed["because"]) == ("cancelled", True)
    assert set(app.pipelines.cancelled) == set(app.pipelines.runs)
    assert all("ended from outside" in because for because in app.pipelines.cancelled.values())
    app.pipelines.status_after = lambda seen: "Completed"
    app.cause(CauseKind.DRIFT, 2)
    await app.consider()
    await app.until(lambda: len(app.runs()) == 2)


async def test_a_claim_that_nobody_started_is_started_by_the_timer(app: RetrainingApp) -> None:
    app.change(limits=Limits(debounce_s=0))
    app.cause(CauseKind.DRIFT)
    weighing = c.CausesWeighing(key="killed", model="churn")

    claimed = [await asyncio.to_thread(weigh_causes, app.clients, weighing) for _ in range(2)]
    await hours(app, 2)

    assert claimed[0].run == claimed[1].run is not None
    assert [run["run"] for run in app.runs()] == [claimed[0].run.run]
    await promoted(app, await app.retrained())


@pytest.mark.parametrize("ended", ["by an outage", "from outside"])
async def test_a_run_that_ends_before_it_was_opened_does_not_lock_its_model(app: RetrainingApp, ended: str) -> None:
    with Outage(app.hub, "create", lambda container, path, *_: path.endswith("/run.json")):
        app.cause(CauseKind.DRIFT)
        await app.consider()
        await app.until(lambda: bool(book_of(app.clients.store, "churn").running))
        run = book_of(app.clients.store, "churn").running
        if ended == "from outside":
            await app.host.terminate(run, "not this one")
        await app.host.advance_until_finished(run)
    await hours(app, 3)

    wanted = {"by an outage": "better", "from outside": "cancelled"}[ended]
    assert [closed["outcome"] for closed in app.runs()] == [wanted]
    assert (book_of(app.clients.store, "churn").running, app.settled()) == ("", [run])


async def test_causes_that_were_claimed_and_not_yet_marked_are_not_claimed_again(app: RetrainingApp) -> None:
    app.change(limits=Limits(debounce_s=0))
    cause = app.cause(CauseKind.DRIFT)
    claimed = await asyncio.to_thread(weigh_causes, app.clients, c.CausesWeighing(key="killed", model="churn"))
    path = f"signalbox/retraining/churn/causes/{cause.id}.json"
    app.hub.land(path, app.hub.read(*path.split("/", 1)) or b"", {"kind": "drift", "at": cause.at.isoformat()})

    again = await asyncio.to_thread(weigh_causes, app.clients, c.CausesWeighing(key="next", model="churn"))

    assert claimed.run is not None
    assert again.run is None
    assert app.settled() == [claimed.run.run]


async def test_causes_that_were_never_marked_are_their_runs_own_however_it_ends(
    app: RetrainingApp,
) -> None:
    """Killed between claiming and marking, and the run fails: they do not start a second one."""
    cause, marked = app.cause(CauseKind.DRIFT), app.hub.replace
    path = f"retraining/churn/causes/{cause.id}.json"

    def killed(container: str, name: str, *rest: Any) -> bool:
        return False if name == path and not app.pipelines.runs else marked(container, name, *rest)

    app.hub.replace = killed  # type: ignore[method-assign]
    app.pipelines.status_after = lambda looks: "Failed"
    await app.consider()
    result = await app.retrained()
    await hours(app, 8)

    assert result.outcome is c.RetrainingOutcome.FAILED
    book = book_of(app.clients.store, "churn")
    assert (app.settled(), book.running, [past.run for past in book.runs]) == ([result.run], "", [result.run])


@pytest.mark.parametrize("step", ["retraining/churn/causes/", "/run.json", "/book.json"])
async def test_a_kill_while_a_run_closes_changes_nothing_of_what_it_absorbed(app: RetrainingApp, step: str) -> None:
    """After each of its writes: what the record says stands, and what comes after it is weighed anew."""
    replace, meanwhile = app.hub.replace, list[str]()
    app.pipelines.during = lambda run: meanwhile or meanwhile.append(app.cause(CauseKind.ALERT).id)  # type: ignore[func-returns-value]

    def killed(container: str, path: str, *rest: Any) -> bool:
        done = replace(container, path, *rest)
        if step in path and len(meanwhile) == 1:
            meanwhile.append(app.cause(CauseKind.SCHEDULE).id)
            raise Transient("the host died after the write")
        return done

    app.hub.replace = killed  # type: ignore[method-assign]
    result = await app.by_hand()

    absorbed, after = app.runs()[0]["absorbed"], meanwhile[1]
    told = next(data for _, kind, data in app.clients.announcer.events if kind == "Signalbox.Retraining.Better")  # type: ignore[attr-defined]
    assert absorbed == told["absorbed"] == meanwhile[:1]
    settled = {blob.path: blob.metadata.get("settled") for blob in app.hub.list("signalbox", records.causes("churn"))}
    assert settled[records.cause("churn", meanwhile[0])] == result.run
    assert settled[records.cause("churn", after)] is None


async def test_a_flag_that_asks_for_the_same_has_one_effect(app: RetrainingApp) -> None:
    tag = app.pipelines.tag

    def flagging(pipeline: Any, run: str, tags: Mapping[str, str]) -> None:
        tag(pipeline, run, tags)
        if "signalbox.challenger" in tags:
            model = exact_model(tags["signalbox.challenger"])
            app.clients.models.tag(DEV, model, {FLAG: f"{model} -> preprod"})

    app.pipelines.tag = flagging  # type: ignore[method-assign]

    result = await app.by_hand()
    await hours(app, 2)

    await promoted(app, result)
    opened = [blob.path for blob in app.hub.list("signalbox", "promotions/") if blob.path.endswith("promotion.json")]
    assert len(opened) == 2
