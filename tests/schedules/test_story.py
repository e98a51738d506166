"""The story on the virtual host: what waits is scored by the clock, people pause and resume, everybody can see it."""

from datetime import timedelta

from tests.schedules.conftest import NOON, SchedulesApp


async def test_what_waits_is_scored_by_the_clock_and_never_twice(app: SchedulesApp) -> None:
    for name in ("a", "b"):
        await app.tell(app.land(f"landing/waiting/north/{name}.csv"), name)
    await app.tell(app.land("landing/waiting/south/c.csv"), "c")
    assert not app.jobs.created

    await app.ticks(NOON + timedelta(minutes=16))
    await app.ticks(NOON + timedelta(minutes=80))

    assert sum(app.jobs.created.values()) == 2  # A run for each site, and nothing was left for the second time.
    _, runs = await app.request("GET", "runs?route=waiting")
    assert [run["outcome"] for run in runs["runs"]] == ["completed", "completed"]
    _, shown = await app.request("GET", "schedules/scoring")
    assert [each["what"] for each in shown["firings"]] == [
        "nothing was there to score",
        "2 runs of route waiting were started",
    ]


async def test_a_folder_is_scored_as_one_run_however_often_it_was(app: SchedulesApp) -> None:
    for name in ("a", "deep/b"):
        app.land(f"landing/reference/{name}.csv")

    for day in range(2):
        await app.tick(NOON + timedelta(days=day, minutes=45))

    assert list(app.jobs.created.values()) == [1, 1]
    assert app.fired("again") == ["28T12:45", "29T12:45"]


async def test_a_pause_forgets_and_a_resumed_schedule_goes_on(app: SchedulesApp) -> None:
    status, paused = await app.request("POST", "schedules/often/pause", {"reason": "the site is closed"})
    await app.ticks(NOON + timedelta(minutes=15))
    _, listed = await app.request("GET", "schedules")
    await app.request("POST", "schedules/often/resume", {"reason": "it is open"})
    await app.ticks(NOON + timedelta(minutes=22))

    assert (status, paused["paused"], paused["recorded"]) == (200, True, True)
    often = next(each for each in listed["schedules"] if each["schedule"] == "often")
    assert (often["paused"], often["reason"]) == (True, "the site is closed")
    assert app.fired("often") == ["28T12:21"]
    assert [line["order"] for line in app.log() if "order" in line] == ["pause", "resume"]


async def test_a_schedule_runs_now_for_whoever_says_why(app: SchedulesApp) -> None:
    app.land("landing/waiting/north/a.csv")

    status, answer = await app.request("POST", "schedules/scoring/run", {"reason": "the board meets"})
    await app.host.settle()
    missing, _ = await app.request("POST", "schedules/nothing/run", {"reason": "x"})

    assert (status, missing) == (202, 404)
    assert app.host.get(answer["id"]).status == "Completed"
    assert sum(app.jobs.created.values()) == 1
    _, shown = await app.request("GET", "schedules/scoring")
    assert (shown["firings"][0]["reason"], len(shown["firings"][0]["started"])) == ("the board meets", 1)


async def test_schedules_are_listed_page_by_page_with_their_next_time(app: SchedulesApp) -> None:
    _, first = await app.request("GET", "schedules?limit=3")
    _, rest = await app.request("GET", f"schedules?after={first['next']}")

    names = [each["schedule"] for each in (*first["schedules"], *rest["schedules"])]
    assert names == sorted(names) == ["again", "hourly", "nightly", "often", "scoring"]
    assert rest["next"] == ""
    assert {each["schedule"]: each["next"] for each in first["schedules"]}["hourly"] == "2026-03-28T13:00:00+00:00"
