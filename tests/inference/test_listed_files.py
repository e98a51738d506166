"""Runs are found by the file that opened them, whatever it is called, and listed in the order that is asked for."""

from urllib.parse import quote

import pytest

from tests.inference.conftest import InferenceApp

ODD = "landing/each/s\u00fcd/a b & c.csv"


async def listed(app: InferenceApp, query: str) -> list[str]:
    status, page = await app.request("GET", f"runs?{query}")
    assert status == 200, page
    return [row["file"] for row in page["runs"]]


async def test_a_run_is_found_by_any_part_of_the_path_of_its_file(app: InferenceApp) -> None:
    await app.arrive("landing/each/north/a.csv")
    await app.arrive(ODD)
    await app.host.settle()

    assert await listed(app, f"file={quote('landing/each/north/')}") == ["landing/each/north/a.csv"]
    assert await listed(app, f"file={quote(ODD[13:21])}") == [ODD]
    assert await listed(app, "file=nothing.csv") == []
    assert sorted(await listed(app, "")) == sorted(["landing/each/north/a.csv", ODD])


async def test_a_window_is_found_by_its_first_file(app: InferenceApp) -> None:
    for name in ("a", "b"):
        await app.tell(app.land(f"landing/window/north/{name}.csv"), event_id=name)
    await app.pass_time(seconds=30)
    await app.host.settle()

    assert await listed(app, "route=window") == ["landing/window/north/a.csv"]


@pytest.mark.parametrize(("sort", "names"), [("file", "abc"), ("-file", "cba")])
async def test_runs_are_listed_in_the_order_that_is_asked_for_over_pages(
    app: InferenceApp, sort: str, names: str
) -> None:
    for name in "bca":
        await app.arrive(f"landing/each/north/{name}.csv")
    await app.host.settle()
    found, cursor = "", ""
    for _ in names:
        _, page = await app.request("GET", f"runs?sort={sort}&limit=1&cursor={cursor}")
        found, cursor = found + page["runs"][0]["file"][-5], page["next"]
    status, problem = await app.request("GET", "runs?sort=secret")

    assert (found, cursor) == (names, "")
    assert (status, "sort" in problem["detail"]) == (400, True)
