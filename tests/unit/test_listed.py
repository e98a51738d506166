"""A list looks at one blob for each of its rows, whatever else lies in the hub."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.ports import Blob
from shared.records.lists.rows import PROMOTIONS, RUNS, keep_listed, listed
from tests.amounts import amount
from tests.fakes.ports import MemoryHub

STATE = "signalbox"


class CountingHub(MemoryHub):
    def __init__(self) -> None:
        super().__init__(lambda: datetime(2026, 1, 1, tzinfo=UTC))
        self.looked_at = 0

    def list(self, container: str, prefix: str) -> Iterator[Blob]:
        for blob in super().list(container, prefix):
            self.looked_at += 1
            yield blob


@pytest.mark.long
def test_ten_thousand_promotions_are_ten_thousand_looks() -> None:
    hub, count = CountingHub(), amount(1_000, 10_000)
    for number in range(count):
        keep_listed(hub, STATE, PROMOTIONS, f"churn-{number}-central", {"model": "churn", "fate": ""})
        for other in range(3):
            hub.create(STATE, f"promotions/churn-{number}-central/effects/{other}.json", b"{}")
    keep_listed(hub, STATE, RUNS, "run-1", {"route": "scores"})

    rows = dict(listed(hub, STATE, PROMOTIONS))

    assert (len(rows), hub.looked_at) == (count, count)
    assert rows["churn-7-central"]["model"] == "churn"


def test_what_is_said_later_is_added_and_a_repeat_writes_nothing() -> None:
    hub = CountingHub()
    for row in ({"model": "churn", "fate": "", "opened": "t"}, {"fate": "held"}, {"fate": "held"}):
        keep_listed(hub, STATE, PROMOTIONS, "churn-1-central", row)

    assert dict(listed(hub, STATE, PROMOTIONS)) == {
        "churn-1-central": {"model": "churn", "fate": "held", "opened": "t"}
    }
    assert hub.writes["signalbox/listed/promotions/churn-1-central"] == 2
