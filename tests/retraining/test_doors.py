"""Retraining over HTTP: who asks, what is refused, and what everybody can see."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from shared.domain import identity
from shared.domain.failures import PutOff
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.rules import Limits
from shared.ports import Blob
from shared.records import paths as records
from signalbox.cli.main import main
from tests.fakes.ports import OPERATOR_KEY
from tests.retraining.conftest import RetrainingApp, hours


async def test_whoever_may_asks_and_everybody_sees_what_became_of_it(app: RetrainingApp) -> None:
    body = {"reason": "new ward", "data": "extra/wards/"}
    app.hub.land("extra/wards/north.csv", b"id,x,y\n900,900,900\n")

    status, asked = await app.ask("POST", "models/churn/retrain", body, "ada")
    result = await app.retrained()
    _, shown = await app.ask("GET", "models/churn/retraining")

    assert (status, asked["considered"]) == (202, "now")
    claim = app.part("claim.json")["causes"][0]
    assert (claim["kind"], claim["who"], claim["because"], claim["facts"]) == (
        "person",
        "ada",
        "new ward",
        {"data": "extra/wards/"},
    )
    assert "extra/wards/north.csv" in {member["path"] for member in app.part("data.json")["members"]}
    assert [(run["run"], run["outcome"], run["challenger"]) for run in shown["runs"]] == [
        (result.run, "better", "churn:1")
    ]
    assert [verdict["move"] for verdict in shown["verdicts"]] == ["retrain", "wait"]
    assert (shown["causes"], shown["running"]) == ([], "")
    assert shown["spent"] == app.runs()[0]["cost"]["actual"]


async def test_the_same_wish_is_one_cause_until_another_run_has_started(app: RetrainingApp) -> None:
    _, first = await app.ask("POST", "models/churn/retrain", {"reason": "again"}, "ada")
    _, second = await app.ask("POST", "models/churn/retrain", {"reason": "again"}, "ada")
    await app.retrained()
    _, third = await app.ask("POST", "models/churn/retrain", {"reason": "again"}, "ada")

    assert first["cause"] == second["cause"] != third["cause"]
    assert second["considered"] == "with others"


async def test_one_key_is_one_wish_even_after_another_run_has_started(app: RetrainingApp) -> None:
    async def wish(body: dict[str, str]) -> tuple[int, Any]:
        headers = {"Authorization": "Bearer ada", "Idempotency-Key": "one"}
        url = f"{app.host.url}/api/v1/models/churn/retrain"
        async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
            return answer.status, (answer.headers.get("Location"), await answer.json())

    first = await wish({"reason": "again"})
    await app.retrained()
    again, other = await wish({"reason": "again"}), await wish({"reason": "more"})
    await app.pass_time(timedelta(minutes=5))

    assert (first[0], first[1][0]) == (202, first[1][1]["status_url"])
    assert again == first
    assert (other[0], other[1][1]["title"]) == (409, "key used before")
    assert len(app.runs()) == 1


async def test_what_cannot_be_is_refused_by_name(app: RetrainingApp) -> None:
    for path, body, who, wanted, said in (
        ("models/fraud/retrain", {"reason": "r"}, "ada", 404, "no `retraining` section"),
        ("models/churn/retrain", {}, "ada", 400, "reason"),
        ("models/churn/retrain", {"reason": "r", "data": "signalbox/x"}, "ada", 422, "the hub's own containers"),
        ("models/churn/retrain", {"reason": "r", "data": "extra/none"}, "ada", 404, "nothing lies at"),
        ("models/churn/retrain", {"reason": "r"}, "grace", 403, "may not retrain"),
    ):
        status, refused = await app.ask("POST", path, body, who)
        assert (status, said in refused["detail"]) == (wanted, True), refused
    await app.pass_time(timedelta(minutes=5))
    assert not app.runs()


async def test_what_is_asked_as_a_consideration_ends_is_considered_at_once(app: RetrainingApp) -> None:
    """The one under way has listed the causes, and has not ended: nobody may rely on it, nor on the timer."""
    app.change(limits=Limits(debounce_s=0))
    listed, looked = threading.Event(), threading.Event()
    listing, finding = app.hub.list, app.hub.find

    def hold(container: str, prefix: str) -> Iterator[Blob]:
        found = [*listing(container, prefix)]
        if prefix == records.causes("churn") and not listed.is_set():
            listed.set()
            looked.wait(30)
        return iter(found)

    def look(container: str, path: str) -> Blob | None:
        if listed.is_set() and path == records.considering("churn"):
            looked.set()
        return finding(container, path)

    app.hub.list, app.hub.find = hold, look  # type: ignore[method-assign]
    await app.host.start("consider_retraining", identity.considering_id("churn"), {"model": "churn"})
    await asyncio.to_thread(listed.wait, 5)
    status, said = await app.ask("POST", "models/churn/retrain", {"reason": "late"}, "ada")
    looked.set()
    await app.host.settle()

    assert (status, said["considered"]) == (202, "now")
    assert [run["causes"] for run in app.runs()] == [1]


async def test_what_is_asked_while_a_consideration_pauses_is_left_to_it(app: RetrainingApp) -> None:
    app.cause(CauseKind.DRIFT)
    await app.consider()
    await app.host.settle()

    _, said = await app.ask("POST", "models/churn/retrain", {"reason": "also"}, "ada")
    await app.retrained()

    assert said["considered"] == "with others"
    assert len(app.part("claim.json")["causes"]) == 2


async def test_the_log_of_a_training_is_given_by_its_end_and_printed_by_the_same_command(
    app: RetrainingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = {"user_logs/std_log.txt": b"epoch 1\nValueError: no column bmi\n"}
    app.clients.job_logs.logs["train-1"] = logs  # type: ignore[attr-defined]
    app.pipelines.status_after = lambda looks: "Failed"
    run = (await app.by_hand()).run
    monkeypatch.setenv("SIGNALBOX_URL", app.host.url)
    monkeypatch.setenv("SIGNALBOX_KEY", OPERATOR_KEY)

    status, log = await app.ask("GET", f"retrainings/{run}/logs?lines=1", {}, "ada")
    unknown, problem = await app.ask("GET", f"retrainings/{run[:-1]}x/logs", {}, "ada")
    printed = await asyncio.to_thread(CliRunner().invoke, main, ["logs", run])

    assert (status, log["job"], log["text"]) == (200, "train-1", "ValueError: no column bmi")
    assert (unknown, "`signalbox retraining MODEL` lists them" in problem["detail"]) == (404, True)
    assert printed.stdout == "epoch 1\nValueError: no column bmi\n"


async def test_whoever_may_cancels_a_run_and_says_why(app: RetrainingApp) -> None:
    app.pipelines.status_after = lambda looks: "Running"
    app.cause(CauseKind.DRIFT)
    await app.consider()
    await app.until(lambda: bool(app.pipelines.looks))
    path, late = f"retrainings/{app.runs()[0]['run']}/cancel", app.cause(CauseKind.SCHEDULE)
    assert (await app.ask("POST", path, {"reason": "wrong labels"}, "grace"))[0] == 403
    assert (await app.ask("POST", path, {}, "linus"))[0] == 400

    said = [await app.ask("POST", path, {"reason": reason}, "linus") for reason in ("wrong labels", "again")]
    await app.until(lambda: bool(app.runs()[0].get("outcome")))

    (first, order), (second, repeated) = said
    assert (first, order["recorded"]) == (202, True)
    assert second == 409 or not repeated["recorded"], "the run may have ended before it is asked again"
    because = "cancelled by linus: wrong labels"
    assert (app.runs()[0]["outcome"], app.runs()[0]["because"]) == ("cancelled", because)
    assert app.pipelines.cancelled == {"train-1": because}
    assert app.pipelines.tags["train-1"]["signalbox.because"] == because
    assert "Signalbox.Retraining.Cancelled" in app.clients.announcer.kinds  # type: ignore[attr-defined]
    app.pipelines.status_after = lambda looks: "Completed"
    await hours(app, 2)
    assert app.runs()[1]["causes"] == 1, f"{late.id} is weighed anew"


async def test_an_order_that_comes_while_the_challenger_is_judged_keeps_it_from_being_registered(
    app: RetrainingApp,
) -> None:
    def ordered(looks: int) -> str:
        run = app.runs()[0]["run"]
        app.hub.land(f"signalbox/{records.cancelling(run)}", b'{"by": "linus", "reason": "wrong labels"}')
        return "Completed"

    app.pipelines.status_after = ordered

    result = await app.by_hand()

    assert (result.outcome.value, result.because) == ("cancelled", "cancelled by linus: wrong labels")
    assert "cancelled by linus: wrong labels" in app.pipelines.tags["train-1"]["signalbox.because"]
    assert not app.made("register dev/models")


@pytest.mark.parametrize("made", [False, True], ids=["not made", "made, and its answer lost"])
async def test_an_order_that_comes_while_the_pipeline_puts_the_run_off_keeps_it_from_being_made(
    app: RetrainingApp, made: bool
) -> None:
    submit = app.pipelines.submit

    def busy(run: Any) -> Any:
        app.hub.land(f"signalbox/{records.cancelling(app.runs()[0]['run'])}", b'{"by": "linus", "reason": "no"}')
        if made:
            submit(run)
        raise PutOff("submit: 429 too many", 300.0)

    app.pipelines.status_after = lambda looks: "Running"
    app.pipelines.submit = busy  # type: ignore[method-assign]

    result = await app.by_hand()

    assert (result.outcome.value, result.because) == ("cancelled", "cancelled by linus: no")
    assert app.pipelines.cancelled == ({"train-1": result.because} if made else {})


async def test_an_order_that_comes_before_the_challenger_is_registered_keeps_it_from_being(app: RetrainingApp) -> None:
    append = app.clients.audit.append

    def ordering(key: str, action: str, *rest: Any) -> None:
        append(key, action, *rest)
        if action == "challenger judged":
            path = f"signalbox/{records.cancelling(app.runs()[0]['run'])}"
            app.hub.land(path, b'{"by": "linus", "reason": "no"}')

    app.clients.audit.append = ordering  # type: ignore[method-assign]

    assert (await app.by_hand()).because == "cancelled by linus: no"
    assert not app.made("register dev/models")


async def test_a_run_is_not_cancelled_too_late_or_by_a_wrong_name(app: RetrainingApp) -> None:
    result = await app.by_hand()

    for run, wanted, said in ((result.run, 409, "ended as better"), ("retrain-x", 404, "no run of training")):
        status, refused = await app.ask("POST", f"retrainings/{run}/cancel", {"reason": "r"}, "linus")
        assert (status, said in refused["detail"]) == (wanted, True), refused
