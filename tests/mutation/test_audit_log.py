"""Remove one lock of the audit log, and a named test must fail."""

import pytest

from shared.adapters.audit_log import heads
from tests.mutation.removal import Lock, expect_failure, remove
from tests.unit.trust import test_audit_log as guards

LOCKS = [
    Lock(
        symbol="BlobAudit._find",
        condition="entry is None or entry.key != key",
        without="False",
        guard=guards.test_an_entry_that_somebody_planted_is_never_signed,
    ),
    Lock(
        symbol="BlobAudit._write_once",
        condition="self._hub.read(self._container, path) != content",
        without="False",
        guard=guards.test_an_entry_that_somebody_planted_is_never_signed,
    ),
    Lock(
        symbol="Verification._signed",
        condition="signed.content != content",
        without="False",
        guard=guards.test_an_entry_that_somebody_planted_is_never_signed,
    ),
    Lock(
        symbol="BlobAudit._tail",
        condition="following.before != tail.frontier",
        without="False",
        guard=guards.test_a_head_of_another_history_is_a_fork_and_nothing_is_appended,
    ),
    Lock(
        symbol="Verification._signed",
        condition="signed.before != walk.frontier",
        without="False",
        guard=guards.test_a_head_of_another_history_is_a_fork_and_nothing_is_appended,
    ),
    Lock(
        symbol="BlobAudit._first_look",
        condition="at_that_size.head.root != published.root",
        without="False",
        guard=guards.test_a_history_that_the_log_key_itself_has_rewritten_contradicts_the_published_heads,
    ),
    Lock(
        symbol="Verification._compare_published",
        condition="head.root != walk.frontier.root",
        without="False",
        guard=guards.test_a_history_that_the_log_key_itself_has_rewritten_contradicts_the_published_heads,
    ),
    Lock(
        symbol="BlobAudit._first_look",
        condition="newest is None or at_that_size is None",
        without="False",
        guard=guards.test_a_log_that_was_cut_is_found_by_its_published_heads,
        arguments={"kept": 14, "old_hand": False},
    ),
    Lock(
        symbol="TreeHeads._believed",
        condition="reason := self._objection(signed.envelope, signed.head)",
        without="(reason := '')",
        guard=guards.test_a_history_that_a_stranger_has_signed_is_found_and_refused,
    ),
    Lock(
        symbol="_consistent_head",
        condition="canonical != raw",
        without="False",
        guard=guards.test_a_head_in_other_bytes_is_named_although_it_says_the_same,
    ),
    Lock(
        symbol="Verification._signed",
        condition="signed.entry.kind != ADOPTION",
        without="False",
        guard=guards.test_first_heads_that_are_missing_do_not_pass_for_an_earlier_release,
    ),
    Lock(
        symbol="BlobAudit.prove",
        condition="includes(content, number - 1, tail.size, tail.head.root, path)",
        without="True",
        guard=guards.test_a_tile_that_somebody_wrote_over_leads_no_proof_astray_and_is_named,
    ),
]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
async def test_each_lock_is_needed(lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    remove(monkeypatch, lock)
    try:
        await expect_failure(lock.guard, **lock.arguments)
    finally:
        heads._remembered_head.cache_clear()  # What was believed without the lock must not be believed after it.
