"""The audit log as a verifiable log: honest processes that die and race never alarm, and every tampering is found."""

import json
from base64 import b64decode
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.audit_log.layout import ENTRIES, HEADS, TILES, entry_path, head_path, key_path, subject_path
from shared.adapters.audit_log.publishers import PublishedFolder
from shared.codec import encode
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.audit import Entry, sealed
from shared.domain.trust.merkle import includes
from shared.domain.trust.tree_heads import read_tree_head
from tests.amounts import amount, sample
from tests.signing import signing
from tests.unit.trust.audit_logs import STATE, Died, Log, append, long_log

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "die before", "die after", "restart", "race", "publish", "verify", "reread"]),
        st.integers(0, 7),
    ),
    max_size=20,
)


@settings(deadline=None, max_examples=amount(30, 100))
@given(STEPS)
def test_honest_processes_that_die_and_race_lose_and_repeat_nothing_and_never_alarm(steps):
    log, acknowledged, tried = Log(), list[str](), set[str]()
    for number, (step, count) in enumerate(steps):
        key = f"key {number}"
        if step == "restart":
            log.process = log.start()
            continue
        if step == "publish":
            log.publish()
            continue
        if step in ("verify", "reread"):
            look = log.process.look(count + 1, step == "reread")
            assert look.problems == ()
            log.process.note_look(look)
            continue
        tried.add(key)
        if step == "race":
            rival = log.start()
            tried.add(f"rival {number}")
            log.hub.interruption = (count, lambda: append(rival, f"rival {number}"))  # noqa: B023
        if step.startswith("die"):
            log.hub.dies_at, log.hub.after = count, step == "die after"
        try:
            log.append(key)
            acknowledged.append(key)
        except Died:
            log.process = log.start()
            log.append(key)  # As Durable Functions does.
            acknowledged.append(key)
        log.hub.dies_at, log.hub.interruption = -1, None
    log.publish()

    assert log.problems() == ()
    for process in (log.process, log.start()):
        numbers = [entry.number for model in range(3) for entry in process.about(f"model-{model}")]
        assert sorted(numbers) == [entry.number for entry in log.start().entries()]
    keys = log.keys_in_order()
    assert len(keys) == len(set(keys))
    assert [key for key in keys if not key.startswith("rival")] == acknowledged
    assert set(keys) <= tried


@settings(deadline=None, max_examples=amount(20, 60))
@given(st.integers(1, 40), st.integers(0, 5), st.booleans())
def test_what_a_process_that_died_has_left_is_whole_and_stays_so_without_it(size, count, after):
    log = long_log(size)
    log.hub.dies_at, log.hub.after = count, after
    with suppress(Died):
        log.append("last")
    log.hub.dies_at = -1

    assert log.problems() == ()
    log.process = log.start()
    log.append("last", "next")
    assert log.keys_in_order() == [*(f"key {number}" for number in range(1, size + 1)), "last", "next"]
    assert log.problems() == ()


TAMPERED_LOG = long_log(35, published_at=10)
TAMPERED = TAMPERED_LOG.content()


@settings(deadline=None, max_examples=amount(80, 300))
@given(st.sampled_from(sorted(TAMPERED)), st.sampled_from(["delete", "edit", "replace", "cut"]), st.data())
def test_every_blob_that_is_deleted_edited_or_replaced_is_found_or_was_put_right(path, action, data):
    log = TAMPERED_LOG.copy()
    before, content = log.content(), TAMPERED[path]
    if action == "delete" or not content:
        log.hub.delete(STATE, path)
    elif action == "cut":
        log.put(path, content[: data.draw(st.integers(0, len(content) - 1))])
    elif action == "replace":
        folder = path[: path.rindex("/") + 1]
        others = [other for other in before if other.startswith(folder) and before[other] != before[path]]
        if not others:
            return
        log.put(path, before[data.draw(st.sampled_from(others))])
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        edited = bytes([content[place] ^ data.draw(st.integers(1, 255))])
        log.put(path, content[:place] + edited + content[place + 1 :])

    problems = log.problems()

    # The newest entry's blobs are laid down again as after a crash, and a tile is only a cache.
    assert problems or log.content() == before or (path.startswith(TILES) and path not in log.content()), path


@pytest.mark.parametrize("kept", range(0, 35, 7))
@pytest.mark.parametrize("old_hand", [False, True])
def test_a_log_that_was_cut_is_found_by_its_published_heads(kept, old_hand):
    log = TAMPERED_LOG.copy()
    for path in log.content():
        numbers = {entry_path(number): number for number in range(kept + 1, 36)}
        heads = {head_path(number): number for number in range(kept + 1, 36)}
        if path in numbers or path in heads or path.startswith((TILES, "audit/keys/", "audit/subjects/")):
            log.hub.delete(STATE, path)
    if old_hand:  # The attacker even lets a process go on that knows nothing of the publication.
        log.process = log.start(published=False)
        with suppress(Refused):
            log.append(*(f"other {number}" for number in range(40)))

    assert log.problems()
    with pytest.raises(Refused, match=r"cut|forked|names no entry|is not what"):
        append(log.start(), "later")


def test_a_history_that_a_stranger_has_signed_is_found_and_refused():
    log, stranger = long_log(5), signing("stranger")
    honest = log.content()
    for path in honest:
        log.hub.delete(STATE, path)
    log.process = log.start(keys=stranger, published=False)
    log.append(*(f"forged {number}" for number in range(6)))

    assert any("head 5 is not believed: key log-1 did not sign it" in problem for problem in log.problems())
    with pytest.raises(Refused, match="head 5 is not believed"):
        append(log.start(), "later")


def test_a_history_that_the_log_key_itself_has_rewritten_contradicts_the_published_heads():
    log = long_log(12, published_at=5)
    for path in log.content():
        log.hub.delete(STATE, path)
    log.process = log.start(published=False)
    log.append(*(f"rewritten {number}" for number in range(20)))

    problems = log.problems()

    assert sum("was published, and it is not so here" in problem for problem in problems) == 3
    with pytest.raises(Refused, match="is forked: 12:"):
        append(log.start(), "later")


def test_a_head_of_another_history_is_a_fork_and_nothing_is_appended():
    log, other = long_log(6), Log()
    other.append(*(f"other {number}" for number in range(7)))
    log.put(head_path(7), other.content()[head_path(7)])  # As if the key had signed two histories.

    with pytest.raises(Refused, match=r"forked: 7:\S+ does not follow 6:"):
        append(log.process, "later")
    assert any("head 7 does not follow" in problem for problem in log.problems())


def test_an_entry_that_somebody_planted_is_never_signed():
    log = long_log(3)
    newest = log.process.head()
    planted = sealed(
        Entry(number=4, before=newest.hash, key="forged", at="t", kind="decision approved", subject="m:1", who="ada")
    )
    log.put(entry_path(4), json.dumps(encode(planted)).encode())
    log.put(key_path("forged"), json.dumps(entry_path(4)).encode())
    log.put(subject_path("m:1", 4), b"")

    assert any("the chain goes on to 4" in problem for problem in log.problems())
    assert list(log.start().about("m")) == []
    with pytest.raises(Refused, match="names no entry of key 'forged'"):
        append(log.start(), "forged")
    with pytest.raises(Refused, match=r"000000000004\.json is not what the log's heads have signed"):
        append(log.start(), "honest")
    assert any("entry 4 is not the entry that head 4 has signed" in problem for problem in log.problems())


def test_an_edited_entry_is_not_told_as_history():
    log = long_log(3)
    log.put(entry_path(2), (log.hub.read(STATE, entry_path(2)) or b"").replace(b"ada", b"eve"))

    assert [entry.who for number in range(3) for entry in log.start().about(f"model-{number}")] == ["ada"] * 3


def test_a_head_in_other_bytes_is_named_although_it_says_the_same():
    log = long_log(3)
    log.put(head_path(2), json.dumps(json.loads(log.content()[head_path(2)]), indent=1).encode())

    assert any("head 2 was edited" in problem for problem in log.problems())


@pytest.mark.parametrize("index", [b"{", b'"audit/entries/9.json"', '"audit/entries/²²²²²²²²²²²².json"'.encode()])
def test_a_key_index_that_names_nothing_keeps_no_fact_out_of_the_log(index):
    log = long_log(3)
    log.put(key_path("fact"), index)
    log.put(subject_path("model-0:1", 2)[:-1] + "x", b"")

    with pytest.raises(Refused, match="names no entry of key 'fact'"):
        log.append("fact")
    assert len(list(log.start().about("model-0"))) < 4
    assert any("found by their key" in problem for problem in log.problems())


def test_a_planted_head_hides_nothing_and_is_named():
    log = long_log(3)
    log.put(f"{HEADS}000000000000.json", b"{}")
    log.put(f"{HEADS}garbage.json", b"{}")

    assert append(log.start(), "next").number == 4
    assert [path in " ".join(log.problems()) for path in ("000000000000.json", "garbage.json")] == [True, True]


def test_only_the_new_part_is_read_after_a_head_and_what_was_done_to_it_is_found():
    log = long_log(300, published_at=50)
    since = log.start().verify("200").tree_head
    assert since.startswith("300:")
    log.append(*(f"new {number}" for number in range(10)))
    log.publish()
    log.hub.reads = 0

    assert log.problems(since) == ()
    assert log.hub.reads < 120
    assert log.problems("300") == ()
    assert any("forked" in problem for problem in log.problems(f"300:{since[4:][::-1]}"))
    log.put(entry_path(305), (log.hub.read(STATE, entry_path(305)) or b"").replace(b"ada", b"eve"))
    assert any("entry 305 was changed" in problem for problem in log.problems(since))
    assert any("entry 305" in problem for problem in log.problems())
    with pytest.raises(Refused, match="no signed head '311'"):
        log.problems("311")


def as_former(log: Log, laid_down: bool) -> None:
    """What a release that signed nothing has left."""
    size = len([path for path in log.content() if path.startswith(ENTRIES)])
    newest = log.content()[entry_path(size)]
    log.put("audit/head.json", newest)
    for path in log.content():
        if path.startswith((HEADS, TILES)) or (not laid_down and path == entry_path(size)):
            log.hub.delete(STATE, path)
    log.elsewhere.blobs.clear()


@pytest.mark.parametrize("laid_down", [True, False])
def test_a_log_of_an_earlier_release_goes_on_and_is_signed_from_then(laid_down):
    log = long_log(20)
    as_former(log, laid_down)
    log.process = log.start()
    log.append("key 7", "signed")
    log.publish()

    assert log.problems() == ()
    assert log.keys_in_order()[19:] == ["key 20", "audit log signed", "signed"]
    assert shows(log.process.prove(3), log)
    assert [entry.key for entry in log.start().about("model-0")]
    log.put(entry_path(3), (log.hub.read(STATE, entry_path(3)) or b"").replace(b"ada", b"eve"))
    assert log.problems()
    with pytest.raises(Refused, match="entry 3 is not what was signed"):
        log.start().prove(3)


def test_first_heads_that_are_missing_do_not_pass_for_an_earlier_release():
    log = long_log(20)
    for number in range(1, 6):
        log.hub.delete(STATE, head_path(number))

    assert "the heads before 6 are missing" in log.problems()


def shows(proof, log: Log) -> bool:
    head = read_tree_head(proof.head)
    hashes = tuple(b64decode(each) for each in proof.hashes)
    assert log.process._heads.objection(proof.head) == (head, "")
    return includes(b64decode(proof.entry), proof.index, proof.size, head.root, hashes) and head.size == proof.size


@pytest.mark.long
@pytest.mark.parametrize("size", sample([1, 2, 15, 16, 17, 255, 256, 257, 300, 530], 6))
def test_every_entry_is_proven_whatever_the_size_and_without_any_tile(size):
    log = long_log(size)
    places = sorted({1, 2, size // 2, size - 1, size} & set(range(1, size + 1)))

    assert all(shows(log.start().prove(number), log) for number in places)
    assert log.problems() == ()
    for path in list(log.content()):
        if path.startswith(TILES):
            log.hub.delete(STATE, path)
    assert all(shows(log.start().prove(number), log) for number in places)


def test_a_tile_that_somebody_wrote_over_leads_no_proof_astray_and_is_named():
    log = long_log(300)
    tile = f"{TILES}0/000000000.256"
    log.put(tile, b"\0" * 8192)

    assert shows(log.start().prove(4), log)
    assert any(f"tile {tile}" in problem for problem in log.problems())


def test_nothing_is_ever_overwritten_or_deleted(monkeypatch):
    log = Log()
    for name in ("replace", "delete", "append", "copy"):
        monkeypatch.setattr(log.hub, name, lambda *_: pytest.fail("the container is under a locked policy"))
    log.append(*(f"key {number}" for number in range(40)))
    log.process.prove(3)

    assert log.problems() == ()
    assert set(log.hub.writes.values()) == {1}


def test_a_head_is_published_once_and_a_place_that_does_not_answer_stops_no_decision(tmp_path, monkeypatch):
    log = long_log(3)
    folder = PublishedFolder(tmp_path / "heads")
    envelope = next(log.process._publisher.published())
    for _ in range(2):
        folder.publish(envelope)
    log.publish()

    assert list(folder.published()) == [envelope]
    assert list(folder.published(4)) == []
    assert set(log.elsewhere.writes.values()) == {1}

    def unreachable(*_):
        raise Transient("no answer")

    monkeypatch.setattr(log.elsewhere, "list", unreachable)
    assert append(log.start(), "next").number == 4
    with pytest.raises(Transient):
        log.problems()
