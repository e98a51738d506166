"""A look at a hold-out is counted once for each challenger, whatever else counts at the same time, year by year."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.application.promotion.holdout.looks import HoldoutVersion, count_holdout_look, next_look
from shared.domain.configuration import Configuration
from shared.domain.inference.routes import HubLayout
from shared.domain.promotion.ladder import Holdout
from shared.domain.statistics.key_sketch import SIZE, KeySketch, parse_sketch
from tests.fakes.ports import FakeClients

HOLDOUT = Holdout(path="evaluation/rows.csv", target="y", key="id")


class Time:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clients(time: Time) -> FakeClients:
    return FakeClients(Configuration(hub=HubLayout(account="datahub"), routes=()), lambda: time.now)


def version(digest: str = "sha256:a", rows: Iterable[int] = ()) -> HoldoutVersion:
    """With *rows*, or with some that only this version has."""
    keys = KeySketch()
    keys.add_all(map(str, [*rows] or [f"{digest}-{number}" for number in range(9)]))
    return HoldoutVersion(digest=digest, keys=keys)


def look(
    clients: FakeClients, challenger: str, digest: str = "sha256:a", model: str = "churn", rows: Iterable[int] = ()
) -> int:
    return count_holdout_look(
        clients.store, model, HOLDOUT, version(digest, rows), challenger, clients.clock.now()
    ).number


def test_a_challenger_is_counted_once_and_a_fresh_hold_out_counts_anew(clients: FakeClients) -> None:
    numbers = [look(clients, each) for each in ("x", "y", "x", "z", "y")]

    assert numbers == [1, 2, 1, 3, 2]
    assert (look(clients, "x", "sha256:b"), look(clients, "x", model="fraud")) == (1, 1)


def test_hosts_that_count_at_once_give_every_challenger_one_number(clients: FakeClients) -> None:
    asked = [f"c{number % 12}" for number in range(48)]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda each: look(clients, each), asked))

    assert sorted(set(zip(asked, numbers, strict=True)), key=lambda pair: pair[1]) == [
        (name, number) for number, name in enumerate(sorted(set(asked), key=lambda e: numbers[asked.index(e)]), 1)
    ]


def test_each_year_of_a_version_has_its_own_looks(clients: FakeClients, time: Time) -> None:
    first = look(clients, "x"), look(clients, "y")
    time.now += timedelta(days=366)

    assert (first, look(clients, "z"), look(clients, "y")) == ((1, 2), 1, 2)


def test_what_would_be_the_next_look_is_told_without_taking_it(clients: FakeClients, time: Time) -> None:
    look(clients, "x")
    holdout = replace(HOLDOUT, looks=40)

    coming = [next_look(clients.store, "churn", holdout, version(), time.now) for _ in range(2)]

    assert [(each.number, each.expected) for each in coming] == [(2, 40), (2, 40)]


def test_a_hold_out_with_some_new_rows_is_the_same_and_its_looks_go_on(clients: FakeClients) -> None:
    first = look(clients, "x", rows=range(100))

    appended = look(clients, "y", "sha256:b", rows=range(101))
    grown = look(clients, "z", "sha256:c", rows=range(190))
    again = look(clients, "x", "sha256:c", rows=range(190))

    assert (first, appended, grown, again) == (1, 2, 3, 1)


def test_looks_start_afresh_where_half_of_the_rows_are_new(clients: FakeClients) -> None:
    look(clients, "x", rows=range(100))

    assert look(clients, "y", "sha256:b", rows=range(50, 150)) == 1
    assert look(clients, "z", "sha256:c", rows=range(45, 145)) == 2  # Nearer to the second version than to the first.


def test_a_plan_tells_the_look_of_a_changed_hold_out_without_recording_it(clients: FakeClients, time: Time) -> None:
    look(clients, "x", rows=range(100))

    coming = [
        next_look(clients.store, "churn", HOLDOUT, version(digest, rows), time.now).number
        for digest, rows in (("sha256:b", range(101)), ("sha256:c", range(1000, 1100)), ("sha256:b", range(101)))
    ]

    assert coming == [2, 1, 2]


def test_looks_of_before_versions_were_recorded_go_on(clients: FakeClients) -> None:
    for number in (1, 2):
        record = {"number": number, "challenger": f"c{number}", "at": "2026-01-01T00:00:00+00:00"}
        path = f"holdouts/churn/a/looks/{number:06d}.json"
        clients.hub.create(clients.configuration.hub.state, path, json.dumps(record).encode())

    assert (look(clients, "x", rows=range(100)), look(clients, "y", "sha256:b", rows=range(101))) == (3, 4)


@pytest.mark.parametrize(("rows", "shared"), [(100, 0.3), (SIZE * 10, 0.3), (SIZE * 10, 0.7), (SIZE * 10, 0.0)])
def test_the_share_of_common_rows_is_estimated_whatever_their_number(rows: int, shared: float) -> None:
    start = int(rows * (1 - shared))
    earlier, later = version(rows=range(rows)).keys, version(rows=range(start, start + rows)).keys

    assert later.share_in(earlier) == pytest.approx(shared, abs=0.05 if rows > SIZE else 1e-9)
    assert len(parse_sketch(later.to_list()).to_list()) == min(rows, SIZE)
