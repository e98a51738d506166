"""Remove one condition that lets a notice be sent once, and a named test must fail."""

import pytest

from shared.domain.notices.recipients import ChannelKind
from tests.mutation.removal import Lock, expect_failure, remove
from tests.notices import test_outbox

ONCE = test_outbox.test_the_same_event_is_sent_once_however_often_it_is_announced
ASKED = test_outbox.test_a_service_that_knows_its_mails_is_asked_and_not_sent_to_again
DIES = test_outbox.test_a_host_that_dies_at_any_write_sends_none_twice
LOCKS = [
    Lock(symbol="letters.put_in_outbox", condition="store.exists(noted_path(waiting.id))", without="False", guard=ONCE),
    Lock(
        symbol="letters._planned",
        condition="clients.store.exists(noted_path(waiting.id))",
        without="False",
        guard=test_outbox.test_a_notice_that_is_announced_again_while_its_letter_is_made_is_not_sent_again,
    ),
    Lock(
        symbol="letters._carry",
        condition="letter.begun or letter.accepted",
        without="letter.accepted",
        guard=ASKED,
    ),
    Lock(
        symbol="letters._by_standing",
        condition="standing is SendingStanding.SENT",
        without="False",
        guard=ASKED,
    ),
    Lock(
        symbol="letters._by_standing",
        condition="letter.accepted or standing is SendingStanding.UNDER_WAY",
        without="standing is SendingStanding.UNDER_WAY",
        guard=test_outbox.test_an_accepted_mail_is_never_sent_again_though_the_service_forgets_it,
    ),
    Lock(
        symbol="letters._by_standing",
        condition="letter.attempts >= MOST_TRIES",
        without="False",
        guard=test_outbox.test_tries_are_bounded_and_the_last_reason_is_kept,
    ),
    Lock(
        symbol="letters._attempt",
        condition="begun=letter.begun",
        without="begun=begun.begun",
        guard=test_outbox.test_what_was_surely_not_sent_is_no_second_sending,
    ),
    Lock(
        symbol="letters._carry",
        condition="has_ended(store, letter.id)",
        without="False",
        guard=DIES,
        arguments={"mail_by": ChannelKind.SMTP, "step": 6},
    ),
]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
async def test_a_notice_without_one_condition_is_noticed(monkeypatch: pytest.MonkeyPatch, lock: Lock) -> None:
    remove(monkeypatch, lock)
    await expect_failure(lock.guard, monkeypatch=monkeypatch, **lock.arguments)
