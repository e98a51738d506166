"""A plan says what its gates can tell on the hold-out: groups, slices, looks, and what is in the way."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.application.promotion.holdout.forecast import facts_of
from shared.domain.configuration import Configuration
from shared.domain.gates.odds import HoldoutFacts
from shared.domain.inference.routes import HubLayout
from shared.domain.promotion.ladder import Holdout
from tests.fakes.ports import FakeClients, MemoryHub

HOLDOUT = Holdout(path="evaluation/rows.csv", target="y", key="id", slices=("sex",))
ROWS = "\n".join(["id,sex,patient,y", *(f"r{n},{'fm'[n % 2]},p{n % 7},{n}" for n in range(70))]).encode()


@pytest.fixture
def clients() -> FakeClients:
    made = FakeClients(Configuration(hub=HubLayout(account="datahub"), routes=()), lambda: datetime.now(UTC))
    vars(made)["hub"] = MemoryHub(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    return made


def test_rows_slices_and_suspected_groups_are_counted(clients: FakeClients) -> None:
    clients.hub.land(HOLDOUT.path, ROWS)

    facts = facts_of(clients.store, clients.row_files, HOLDOUT)

    assert isinstance(facts, HoldoutFacts)
    assert (facts.rows, facts.groups, facts.slices) == (70, 0, {"sex=f": 35, "sex=m": 35})
    assert "rows share values of 'patient' (7 values in 70 rows)" in facts.hints[0]


def test_with_a_group_groups_are_counted(clients: FakeClients) -> None:
    clients.hub.land(HOLDOUT.path, ROWS)

    facts = facts_of(clients.store, clients.row_files, replace(HOLDOUT, group="patient"))

    assert isinstance(facts, HoldoutFacts)
    assert (facts.rows, facts.groups, facts.slices, facts.hints) == (70, 7, {"sex=f": 7, "sex=m": 7}, ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "hold-out evaluation/rows.csv is not in the hub; put it there"),
        (b"x" * (8 * 1024 * 1024 + 1), "has 8388609 bytes: it is counted when it is measured"),
        (b"id,y\n1,2\n", "cannot be counted: 'sex' is not in list"),
        (b"", "cannot be counted"),
        (b"id,sex,y\n\xff,f,1\n", "hold-out evaluation/rows.csv is not CSV in UTF-8"),
        (b"id,sex,y\n1\n", "cannot be counted: list index out of range"),
    ],
)
def test_what_cannot_be_counted_is_said(clients: FakeClients, content: bytes | None, said: str) -> None:
    if content is not None:
        clients.hub.land(HOLDOUT.path, content)

    facts = facts_of(clients.store, clients.row_files, HOLDOUT)

    assert isinstance(facts, str)
    assert said in facts
