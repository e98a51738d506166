"""A look at a hold-out is counted once for each challenger, whoever counts at the same time, year by year."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.application.promotion.holdout_looks import next_look, take_look
from shared.domain.configuration import Configuration
from shared.domain.inference.routes import HubLayout
from shared.domain.promotion.ladder import Holdout
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


def look(clients: FakeClients, challenger: str, digest: str = "sha256:a", model: str = "churn") -> int:
    return take_look(clients, model, HOLDOUT, digest, challenger).number


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

    coming = [next_look(clients, "churn", holdout, "sha256:a", time.now) for _ in range(2)]

    assert [(each.number, each.expected) for each in coming] == [(2, 40), (2, 40)]
