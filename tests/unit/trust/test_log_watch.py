"""The log is verified in parts by the app itself, and no index file that is removed or planted hides an entry."""

import json
from dataclasses import replace

import pytest

from shared.adapters.audit_log.layout import HEADS, KEYS, entry_path, head_path, key_path, subject_folder, subject_path
from shared.adapters.audit_log.verified_marks import MARK_PATH
from shared.domain.failures import Refused
from tests.unit.trust.audit_logs import Log, append, long_log

MODEL = "model-0"


def watched(log: Log, most: int = 10) -> list[str]:
    """What a process that has just started finds in all that is new; each look is noted."""
    return _looks(log, most, reread=False)


def reread(log: Log, most: int = 10) -> list[str]:
    return _looks(log, most, reread=True)


def _looks(log: Log, most: int, *, reread: bool) -> list[str]:
    process, problems = log.start(), list[str]()
    while True:
        look = process.look(most, reread)
        problems += look.problems
        process.note_look(look)
        if look.is_done:
            return problems


def own(log: Log, process=None) -> list[int]:
    return [entry.number for entry in (process or log.start()).about(MODEL)]


def remove(log: Log, *paths: str) -> None:
    for path in paths:
        del log.hub.blobs["signalbox", path]


def numbers(log: Log) -> list[int]:
    return [entry.number for entry in log.start().entries() if entry.subject.startswith(MODEL)]


def test_a_whole_log_is_verified_in_parts_and_only_its_new_part_the_next_time() -> None:
    log = long_log(35)
    assert watched(log) == []
    assert json.loads(log.hub.read("signalbox", MARK_PATH))["payloadType"].endswith("verified-log+json")

    log.append("one more")
    log.hub.reads = 0
    look = log.start().look(10)
    assert (look.problems, look.is_done, look.mark.size) == ((), True, 36)
    assert log.hub.reads < 20


def test_nothing_is_written_where_nothing_is_new() -> None:
    log = long_log(12)
    watched(log)
    before = log.content()
    assert watched(log) == []
    assert log.content() == before


@pytest.mark.parametrize("path", [entry_path(5), head_path(5), key_path("key 5"), subject_path("model-2:1", 5)])
def test_whatever_is_removed_is_found_once_it_is_looked_at(path: str) -> None:
    log = long_log(12)
    remove(log, path)
    assert len(watched(log)) == 1


@pytest.mark.parametrize("path", [entry_path(5), key_path("key 5"), subject_path("model-2:1", 5)])
def test_what_is_removed_after_it_was_verified_is_found_when_that_is_read_again(path: str) -> None:
    log = long_log(25)
    watched(log)
    remove(log, path)
    assert watched(log) == []
    assert len(reread(log)) == 1


def test_an_index_file_that_is_missing_is_laid_down_again_once_it_is_told_of() -> None:
    log = long_log(12)
    watched(log)
    before = log.content()
    remove(log, key_path("key 5"), subject_path("model-2:1", 5))
    assert len(reread(log)) == 2
    assert {path: before[path] for path in before if path != MARK_PATH}.items() <= log.content().items()
    assert reread(log) == []


def test_names_that_were_planted_are_found_when_the_log_is_read_again() -> None:
    log = long_log(12)
    watched(log)
    log.put(subject_path("model-0:1", 5), b"")
    log.put(f"{subject_folder('nobody')}x", b"")
    log.put(f"{KEYS}planted.json", b"{}")
    log.put(entry_path(99), b"{}")
    problems = reread(log)
    assert len(problems) == 4, problems
    assert sum("was planted" in problem for problem in problems) == 2


@pytest.mark.parametrize("verified", [False, True])
def test_a_name_that_is_almost_that_of_an_entry_is_no_entry(verified: bool) -> None:
    log = long_log(12)
    if verified:
        watched(log)
    planted = [entry_path(5).removesuffix(".json"), entry_path(5) + ".json"]
    for path in planted:
        log.put(path, b"{}")
    problems = reread(log)
    assert [path for path in planted if any(problem.startswith(path + " ") for problem in problems)] == planted


@pytest.mark.parametrize("verified", [False, True])
def test_a_removed_name_hides_no_entry(verified: bool) -> None:
    log = long_log(20)
    expected = numbers(log)
    if verified:
        watched(log)
        log.append("key 100", "key 1000")
    expected = numbers(log)
    remove(log, *(path for path in log.content() if path.startswith(subject_folder(MODEL))))
    assert own(log) == expected


def test_a_planted_name_shows_no_entry_that_is_on_another_model() -> None:
    log = long_log(20)
    watched(log)
    other = next(number for number in range(1, 20) if number not in numbers(log))
    log.put(subject_path("model-0:1", other), b"")
    assert own(log) == numbers(log)


def test_an_older_mark_that_is_put_back_hides_nothing() -> None:
    log = long_log(8)
    watched(log)
    older = log.content()[MARK_PATH]
    log.append("key 100", "key 1000")
    watched(log)
    log.put(MARK_PATH, older)
    remove(log, *(path for path in log.content() if path.startswith(subject_folder(MODEL))))
    assert own(log) == numbers(log)


@pytest.mark.parametrize("content", [b"{}", b"not json", b'{"payloadType":"x","payload":"","signatures":[]}'])
def test_a_mark_that_was_planted_is_not_believed_and_told_of(content: bytes) -> None:
    log = long_log(12)
    log.put(MARK_PATH, content)
    (problem,) = watched(log)
    assert problem.startswith(f"{MARK_PATH} is not believed")
    assert watched(log) == []


def test_a_mark_of_another_log_is_not_believed() -> None:
    log, other = long_log(12), long_log(12)
    watched(other)
    mark, _ = other.start()._marks.newest()
    other.start()._marks.keep(replace(mark, log="another"))
    log.put(MARK_PATH, other.content()[MARK_PATH])
    assert "of the log 'another'" in watched(log)[0]


def test_a_log_that_is_cut_below_what_was_verified_is_found_without_any_publication() -> None:
    log = Log()
    log.append(*(f"key {number}" for number in range(12)))
    watched(log)
    remove(log, *(head_path(size) for size in range(8, 13)), *(entry_path(number) for number in range(8, 13)))
    (problem,) = watched(log)
    assert "is cut or forked" in problem
    with pytest.raises(Refused, match="was cut"):
        own(log)


def test_a_planted_head_beyond_the_end_is_one_finding_while_the_log_goes_on() -> None:
    log = long_log(5)
    log.put(f"{HEADS}000000000000.json", b"{}")
    first = watched(log)
    log.append("one", "two")
    assert len(first) == 1
    assert watched(log) == first


def test_a_process_that_runs_reads_each_new_entry_once() -> None:
    log = long_log(30)
    watched(log)
    process = log.start()
    own(log, process)
    append(log.process, "key 100")
    log.hub.reads = 0
    own(log, process)
    first = log.hub.reads
    log.hub.reads = 0
    own(log, process)
    assert log.hub.reads < first


def test_an_entry_that_a_process_has_read_on_a_subject_is_not_read_again() -> None:
    log = long_log(30)
    watched(log)
    process = log.start()
    append(log.process, "key 100")
    entries = own(log, process)
    log.hub.reads = 0
    assert own(log, process) == entries
    assert log.hub.reads <= 2, "only whether the log has grown"
