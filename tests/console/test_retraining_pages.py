"""Retraining and drift as people see them: causes, decisions, runs with their data, and features over the looks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts import RetrainingOutcome, RetrainingRun
from shared.domain.drift.watch import DriftWindow
from shared.domain.drift.window import Counted
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.costs import Cost
from shared.domain.retraining.decision import PastRun
from shared.records import paths
from shared.records.drift import WindowRecord
from shared.records.retraining import (
    Book,
    RecordedTrial,
    RecordedVerdict,
    RetrainingClaim,
    RetrainingRecord,
    TrainedOn,
    TrainingLineage,
    keep_cause,
)
from tests.console.conftest import ConsoleApp
from tests.console.test_matrix import HOSTILE
from triggers.console.views.retraining.drift import trends
from triggers.console.views.retraining.model import spent_share

MODEL, RUN = "diabetes-progression", "retrain-diabetes-progression-1"


def column(name: str, effect: float | None, movement: str, share: float = 0.0) -> dict[str, Any]:
    return {"column": name, "part": "input", "movement": movement, "effect": effect, "share": share,
            "score_shift": None, "because": HOSTILE, "test": "t"}  # fmt: skip


def report(look: int, columns: list[dict[str, Any]], outcome: str) -> dict[str, Any]:
    verdict = {"rows": 442, "columns": columns, "by": "distances", "score": {"movement": "steady"}}
    change = {"name": "bmi", "change": "changed", "before": 0.3, "after": 0.1, "because": "less", "error": 0.1}
    return {"model": MODEL, "version": "1", "window": 1, "look": look, "written": f"2026-01-0{look + 1}T00:00:00+00:00",
            "outcome": outcome, "because": HOSTILE, "effect": 0.2, "verdict": verdict, "relevance": [change],
            "relevance_note": "evaluation/labelled.csv"}  # fmt: skip


def fill(app: ConsoleApp) -> None:
    """A run that has ended with everything on record, an open cause, a refusal, and two looks at a version."""
    store, now = app.clients.store, app.clients.clock.now()
    rules = app.clients.configuration.retrained(MODEL)
    cost = Cost(estimate=2.0, actual=5.0, node_hours=1.0)
    record = RetrainingRecord(
        run=RUN, model=MODEL, opened=now.isoformat(), execution="x", because=HOSTILE, causes=1, champion="m:1",
        cost=cost, closed=(now + timedelta(minutes=9)).isoformat(), outcome=RetrainingOutcome.NOT_BETTER,
    )  # fmt: skip
    cause = Cause(id="1", model=MODEL, kind=CauseKind.PERSON, at=now, because=HOSTILE, who="ada")
    request = RetrainingRun(run=RUN, rules=rules, hub=app.clients.configuration.hub, causes=1, because="b")
    file = TrainedOn(id="a", route="visits", path="training/<b>.csv", etag="e", bytes=1, rows=442, sha256="f" * 64)
    trial = RecordedTrial(
        evidence={"evaluation": {"differences": [{"metric": "mae", "estimate": -7.5, "low": -10.9, "high": -4.1}]}},
        verdict={"outcome": "fail", "because": HOSTILE}, digest="d", champion="m:1", champion_at_start="m:1",
        metrics={}, at=now.isoformat(),
    )  # fmt: skip
    store.create(paths.retraining(RUN), record)
    store.create(paths.retraining_part(RUN, "claim.json"), RetrainingClaim(request=request, causes=(cause,)))
    store.create(
        paths.retraining_part(RUN, "data.json"), TrainingLineage(run=RUN, members=(file,), holdout="sha256:out")
    )
    store.create(paths.retraining_part(RUN, "evaluation.json"), trial)
    store.create(paths.retraining_book(MODEL), Book(runs=(PastRun(run=RUN, started=now, cost=5.0),)))
    verdict = RecordedVerdict(
        at=now.isoformat(), move="refuse", rule="worth", because="below 3 times", until="", number=1, causes=("1",)
    )
    store.create(f"{paths.verdicts(MODEL)}1.json", verdict)
    keep_cause(store, replace(cause, id="2", because="open <i>cause</i>"))
    for look, (effect, movement, outcome) in enumerate([(0.1, "steady", "none"), (0.42, "moved", "drifted")]):
        columns = [column("bmi", effect, movement, 1.0 if look else 0.0), column(HOSTILE, None, "undecided")]
        store.create_document(paths.drift_report(MODEL, "1", 1, look, "json"), report(look, columns, outcome))
        store.create_file(paths.drift_report(MODEL, "1", 1, look, "html"), b"x")
    window = DriftWindow(number=1, opened=now.isoformat(), reference="r", rows=442, outcome="drifted", looked="now")
    store.create(paths.drift_window(MODEL, "1"), WindowRecord(window=window, counted=Counted(rows=442)))


async def test_people_see_why_a_model_was_trained_or_not_on_what_and_for_how_much(shipped_app: ConsoleApp) -> None:
    fill(shipped_app)
    ada = await shipped_app.signed_in("ada")
    pages = {path: await ada.get(path) for path in ("retraining", f"retraining/{MODEL}", f"retrainings/{RUN}")}

    assert {page.status for page in pages.values()} == {200}
    for page in pages.values():
        assert "<script>alert" not in page.text
        assert "<i>" not in page.text
    overview, model, run = (page.text for page in pages.values())
    assert "below 3 times" in overview
    assert "5 of 20" in overview
    assert "1 cause waits" in overview
    assert RUN in overview
    assert "open &lt;i&gt;cause&lt;/i&gt;" in model
    assert "5 of 20" in model
    assert "training/&lt;b&gt;.csv" in run
    assert "sha256:out" in run
    assert "-7.5" in run
    assert "m:1" in run
    assert RUN not in (await ada.get("retraining?outcome=better")).text
    assert RUN in (await ada.get("retraining?outcome=not+better")).text


async def test_drift_is_shown_feature_by_feature_over_the_looks(shipped_app: ConsoleApp) -> None:
    fill(shipped_app)
    page = (await (await shipped_app.signed_in("grace")).get(f"drift/{MODEL}")).text

    assert 'aria-label="bmi over the looks: 0.10, 0.42"' in page
    assert "0.420" in page
    assert "100 %" in page
    assert "evaluation/labelled.csv" in page
    assert "<script>alert" not in page
    assert page.index('"bmi over the looks') < page.index("over the looks: not measured"), "what moved most is first"


async def test_a_person_asks_for_a_training_where_they_may_and_nobody_else_is_offered_it(
    shipped_app: ConsoleApp,
) -> None:
    ada, grace = await shipped_app.signed_in("ada"), await shipped_app.signed_in("grace")
    form = (await ada.get(f"retraining/{MODEL}")).form("retrain")
    sent = await ada.send(f"retraining/{MODEL}/retrain", form | {"reason": "the clinic has new scales"})
    assert (sent.status, sent.location) == (303, f"/console/retraining/{MODEL}?done=retrain")

    page = await grace.get(f"retraining/{MODEL}")
    assert "the clinic has new scales" in page.text
    assert "Ask for it" not in page.text


async def test_pages_of_what_has_not_happened_yet_say_so(shipped_app: ConsoleApp) -> None:
    linus = await shipped_app.signed_in("linus")

    assert "Nothing has been trained yet." in (await linus.get("retraining")).text
    assert "It has not been looked at yet." in (await linus.get(f"drift/{MODEL}")).text
    assert "Nothing has been weighed yet." in (await linus.get(f"retraining/{MODEL}")).text
    assert (await linus.get("retrainings/none")).status == 404
    assert (await linus.get("drift/none")).status == 404


@pytest.mark.parametrize(("spent", "amount", "share"), [(5.0, 20.0, 25), (50.0, 20.0, 100), (5.0, 0.0, None)])
def test_the_budgets_bar_ends_at_its_end(spent: float, amount: float, share: int | None) -> None:
    assert spent_share(spent, amount) == share


def test_no_look_makes_no_line() -> None:
    assert trends(()) == []
