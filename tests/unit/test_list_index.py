"""The index of the lists: it says what the rows say, even where a process died or came between, and it is read once."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.application.lists import NEWEST, RowFilter, RowOrder, counted, matching, page_of
from shared.domain.failures import Transient
from shared.records.line_logs import append_line
from shared.records.lists import folding as list_folding
from shared.records.lists import paths
from shared.records.lists.folding import fold_list
from shared.records.lists.index import IndexManifest, ListIndex, RowSet
from shared.records.lists.rows import COLUMNS, RUNS, keep_listed, listed, note_change
from shared.records.store import RecordStore
from tests.fakes.ports import MemoryHub

STATE, NOW = "signalbox", datetime(2026, 1, 1, tzinfo=UTC)


class DyingHub(MemoryHub):
    """Fails the append number *fails_at*, as a host that dies before it; counts what is read."""

    def __init__(self, fails_at: int = 0) -> None:
        super().__init__(lambda: NOW)
        self.fails_at, self.appends, self.reads = fails_at, 0, list[str]()

    def append(self, container: str, path: str, line: bytes) -> bool:
        self.appends += 1
        if self.appends == self.fails_at:
            raise Transient("the host died")
        return super().append(container, path, line)

    def read(self, container: str, path: str) -> bytes | None:
        self.reads.append(path)
        return super().read(container, path)


def opened(number: int) -> str:
    return (NOW + timedelta(minutes=number)).isoformat(timespec="milliseconds")


def keep(hub: MemoryHub, number: int, **row: str) -> None:
    first = {"route": f"r{number % 3}", "opened": opened(number), "outcome": "", "model": "m:1"}
    keep_listed(hub, STATE, RUNS, f"run-{number:05d}", first | row if row else first)


def rows_of(hub: MemoryHub) -> dict[str, dict[str, str]]:
    """What a reader that starts now says, by name."""
    entries = ListIndex(hub, STATE, RUNS).rows().entries
    return {entry[-1]: dict(zip(COLUMNS[RUNS], entry, strict=False)) for entry in entries}


def truth(hub: MemoryHub) -> dict[str, dict[str, str]]:
    return {name: {column: row.get(column, "") for column in COLUMNS[RUNS]} for name, row in listed(hub, STATE, RUNS)}


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_folding, "SEGMENT_ROWS", 5)
    monkeypatch.setattr(list_folding, "FOLDED_BYTES", 300)


@pytest.mark.parametrize("seed", range(3))
def test_the_index_says_what_the_rows_say_whatever_is_written_folded_and_read(seed: int, small_segments: None) -> None:
    chance, hub = random.Random(seed), MemoryHub(lambda: NOW)
    reader = ListIndex(hub, STATE, RUNS)
    for number in range(120):
        step = chance.random()
        if step < 0.5:
            keep(hub, number)
        elif step < 0.8:
            keep_listed(hub, STATE, RUNS, f"run-{chance.randrange(number + 1):05d}", {"outcome": chance.choice("abc")})
        elif step < 0.9:
            fold_list(hub, STATE, RUNS, NOW, rebuild=chance.random() < 0.2)
        entries = reader.rows().entries
        assert {entry[-1]: dict(zip(COLUMNS[RUNS], entry, strict=False)) for entry in entries} == truth(hub)
        assert list(entries) == sorted(entries, key=lambda entry: (entry[0], entry[-1]), reverse=True)
    assert rows_of(hub) == truth(hub)


def test_a_writer_that_dies_between_the_row_and_its_line_writes_the_line_when_it_is_tried_again() -> None:
    hub = DyingHub(fails_at=2)
    keep(hub, 1)
    fold_list(hub, STATE, RUNS, NOW)
    with pytest.raises(Transient):
        keep(hub, 1, outcome="completed")
    assert rows_of(hub)["run-00001"]["outcome"] == ""

    keep(hub, 1, outcome="completed")

    assert rows_of(hub) == truth(hub)
    assert hub.writes[f"{STATE}/{RUNS}run-00001"] == 2


def test_a_line_that_comes_after_that_of_a_later_version_changes_nothing() -> None:
    hub = MemoryHub(lambda: NOW)
    keep(hub, 1)
    late = hub.read(STATE, paths.journal(RUNS)) or b""
    keep(hub, 1, outcome="completed")

    hub.append(STATE, paths.journal(RUNS), late.strip())

    assert rows_of(hub) == truth(hub)


def test_a_state_of_an_earlier_release_is_listed_and_the_first_fold_makes_its_index() -> None:
    hub = MemoryHub(lambda: NOW)
    for number in range(3):
        hub.create(STATE, f"{RUNS}run-{number}", b"", {"route": "r", "opened": opened(number), "outcome": ""})
    before = rows_of(hub)

    assert fold_list(hub, STATE, RUNS, NOW)

    assert rows_of(hub) == before == truth(hub)
    assert not fold_list(hub, STATE, RUNS, NOW), "there is nothing to fold"
    keep_listed(hub, STATE, RUNS, "run-1", {"outcome": "failed"})
    assert rows_of(hub)["run-1"]["outcome"] == "failed"


def test_an_index_that_lacks_a_row_is_mended_by_the_rebuild_of_the_week() -> None:
    hub = MemoryHub(lambda: NOW)
    keep(hub, 1)
    fold_list(hub, STATE, RUNS, NOW)
    hub.create(STATE, f"{RUNS}run-lost", b"", {"route": "r", "opened": opened(9), "revision": "1"})
    assert "run-lost" not in rows_of(hub)

    assert fold_list(hub, STATE, RUNS, NOW + list_folding.REBUILT_AFTER + timedelta(seconds=1))

    assert rows_of(hub) == truth(hub)


def test_a_fold_that_loses_to_another_leaves_the_winners_index(small_segments: None) -> None:
    hub = MemoryHub(lambda: NOW)
    for number in range(12):
        keep(hub, number)

    class Overtaken(MemoryHub):
        """The other fold comes between the reading of the journal and the writing of the manifest."""

        def __init__(self) -> None:
            vars(self).update(vars(hub))

        def create(self, container: str, path: str, data: bytes, metadata: dict[str, str] | None = None) -> bool:  # type: ignore[override]
            if path == paths.manifest(RUNS):
                fold_list(hub, STATE, RUNS, NOW)
                keep(hub, 99)
            return hub.create(container, path, data, metadata)

    with pytest.raises(Transient):
        fold_list(Overtaken(), STATE, RUNS, NOW)

    assert rows_of(hub) == truth(hub)


def test_segments_that_no_manifest_names_are_removed_once_they_are_old(small_segments: None) -> None:
    hub = MemoryHub(lambda: NOW)
    for number in range(12):
        keep(hub, number)
    fold_list(hub, STATE, RUNS, NOW)
    keep(hub, 0, outcome="completed")

    fold_list(hub, STATE, RUNS, NOW, rebuild=True)
    assert len(list(hub.list(STATE, paths.segments(RUNS)))) == 4
    fold_list(hub, STATE, RUNS, NOW + timedelta(hours=2), rebuild=True)

    assert len(list(hub.list(STATE, paths.segments(RUNS)))) == 3
    assert rows_of(hub) == truth(hub)


def test_a_second_look_reads_nothing_and_a_change_is_read_alone() -> None:
    hub = DyingHub()
    for number in range(20):
        keep(hub, number)
    fold_list(hub, STATE, RUNS, NOW)
    reader = ListIndex(hub, STATE, RUNS)
    first = reader.rows()
    hub.reads.clear()

    assert reader.rows() is first
    assert hub.reads == []
    note_change(hub, STATE, RUNS, "run-00001")
    noted = reader.rows()

    assert hub.reads == [paths.journal(RUNS)]
    assert (noted.marker != first.marker, noted.entries) == (True, first.entries)
    assert noted.change("run-00001") != first.change("run-00001")
    assert noted.change("run-00002") == first.change("run-00002")


def test_a_reader_that_meets_a_fold_reads_again(small_segments: None) -> None:
    class Folding(MemoryHub):
        """Folds once, after the reader has listed what there is."""

        folds = 1

        def list(self, container: str, prefix: str) -> Iterator:  # type: ignore[type-arg]
            blobs = list(super().list(container, prefix))
            if prefix == paths.index_folder(RUNS) and self.folds:
                self.folds = 0
                fold_list(self, STATE, RUNS, NOW, rebuild=True)
            return iter(blobs)

    hub = Folding(lambda: NOW)
    for number in range(12):
        keep(hub, number)

    assert rows_of(hub) == truth(hub)


ROWS = RowSet(
    marker="",
    base="",
    entries=tuple(
        (opened(n), f"r{n % 2}", "completed" if n % 3 else "", "", "m:1", f"landing/{n}.csv", f"run-{n}")
        for n in range(9, -1, -1)
    ),
)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (RowFilter(), "9876543210"),
        (RowFilter(equal={"route": "r1", "model": ""}), "97531"),
        (RowFilter(equal={"route": "r1", "outcome": "completed"}), "751"),
        (RowFilter(since=opened(3), until=opened(6)), "543"),
        (RowFilter(ended="outcome", is_open=True), "9630"),
        (RowFilter(ended="outcome", is_open=False, equal={"route": "r0"}), "842"),
        (RowFilter(part={"file": "landing/"}), "9876543210"),
        (RowFilter(part={"file": "g/7"}, equal={"route": "r1"}), "7"),
        (RowFilter(part={"file": "g/7"}, equal={"route": "r0"}), ""),
    ],
)
def test_filters_narrow_together(wanted: RowFilter, numbers: str) -> None:
    assert "".join(entry[-1][-1] for entry in matching(RUNS, ROWS, wanted)) == numbers


def test_pages_follow_one_another_without_gap_or_repeat_though_rows_come() -> None:
    names, after, entries = list[str](), None, ROWS.entries
    while True:
        page = page_of(RUNS, entries, 4, after)
        names += [row["name"] for row in page.rows]
        entries = ((opened(99), "r0", "", "", "m:1", "", "run-new"), *entries)
        if page.last is None:
            break
        after = page.last

    assert names == [f"run-{number}" for number in range(9, -1, -1)]
    assert counted(RUNS, ROWS.entries, "outcome") == {"completed": 6, "": 4}


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        (NEWEST, "9876543210"),
        (RowOrder(column="opened", down=False), "0123456789"),
        (RowOrder(column="route", down=False), "8642097531"),
        (RowOrder(column="outcome", down=True), "8754219630"),
    ],
)
def test_every_order_has_each_row_on_one_page(order: RowOrder, numbers: str) -> None:
    entries, names, after = order.of(RUNS, ROWS.entries), list[str](), None
    while True:
        page = page_of(RUNS, entries, 3, after, order)
        names += [row["name"][-1] for row in page.rows]
        after = page.last
        if after is None:
            break

    assert "".join(names) == numbers


def test_a_page_goes_on_though_the_last_row_of_the_one_before_has_another_value_now() -> None:
    order = RowOrder(column="route", down=False)
    entries = order.of(RUNS, ROWS.entries)

    assert [row["name"] for row in page_of(RUNS, entries, 2, ("r0", "run-1"), order).rows] == ["run-9", "run-7"]


def test_rows_of_a_release_that_had_fewer_columns_are_read_with_those_that_they_lack() -> None:
    hub = MemoryHub(lambda: NOW)
    line = ["run-1", 1, opened(1), "r1", "completed", opened(2), "m:1"]
    hub.create(STATE, paths.segment(RUNS, "d"), json.dumps([line]).encode())
    RecordStore(hub, STATE).create(paths.manifest(RUNS), IndexManifest(segments=("d",), built=NOW.isoformat()))
    append_line(hub, STATE, paths.journal(RUNS), json.dumps(["run-2", 1, opened(2), "r1", "", "", "m:1"]).encode())

    entries = ListIndex(hub, STATE, RUNS).rows().entries

    assert [(entry[-1], entry[-2], len(entry)) for entry in entries] == [("run-2", "", 7), ("run-1", "", 7)]


def test_rows_of_a_newer_release_are_read_without_its_new_columns_and_folded_with_them(small_segments: None) -> None:
    hub = MemoryHub(lambda: NOW)
    known = [opened(1), "r1", "completed", opened(2), "m:1", "a.csv"]
    hub.create(STATE, paths.segment(RUNS, "d"), json.dumps([["run-1", 1, *known, "of tomorrow"]]).encode())
    RecordStore(hub, STATE).create(paths.manifest(RUNS), IndexManifest(segments=("d",), built=NOW.isoformat()))
    newer = ["run-2", 1, opened(2), *known[1:], "of tomorrow"]
    for _ in range(5):  # More than a fold leaves.
        append_line(hub, STATE, paths.journal(RUNS), json.dumps(newer).encode())
    pages = list[list[dict[str, str]]]()
    for _ in range(2):
        entries = ListIndex(hub, STATE, RUNS).rows().entries
        pages.append(list(page_of(RUNS, entries, 10, None, RowOrder(column="file", down=False)).rows))
        assert fold_list(hub, STATE, RUNS, NOW) is (len(pages) == 1)

    names = [{*row} == {*COLUMNS[RUNS], "name"} and row["name"] for row in pages[0]]
    assert (names, pages[1]) == (["run-2", "run-1"], pages[0])
    assert all(entry[-2] == "of tomorrow" for entry in ListIndex(hub, STATE, RUNS).rows().entries)
