"""Runs are watched beside their way: what they read and wrote is counted once, and drift becomes one cause."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from activities.drift import windows as drift_windows
from shared.domain import identity
from shared.domain.drift.watch import Labels
from shared.domain.failures import Transient
from tests.drift.conftest import WATCH, DriftApp, csv_of, rows
from tests.outages import Outage
from tests.team_hubs import LAB_HUB


async def test_ordinary_data_raises_nothing(app: DriftApp) -> None:
    found = await app.score(rows(5, 300))

    assert found["outcome"] == "none", found["because"]
    assert app.announced.kinds == ["Signalbox.Inference.Completed"]
    assert app.causes == []


async def test_drift_is_announced_and_becomes_one_cause(app: DriftApp) -> None:
    found = await app.score(rows(5, 300, x=1.0))

    assert found["outcome"] == "drifted"
    assert found["because"] == "x moved, and so did the score"
    assert app.announced.kinds == ["Signalbox.Inference.Completed", "Signalbox.Drift.Detected"]
    event_id, _, data = app.announced.events[-1]
    assert event_id == identity.drift_window("m", "1", 1)
    assert (data["model"], data["tell"], data["features"]) == ("m:1", ["owner@example.org"], "x, score")
    (cause,) = app.causes
    assert (cause["kind"], cause["facts"]["window"], cause["facts"]["score"]) == ("drift", "1", "moved")
    assert "x: Kolmogorov-Smirnov" in cause["facts"]["statistic"]


async def test_rows_of_a_teams_own_hub_raise_nothing(app: DriftApp) -> None:
    """Drift starts a training, which may ship: a file in a team's hub must not be what starts it."""
    hub = replace(LAB_HUB, account="datahub", containers=("landing", "predictions"))
    vars(app.clients)["configuration"] = replace(app.clients.configuration, hubs=(hub,))
    run = await app.arrive("landing/each/north/a.csv", csv_of(rows(5, 300, x=1.0)))
    await app.finish(run)
    await app.pass_time(3600)

    assert app.announced.kinds == ["Signalbox.Inference.Completed"]
    assert list(app.hub.list("signalbox", "drift/")) == []
    assert app.causes == []


async def test_the_report_names_columns_shares_and_the_scores_shift(app: DriftApp) -> None:
    found = await app.score(rows(5, 300, x=1.0))
    report = app.stored(found["report"])
    page = (app.hub.read("signalbox", found["page"]) or b"").decode()

    shares = {each["column"]: each["share"] for each in report["verdict"]["columns"] if each["part"] == "input"}
    assert shares == {"x": pytest.approx(1), "y": 0}
    assert report["verdict"]["score"]["observed"] == pytest.approx(2, abs=0.4)
    assert "<svg" in page
    assert 'src="http' not in page
    assert "x moved, and so did the score" in page


async def test_many_small_runs_make_one_window(app: DriftApp) -> None:
    columns = rows(5, 120, x=1.0)
    said = []
    for number in range(4):
        part = {name: values[30 * number : 30 * number + 30] for name, values in columns.items()}
        said.append((await app.score(part, f"part-{number}"))["outcome"])

    assert said == ["inconclusive", "inconclusive", "inconclusive", "drifted"]
    assert len(app.causes) == 1
    assert app.stored("drift-windows/m/1.json")["window"]["rows"] == 120


async def test_a_window_that_showed_drift_is_closed_and_the_next_finding_is_another_cause(
    app: DriftApp,
) -> None:
    for number in range(2):
        assert (await app.score(rows(5, 300, x=1.0), f"shifted-{number}"))["outcome"] == "drifted"

    assert sorted(cause["facts"]["window"] for cause in app.causes) == ["1", "2"]


async def test_a_window_of_another_reference_is_not_looked_at_and_the_next_run_opens_another(
    app: DriftApp,
) -> None:
    await app.score(rows(5, 40), "first")
    stored = app.stored("drift-windows/m/1.json")
    stored["window"]["reference"] = "as the version before wrote it"
    stored["counted"]["inputs"]["x"]["cells"] = stored["counted"]["inputs"]["x"]["cells"][1:]
    app.hub.delete("signalbox", "drift-windows/m/1.json")
    app.hub.create("signalbox", "drift-windows/m/1.json", json.dumps(stored).encode())

    assert (await app.score(rows(5, 300), "second"))["outcome"] == "none"
    window = app.stored("drift-windows/m/1.json")["window"]
    assert (window["number"], window["rows"]) == (2, 300)


@pytest.mark.parametrize("how", ["outage", "terminated"])
async def test_a_finding_that_could_not_be_told_is_told_by_a_sweep(app: DriftApp, how: str) -> None:
    with Outage(app.announced, "announce", lambda _, kind, *__: kind == "Signalbox.Drift.Detected") as outage:
        run = await app.arrive("landing/each/north/a.csv", csv_of(rows(2, 150, x=1.0)))
        await app.finish(run)
        if how == "terminated":
            while not outage.refused:
                await app.host.settle()
            await app.host.terminate(f"{run}-drift", "somebody pulled the plug")
        await app.pass_time(60)
    await app.pass_time(700)
    await app.pass_time(700)

    assert [cause["kind"] for cause in app.causes] == ["drift"]
    assert app.announced.kinds.count("Signalbox.Drift.Detected") == 1
    assert app.stored("drift-windows/m/1.json")["window"]["outcome"] == "drifted"


async def test_told_twice_counted_once(app: DriftApp) -> None:
    blob = app.land("landing/each/north/a.csv", csv_of(rows(5, 300, x=1.0)))
    for number in range(3):
        await app.tell(blob, f"event-{number}")
    run = app.run_of(blob)
    await app.finish(run)
    await app.checked(f"{run}-drift")
    await app.pass_time(700)  # Two sweeps.

    assert app.stored("drift-windows/m/1.json")["window"]["runs"] == [run]
    assert app.announced.kinds.count("Signalbox.Drift.Detected") == 1
    assert len(app.causes) == 1
    assert list(app.hub.list("signalbox", "drift-open/")) == []


class Forgetful:
    """Loses the first record of the effect *step*, once it has happened."""

    def __init__(self, inner: Any, step: str) -> None:
        self._inner, self._step, self.lost = inner, step, 0

    def find(self, key: str) -> dict[str, Any] | None:
        return self._inner.find(key)  # type: ignore[no-any-return]

    def record(self, key: str, result: Mapping[str, Any]) -> dict[str, Any]:
        if key.endswith(f"/{self._step}") and not self.lost:
            self.lost += 1
            raise Transient("the host died before the record")
        return self._inner.record(key, result)  # type: ignore[no-any-return]


@pytest.mark.parametrize("step", ["drift-counted", "look-0", "told"])
async def test_a_lost_record_repeats_no_effect(app: DriftApp, step: str) -> None:
    ledger = Forgetful(app.clients.ledger, step)
    vars(app.clients)["ledger"] = ledger

    found = await app.score(rows(5, 300, x=1.0))

    assert (ledger.lost, found["outcome"]) == (1, "drifted")
    window = app.stored("drift-windows/m/1.json")["window"]
    assert (window["rows"], window["looks"], len(window["runs"])) == (300, 1, 1)
    told = {name for name, kind, _ in app.announced.events if kind == "Signalbox.Drift.Detected"}
    assert len(told) == len(app.causes) == 1, "a listener who hears it again, hears the same id"
    assert app.hub.writes[f"signalbox/{found['report']}"] == 1


async def test_a_sweep_makes_the_check_that_was_never_started(app: DriftApp, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(drift_windows, "start_check", _never)  # As if the host had died just there.
        run = await app.arrive("landing/each/north/a.csv", csv_of(rows(5, 300, x=1.0)))
        await app.finish(run)
    assert app.causes == []
    await app.pass_time(400)
    await app.checked(f"{run}-drift")

    assert len(app.causes) == 1


async def _never(*_: object, **__: object) -> None:
    return None


async def test_other_routes_are_not_watched(app: DriftApp) -> None:
    blob = app.land("landing/other/north/a.csv", csv_of(rows(5, 300, x=1.0)))
    await app.tell(blob)
    await app.finish(app.run_of(blob))
    await app.host.settle()

    assert app.stored("drift-windows/m/1.json") is None


class TestWithoutReference:
    @pytest.fixture
    def given(self) -> None:
        return None

    async def test_a_model_without_a_reference_is_a_problem_on_record_and_no_run_fails(self, app: DriftApp) -> None:
        found = await app.score(rows(5, 300))

        assert found["outcome"] == "inconclusive"
        assert "has no reference" in found["because"]
        assert "has no reference" in app.stored("drift/m/1/problem.json")["because"]


class TestRetrained:
    @pytest.fixture
    def retrained(self) -> bool:
        return True

    async def test_a_finding_wakes_the_decision_of_a_model_that_is_retrained(self, app: DriftApp) -> None:
        await app.score(rows(5, 300, x=1.0))

        assert app.events(identity.considering_id("m")) > 0


class TestScoreMustMove:
    @pytest.fixture
    def watch(self):
        return replace(WATCH, rule=replace(WATCH.rule, score_must_move=True))

    async def test_what_the_model_does_not_use_may_move(self, app: DriftApp) -> None:
        found = await app.score(rows(5, 400, y=1.5))

        assert (found["outcome"], found["because"]) == ("none", "y moved, and the score did not")
        assert app.causes == []


class TestByTheClock:
    @pytest.fixture
    def watch(self):
        return replace(WATCH, every_s=3600, rows=10_000, longest_s=7200, retrain=False)

    async def test_a_window_is_looked_at_when_its_time_has_come(self, app: DriftApp) -> None:
        found = await app.score(rows(5, 600, x=1.0))
        assert found["outcome"] == "inconclusive"
        await app.pass_time(3700)
        await app.checked(identity.drift_look_id("m", "1", 1, 0))

        assert app.announced.kinds[-1] == "Signalbox.Drift.Detected"
        assert app.causes == []  # It only tells.

    async def test_an_old_window_ends_and_the_next_begins(self, app: DriftApp) -> None:
        await app.score(rows(5, 600), "first")
        await app.pass_time(7200 + 700)
        await app.score(rows(6, 50), "second")
        window = app.stored("drift-windows/m/1.json")["window"]

        assert (window["number"], window["rows"]) == (2, 50)

    async def test_a_clock_that_goes_back_loses_no_window_and_looks_at_none_twice(self, app: DriftApp) -> None:
        true = app.clients.clock.now
        app.clients.clock.now = lambda: true() + timedelta(days=400)  # type: ignore[method-assign]
        await app.score(rows(5, 300, x=1.0), "ahead")
        app.clients.clock.now = true  # type: ignore[method-assign]
        await app.pass_time(700)  # Two sweeps: nobody waits for the year after next.
        await app.checked(identity.drift_look_id("m", "1", 1, 0))
        await app.score(rows(6, 600, x=1.0), "after")
        await app.pass_time(4000)
        await app.checked(identity.drift_look_id("m", "1", 2, 0))
        app.clients.clock.now = lambda: true() - timedelta(minutes=50)  # type: ignore[method-assign]
        await app.pass_time(8000)

        told = [name for name, kind, _ in app.announced.events if kind == "Signalbox.Drift.Detected"]
        assert told == [identity.drift_window("m", "1", number) for number in (1, 2)]
        looks = [blob.path for blob in app.hub.list("signalbox", "drift/m/1/windows/") if "look-" in blob.path]
        assert [path.rpartition("windows/")[2] for path in looks if path.endswith(".json")] == [
            "000001/effects/look-0.json",
            "000001/look-0.json",
            "000002/effects/look-0.json",
            "000002/look-0.json",
        ]


class TestLabels:
    @pytest.fixture
    def watch(self):
        return replace(WATCH, labels=Labels(path="answers/m/", target="answer"))

    async def test_answers_that_no_longer_follow_the_inputs_are_drift(self, app: DriftApp) -> None:
        columns = rows(5, 600)
        answers = columns | {"answer": np.random.default_rng(1).normal(size=600)}
        lines = "\n".join(",".join(map(str, row)) for row in zip(*answers.values(), strict=True))
        app.land("answers/m/today.csv", f"{','.join(answers)}\n{lines}\n".encode())
        found = await app.score(columns)

        assert (found["outcome"], found["because"]) == ("drifted", "what x tells about the answer has changed")
        report = app.stored(found["report"])
        assert [each["change"] for each in report["relevance"]] == ["changed", "kept"]
        assert json.loads(json.dumps(app.causes[0]))["facts"]["relevance"] == "x"
