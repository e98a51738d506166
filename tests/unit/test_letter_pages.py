"""Dead letters page by page: each is shown once, the newest days first, and a page costs what it shows."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.configuration import Configuration
from shared.domain.inference.routes import HubLayout
from shared.ports import Blob, Folder
from tests.fakes.ports import FakeClients, MemoryHub
from triggers.http.api_route import ApiRequest
from triggers.http.letters.dead_letters import list_dead_letters
from triggers.http.letters.pages import Place, stored_letters
from triggers.http.letters.types import LetterFilters

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


class ThriftyHub(MemoryHub):
    """Counts the entries that listings gave, and refuses a listing without an end."""

    def __init__(self) -> None:
        super().__init__(lambda: NOON + timedelta(seconds=self._versions))
        self.cost: Counter[str] = Counter()

    def page(self, container: str, prefix: str, most: int, marker: str = "") -> tuple[tuple[Blob, ...], str]:
        found, following = super().page(container, prefix, most, marker)
        self.cost["entries"] += len(found)
        return found, following

    def look_into(self, container: str, folder: str, most: int) -> Folder:
        there = super().look_into(container, folder, most)
        self.cost["entries"] += len(there.folders) + len(there.blobs)
        return there


def all_of(hub: MemoryHub, most: int) -> list[str]:
    paths, place = list[str](), None
    for _ in range(10_000):
        page, place = stored_letters(hub, "dead-letters", most, place)
        assert len(page) <= most
        paths += [blob.path for blob in page]
        if place is None:
            return paths
    raise AssertionError("the pages never end")


LAYOUTS = {
    "ours": [f"events/2026-11-{day:02d}/{n}.json" for day in (9, 10, 28) for n in range(4)],
    "event grid's": [f"event-grid/HUB/2026/{m}/{d}/7/{n}.json" for m in (9, 10) for d in (2, 11) for n in range(3)],
    "one wide day": [*(f"events/2026-11-28/{n:04d}.json" for n in range(350)), "events/2026-11-29/x.json", "odd"],
    "a wide root": [f"{n:03d}/{k}.json" for n in range(130) for k in range(2)],
    "just full": [f"events/2026-11-28/{n:04d}.json" for n in range(100)],
}


@pytest.mark.parametrize("most", [1, 3, 7, 100])
@pytest.mark.parametrize("paths", LAYOUTS.values(), ids=LAYOUTS)
def test_every_letter_is_shown_once(paths, most):
    hub = ThriftyHub()
    for path in paths:
        hub.create("dead-letters", path, b"{}")

    assert sorted(all_of(hub, most)) == sorted(paths)


def test_the_newest_days_come_first_whatever_way_their_folders_are_named():
    hub = ThriftyHub()
    for path in LAYOUTS["ours"] + LAYOUTS["event grid's"]:
        hub.create("dead-letters", path, b"{}")

    days = list(dict.fromkeys(path.rpartition("/")[0] for path in all_of(hub, 5)))
    assert days == [
        *(f"events/2026-11-{day}" for day in ("28", "10", "09")),
        *(f"event-grid/HUB/2026/{day}/7" for day in ("10/11", "10/2", "9/11", "9/2")),
    ]


def test_five_of_five_thousand_letters_cost_a_handful_of_entries():
    hub = ThriftyHub()
    for number in range(5000):
        hub.create("dead-letters", f"events/2026-11-{number % 28 + 1:02d}/{number}.json", b"{}")

    page, place = stored_letters(hub, "dead-letters", 5, None)
    assert (len(page), hub.cost["entries"] <= 250) == (5, True)
    hub.cost.clear()
    page, _ = stored_letters(hub, "dead-letters", 5, place)
    assert (len(page), hub.cost["entries"] <= 250) == (5, True)


def test_a_folder_that_grows_while_it_is_paged_loses_nothing():
    hub = ThriftyHub()
    for number in range(90):
        hub.create("dead-letters", f"events/2026-11-{number % 3 + 1:02d}/{number:03d}.json", b"{}")
    first, place = stored_letters(hub, "dead-letters", 10, None)
    for number in range(200):
        hub.create("dead-letters", f"events/2026-11-03/new-{number}.json", b"{}")

    shown = {blob.path for blob in first}
    while place is not None:
        page, place = stored_letters(hub, "dead-letters", 50, place)
        shown |= {blob.path for blob in page}
    assert {path for path in shown if "new" not in path} == {
        f"events/2026-11-{number % 3 + 1:02d}/{number:03d}.json" for number in range(90)
    }


def test_a_cursor_of_somebody_elses_making_finds_nothing_outside():
    clients = FakeClients(Configuration(hub=HubLayout(account="datahub"), routes=()), lambda: NOON)
    clients.hub.create("signalbox", "events/2026-11-28/secret.json", b"{}")
    place = Place(folder="signalbox/events/", after="x", wide=True)

    assert stored_letters(clients.hub, "dead-letters", 5, place) == ([], None)
    request = ApiRequest(client=None, clients=clients, caller=None, http=None)
    assert list_dead_letters(request, LetterFilters()).total == 0
