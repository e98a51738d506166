"""A hub of any size costs what a small one does: counted as steps of SQLite's machine and as objects that are held.

`bench/scale.py` measures 100,000 instances by the clock.
"""

import asyncio
import gc
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import azure.durable_functions as df
import pytest
import pytest_asyncio
from dateutil.parser import parse

from signalbox.host.clock import VirtualClock
from signalbox.host.durable.client import HubClient, NotFoundError
from signalbox.host.durable.entities import EntityName
from signalbox.host.durable.model import ActivityRow, InstanceRow, Status
from signalbox.host.durable.sdk import moment
from signalbox.host.durable.storage import tables
from signalbox.host.durable.storage.database import Storage
from signalbox.host.durable.storage.queries import EntityFilter, Filter
from signalbox.host.moments import to_text
from signalbox.host.testing import LocalHost

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def app() -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger(input_name="key")
    def work(key: str) -> str:
        return key

    @app.entity_trigger(context_name="context")
    def tally(context: df.DurableEntityContext) -> None:
        context.set_state(context.get_state(lambda: 0) + 1)

    @app.orchestration_trigger(context_name="context")
    def race(context: df.DurableOrchestrationContext) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=1))
        activity = context.call_activity("work", context.instance_id)
        yield context.task_any([activity, timer])
        timer.cancel()
        return (yield context.wait_for_external_event("go"))

    return app


@pytest_asyncio.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with LocalHost(app(), tmp_path, clock=VirtualClock(BEGIN)) as running:
        await running.start("race", "first")
        await running.raise_event("first", "go")
        await running.wait("first")
        yield running


async def fill(host: LocalHost, name: str, count: int, **changes: Any) -> None:
    """Put *count* copies of the instance that has run into the hub, a second apart."""
    storage: Storage = host.host._storage
    row = host.host.client.get("first")
    history = storage.read("SELECT events FROM history WHERE instance_id = 'first' ORDER BY step")

    def write(connection: tables.Connection) -> None:
        for number in range(count):
            moment = to_text(BEGIN + timedelta(seconds=number))
            copy = replace(row, instance_id=f"{name}{number:05d}", created_at=moment, updated_at=moment, **changes)
            tables.write_instance(connection, copy)
            tables.write_history(connection, copy.instance_id, [step["events"] for step in history])

    await storage.write(write)


def steps(host: LocalHost, work: Callable[[], object]) -> int:
    """How many steps SQLite's machine takes for what is read meanwhile."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    reader = host.host._storage._reader
    reader.set_progress_handler(step, 1)
    try:
        work()
    finally:
        reader.set_progress_handler(None, 0)
    assert count
    return count


LISTS: dict[str, Callable[[HubClient], object]] = {
    "all": lambda client: client.query(Filter(), 10),
    "the next page": lambda client: client.query(Filter(created_from=BEGIN), 10, (to_text(BEGIN), "done00000")),
    "since a moment": lambda client: client.query(Filter(created_from=BEGIN + timedelta(seconds=50)), 10),
    "a status that all have": lambda client: client.query(Filter(statuses=[Status.COMPLETED]), 10),
    "a status that few have": lambda client: client.query(Filter(statuses=[Status.FAILED]), 10),
    "several": lambda client: client.query(Filter(statuses=[Status.RUNNING, Status.FAILED, Status.COMPLETED]), 10),
    "a prefix": lambda client: client.query(Filter(prefix="done0005"), 5),
    "a prefix that none has": lambda client: client.query(Filter(prefix="x"), 10),
    "what has failed, of a prefix": lambda client: client.query(Filter(statuses=[Status.FAILED], prefix="bad"), 10),
    "entities": lambda client: client.entities(EntityFilter(), 10),
    "entities of a name": lambda client: client.entities(EntityFilter(name="other"), 10),
}


async def test_a_list_a_start_and_a_poll_read_no_more_where_there_is_more(host: LocalHost) -> None:
    client, engine = host.host.client, host.host.engine
    await fill(host, "bad", 20, status=Status.FAILED)
    await fill(host, "done", 100)
    await entities(host, 20)
    before = {name: steps(host, lambda work=work: work(client)) for name, work in LISTS.items()}
    begun = steps(host, engine.recover)
    await fill(host, "done", 1500)
    await entities(host, 300)
    after = {name: steps(host, lambda work=work: work(client)) for name, work in LISTS.items()}
    assert after == before
    assert steps(host, engine.recover) == begun


async def entities(host: LocalHost, count: int) -> None:
    sql, moment = "INSERT OR REPLACE INTO entities (entity_id, state, updated) VALUES (?, '1', ?)", to_text(BEGIN)
    keys = [(f"@tally@{number}", moment) for number in range(count)]
    await host.host._storage.write(lambda connection: connection.executemany(sql, keys))


async def test_a_poll_of_an_activity_looks_at_its_own_instance_alone(host: LocalHost) -> None:
    row = host.host.client.get("first")
    activity = ActivityRow(
        id=1, instance_id="first", execution_id=row.execution_id, task_id=0, name="work", input="rest"
    )
    counts = list[int]()

    def write(connection: tables.Connection) -> None:
        connection.set_progress_handler(lambda: counts.append(1), 1)
        tables.write_activities(connection, [activity])
        tables.write_instance(connection, row.with_changes(status=Status.RUNNING))
        assert tables.rewrite_activity(connection, activity)
        tables.write_instance(connection, row)
        assert not tables.rewrite_activity(connection, activity)
        connection.set_progress_handler(None, 0)

    await host.host._storage.write(write)
    small = len(counts)
    await fill(host, "done", 500, status=Status.RUNNING)
    counts.clear()
    await host.host._storage.write(write)
    assert len(counts) == small


async def test_a_hub_of_finished_instances_holds_nothing_of_them_in_memory(host: LocalHost) -> None:
    await burden(host, "a")
    before = held()
    await burden(host, "b")
    await burden(host, "c")
    growth = held() - before
    # What the loop waits for at this moment differs by one or two; what 40 instances leave behind does not.
    assert max(growth.values(), default=0) < 10, growth


async def burden(host: LocalHost, name: str) -> None:
    """Instances with timers that are cancelled and events, callers that wait or give up, entities, and a purge."""
    ids = [f"{name}{number}" for number in range(20)]
    for one in ids:
        await host.start("race", one)
        await host.host.client.signal(EntityName("tally", one), "add", None)
    for one in ids:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(host.host.client.wait(one), 0.001)
        await host.raise_event(one, "go", {})
    for one in ids:
        await host.wait(one)
        await host.wait(one)
        with pytest.raises(NotFoundError):
            await host.host.client.wait(f"{one}-nobody")
    await host.settle()
    await host.host.client.purge(ids[0])
    await host.advance(timedelta(days=2))


def held() -> Counter[str]:
    """How many objects of the host, the SDK and asyncio there are, but for what the loop has planned of its own."""
    gc.collect()
    # By its type alone: `isinstance` asks some proxies of other packages for their class, and they raise. Some classes
    # have a `__module__` that is no text.
    kinds = [kind for kind in map(type, gc.get_objects()) if not issubclass(kind, asyncio.Handle)]
    return Counter(
        kind.__qualname__
        for kind in kinds
        if str(kind.__module__).startswith(("signalbox.host", "asyncio", "_asyncio", "azure.durable_functions"))
    )


async def test_a_purge_gives_the_disk_back_and_spares_what_runs(host: LocalHost) -> None:
    await fill(host, "done", 900, output=json.dumps("x" * 10_000))
    await host.start("race", "runs")
    await host.settle()
    before = pages(host)
    assert await host.host.client.purge_by(Filter(created_from=BEGIN)) == 901
    assert [row.instance_id for row in host.host.client.query(Filter())] == ["runs"]
    assert host.host._storage.read("SELECT DISTINCT instance_id FROM history")[0]["instance_id"] == "runs"
    assert before > 2300
    assert pages(host) < 1100  # What is kept free for the next instances, and what runs.


def pages(host: LocalHost) -> int:
    return int(host.host._storage.read("PRAGMA page_count")[0][0])


async def test_an_instance_that_starts_again_during_a_purge_is_not_erased(host: LocalHost) -> None:
    for number in range(10):
        work = [host.host.client.purge("first"), host.start("race", "first")]
        await asyncio.gather(*(work if number % 2 else reversed(work)), return_exceptions=True)
        await host.settle()
        row: InstanceRow = host.host.client.get("first")
        assert row.status is Status.RUNNING
        await host.raise_event("first", "go")
        await host.wait("first")


async def test_a_list_without_a_size_has_a_hundred_and_says_where_it_goes_on(host: LocalHost) -> None:
    await fill(host, "done", 120)
    key = host.host.keys.master
    url = f"{host.url}/runtime/webhooks/durabletask/instances"
    async with aiohttp.ClientSession(headers={"x-functions-key": key}) as session:
        async with session.get(url) as answer:
            first, token = await answer.json(), answer.headers["x-ms-continuation-token"]
        async with session.get(url, headers={"x-ms-continuation-token": token}) as answer:
            rest = await answer.json()
            assert "x-ms-continuation-token" not in answer.headers
    assert len(first) == 100
    assert len({one["instanceId"] for one in first + rest}) == 121


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.1234567Z", "2026-01-31T12:00:00+01:00", "2026-01-31"]
)
def test_a_moment_of_a_history_is_read_as_the_sdk_reads_it(text: str) -> None:
    assert (moment(text), moment(text).utcoffset()) == (parse(text), parse(text).utcoffset())
