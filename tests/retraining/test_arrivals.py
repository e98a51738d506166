"""Enough new data starts a run: by rows, by age, or by whichever of both is first; and nothing does before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.retraining.arrived import Arrived, reason_for_run
from tests.retraining.conftest import RULES, RetrainingApp, hours

HOUR = 3600
ROUTE = replace(RULES.data[0], files=0)
LIMITS = replace(RULES.limits, min_interval_s=0)


async def land(app: RetrainingApp, name: str, rows: int) -> None:
    """A file of new rows, and its event."""
    start = 500 + 100 * sum(1 for _ in app.hub.list("training", "churn/"))
    await app.tell(app.label(name, start=start, rows=rows))
    await app.host.settle()


async def asked(app: RetrainingApp, run: int = 1) -> list[str]:
    """Why run number *run* was started, once it is there, and over."""
    await app.until(lambda: len(app.runs()) >= run, every_s=10)
    await app.retrained()
    return [cause["because"] for cause in app.part("claim.json")["causes"]]


async def test_a_run_starts_with_the_row_that_makes_it_enough(app: RetrainingApp) -> None:
    app.change(data=(replace(ROUTE, rows=10),), limits=LIMITS)
    await land(app, "second", 5)  # Four lie there already.
    await hours(app, 3)
    assert (app.settled(), app.runs()) == ([], [])

    await land(app, "third", 1)
    assert await asked(app) == ["labels: 10 new rows, 10 are enough"]

    await land(app, "fourth", 9)
    await hours(app, 3)
    assert len(app.runs()) == 1, "what the first run was trained on is not new"
    await land(app, "fifth", 2)
    assert await asked(app, 2) == ["labels: 11 new rows, 10 are enough"]


@pytest.mark.parametrize("sweeps", ["0 0 */3 * * *"])
async def test_a_run_starts_when_the_oldest_new_file_has_waited_long_enough(app: RetrainingApp) -> None:
    app.change(data=(replace(ROUTE, age_s=6 * HOUR),), limits=LIMITS)
    await hours(app, 3)
    await land(app, "second", 4)
    await app.pass_time(timedelta(hours=2, minutes=59))
    assert app.settled() == []

    await app.pass_time(timedelta(minutes=1))  # The timer's sweep.
    assert len(app.settled()) == 1
    assert await asked(app) == ["labels: new data has waited for 21600 s"]

    await hours(app, 8)
    assert len(app.runs()) == 1, "both files were trained on"
    await land(app, "third", 4)
    await app.pass_time(timedelta(hours=5))
    assert len(app.settled()) == 1
    await app.pass_time(timedelta(hours=2))
    assert len(app.settled()) == len(app.runs()) == 2


@pytest.mark.parametrize(
    ("rows", "waited", "because"),
    [(5, 0, []), (6, 0, ["10 new rows, 10 are enough"]), (5, 6, ["new data has waited for 21600 s"])],
)
async def test_whichever_limit_is_reached_first_starts_the_run(
    app: RetrainingApp, rows: int, waited: int, because: list[str]
) -> None:
    app.change(data=(replace(ROUTE, rows=10, age_s=6 * HOUR),))
    await land(app, "second", rows)
    await hours(app, waited)

    if because:
        assert await asked(app) == [f"labels: {each}" for each in because]
    else:
        await hours(app, 5.9)
        assert app.settled() == []


@pytest.mark.parametrize(
    ("files", "rows", "oldest_s", "said"),
    [
        (2, 9, 99.9, ""),
        (3, 9, 99.9, "labels: 3 new files, 3 are enough"),
        (2, 10, 99.9, "labels: 10 new rows, 10 are enough"),
        (2, 9, 100, "labels: new data has waited for 100 s"),
        (3, 10, 0, "labels: 10 new rows, 10 are enough; 3 new files, 3 are enough"),
        (0, 10, 100, ""),
        (2, 9, -100, ""),
    ],
)
def test_any_limit_is_enough_exactly_when_it_is_reached(files: int, rows: int, oldest_s: float, said: str) -> None:
    route = replace(ROUTE, rows=10, files=3, age_s=100)

    assert reason_for_run(Arrived(files=files, rows=rows, oldest_s=oldest_s), route) == said


def test_a_limit_that_is_not_configured_is_never_reached() -> None:
    assert reason_for_run(Arrived(files=1000, rows=10**6, oldest_s=10.0**9), ROUTE) == ""
