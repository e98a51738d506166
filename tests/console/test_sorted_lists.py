"""Lists are sorted by their headings, on the server: every heading that is a link leads to the order that it says."""

import html
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts import RetrainingOutcome
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.costs import Cost
from shared.domain.retraining.decision import PastRun
from shared.domain.schedules.due_times import PauseOrder
from shared.records import paths
from shared.records.datasets import paths as dataset_paths
from shared.records.lists.rows import IMPORTS, PROMOTIONS, RUNS, keep_listed
from shared.records.production import paths as production
from shared.records.production.rollouts import RolloutStanding
from shared.records.retraining import Book, RetrainingRecord, keep_cause, open_causes, read_causes
from shared.records.schedules import give_order
from tests.console.conftest import Browser, ConsoleApp
from tests.console.test_retraining_pages import MODEL, RUN, fill
from triggers.console.views.listing import in_order
from triggers.http.exchange.problems import Problem

LISTS = ("dead-letters", "schedules", "datasets", "rollouts", "retraining", "data-contracts", "audit?subject=churn",
         f"retraining/{MODEL}", f"drift/{MODEL}", "runs", "promotions", "models", "imports")  # fmt: skip


def fill_more(app: ConsoleApp) -> None:
    """A second row, which is another one in every column, for each list."""
    fill(app)
    store, now, hub = app.clients.store, app.clients.clock.now(), app.clients.hub
    record = store.get(RetrainingRecord, paths.retraining(RUN))
    assert record is not None
    later = now + timedelta(hours=1)
    other = replace(record, run="retrain-0", opened=later.isoformat(), outcome=RetrainingOutcome.FAILED,
                    cost=Cost(estimate=40.0, actual=None, node_hours=2.0))  # fmt: skip
    store.create(paths.retraining("retrain-0"), other)
    runs = (PastRun(run=RUN, started=now, cost=5.0), PastRun(run="retrain-0", started=later, cost=40.0))
    store.overwrite(paths.retraining_book(MODEL), Book(runs=runs))
    (cause,) = read_causes(store, open_causes(store, MODEL))
    keep_cause(store, replace(cause, id="3", kind=CauseKind.DRIFT, who="", at=later))
    for name, version in (("b", "1"), ("a", "2"), ("c", "3")):
        hub.create(store.container, dataset_paths.dataset_version(name, version), b"{}")
    for number, reason in enumerate(("no type", "a route", "zero rows")):
        letter = json.dumps({"reason": reason, "event": {"id": number}}).encode()
        hub.create("dead-letters", f"signalbox/{number}.json", letter)
        app.clients.audit.append(f"k{number}", "moved", "churn:1", "ada", {})
    for number, (model, fate) in enumerate((("m", "promoted"), ("a", ""), ("z", "held"))):
        name = f"{model}-{number}-production"
        row = {"opened": now.isoformat(), "model": model, "version": "1", "target": "production", "fate": fate}
        keep_listed(hub, store.container, PROMOTIONS, name, row)
        store.create(production.rollout(name), standing_of(name, model, now.isoformat()))
        run = {"route": f"r{number}", "opened": later.isoformat(), "outcome": "failed", "model": f"{model}:1"}
        keep_listed(hub, store.container, RUNS, f"r{number}-1", run)
        imported = {
            "route": f"r{number}",
            "opened": later.isoformat(),
            "outcome": fate,
            "source": model,
            "target": name,
        }
        keep_listed(hub, store.container, IMPORTS, f"i{number}", imported)
    configuration = app.clients.configuration
    (schedule,) = configuration.schedules
    schedules = (schedule, replace(schedule, name="a-rest"), replace(schedule, name="z-first", cron="* * * * *"))
    vars(app.clients).update(configuration=replace(configuration, schedules=schedules))
    give_order(store, "a-rest", PauseOrder(paused=True, at=now, by="linus", reason="works"))


def standing_of(promotion: str, model: str, at: str) -> RolloutStanding:
    return RolloutStanding(
        promotion=promotion, model=f"{model}:1", champion=f"{model}:0", environment="production", endpoint="e",
        deployment="d", stage="production", step=0, weights=(10, 50), since=at, looks=1, at=at, decision="", because="",
    )  # fmt: skip


async def rows(browser: Browser, path: str) -> list[str]:
    page = await browser.get(path)
    assert page.status == 200, (path, page.text)
    return re.findall(r'<tr id="([^"]+)"', page.text)


def headings(text: str) -> list[tuple[str, str, str]]:
    """Each heading that is a link: how its list is sorted by it, its address, and its words."""
    pattern = r'<th scope="col"[^>]*?(?: aria-sort="(\w+)")?><a href="/console/([^"]+)">([^<]+)'
    return [(how, html.unescape(address), label.strip()) for how, address, label in re.findall(pattern, text)]


async def test_every_heading_leads_to_the_order_that_it_says_and_back(shipped_app: ConsoleApp) -> None:
    fill_more(shipped_app)
    linus, followed = await shipped_app.signed_in("linus"), dict[str, int]()
    for path in LISTS:
        for _, address, label in headings((await linus.get(path)).text):
            once = [each for each in headings((await linus.get(address.partition("#")[0])).text) if each[2] == label]
            assert len([how for how, _, _ in once if how]) >= 1, (path, label)
            (how, back, _) = next(each for each in once if each[0] and is_other_way(address, each[1]))
            twice = headings((await linus.get(back.partition("#")[0])).text)
            other = {"ascending": "descending", "descending": "ascending"}[how]
            assert other in [how for how, _, words in twice if words == label], (path, label)
            followed[path] = followed.get(path, 0) + 1

    assert set(followed) == set(LISTS)
    assert sum(followed.values()) >= 45


def is_other_way(address: str, back: str) -> bool:
    """Whether both name the same column, one of them with `-`."""
    last, other = (text.partition("#")[0].rpartition("=")[2] for text in (address, back))
    return last != other and last.lstrip("-") == other.lstrip("-")


@pytest.mark.parametrize("sort", ["secret", "-secret"])
async def test_no_list_is_sorted_by_what_it_does_not_have(shipped_app: ConsoleApp, sort: str) -> None:
    linus = await shipped_app.signed_in("linus")
    fields = {f"retraining/{MODEL}": "causes", f"drift/{MODEL}": "looks"}
    asked = {path: f"{path}{'&' if '?' in path else '?'}{fields.get(path, 'sort')}={sort}" for path in LISTS}
    answers = {path: await linus.get(address) for path, address in asked.items()}

    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(LISTS, 400)


async def test_lists_come_in_the_order_of_the_address(shipped_app: ConsoleApp) -> None:
    fill_more(shipped_app)
    linus = await shipped_app.signed_in("linus")
    schedule = shipped_app.clients.configuration.schedules[0].name
    numbers = ["entry-1", "entry-2", "entry-3"]

    assert await rows(linus, "datasets?sort=name") == ["a-2", "b-1", "c-3"]
    assert await rows(linus, "datasets?sort=-name") == ["c-3", "b-1", "a-2"]
    assert await rows(linus, "rollouts?sort=model") == ["a-1-production", "m-0-production", "z-2-production"]
    assert await rows(linus, "rollouts?sort=fate") == ["a-1-production", "z-2-production", "m-0-production"]
    assert await rows(linus, "schedules?sort=-schedule") == ["z-first", schedule, "a-rest"]
    assert await rows(linus, "schedules?sort=next") == ["z-first", schedule, "a-rest"], "what rests is due last"
    assert await rows(linus, "schedules?sort=-paused") == ["a-rest", "z-first", schedule]
    assert [row for row in await rows(linus, "audit?subject=churn&sort=number") if row in numbers] == numbers
    assert (await linus.get("audit?sort=number")).status == 422, "the whole log is read from its end"
    runs = [row for row in await rows(linus, "retraining?sort=-cost") if row.startswith("retrain")]
    assert runs == ["retrain-0", RUN]
    assert [row for row in await rows(linus, "retraining?sort=cost") if row.startswith("retrain")] == runs[::-1]
    assert [row for row in await rows(linus, "retraining?sort=outcome") if row.startswith("retrain")] == runs
    letters = (await linus.get("dead-letters?sort=reason")).text
    assert letters.index("a route") < letters.index("no type") < letters.index("zero rows")


async def test_a_sorted_list_is_paged_with_nothing_twice_and_nothing_left_out(shipped_app: ConsoleApp) -> None:
    fill_more(shipped_app)
    for path, name, follow in (
        ("rollouts?sort=-model", "promotion", "after"),
        ("rollouts?sort=at", "promotion", "after"),
        ("schedules?sort=-next", "schedule", "after"),
        ("datasets?sort=-name", "name", "cursor"),
        ("imports?sort=-source", "name", "cursor"),
        ("retrainings?sort=outcome", "run", "cursor"),
        ("retrainings?sort=model", "run", "cursor"),
        ("dead-letters?sort=reason", "path", "cursor"),
        ("audit/entries?all=true&subject=churn&sort=number", "number", "cursor"),
    ):
        whole, pages, place = await page_of(shipped_app, path, name), list[str](), ""
        while True:
            _, answer = await shipped_app.ask("GET", f"{path}&limit=1&{follow}={place}", who="linus")
            pages += names_in(answer, name)
            place = answer["next"]
            if not place:
                break
        assert (pages, len(pages) > 1) == (whole, True), path


async def test_a_page_behind_what_is_not_there_any_more_says_so(shipped_app: ConsoleApp) -> None:
    status, problem = await shipped_app.ask("GET", "schedules?sort=next&after=gone", who="linus")
    usual, _ = await shipped_app.ask("GET", "schedules?after=gone", who="linus")

    assert (status, "not in the list any more" in problem["detail"], usual) == (422, True, 200)


async def page_of(app: ConsoleApp, path: str, name: str) -> list[str]:
    status, answer = await app.ask("GET", path, who="linus")
    assert status == 200, answer
    return names_in(answer, name)


def names_in(answer: dict[str, Any], name: str) -> list[str]:
    (listed,) = (value for key, value in answer.items() if isinstance(value, list) and key != "unseen")
    return [row[name] for row in listed]


def test_a_row_without_a_value_comes_last_whichever_way_the_list_goes() -> None:
    columns = {"x": lambda row: row}

    assert in_order((None, 2, 3), "x", columns) == [2, 3, None]
    assert in_order((None, 2, 3), "-x", columns) == [3, 2, None]
    assert in_order((3, None), "", columns) == (3, None)
    with pytest.raises(Problem, match="it has x"):
        in_order((3,), "y", columns)
