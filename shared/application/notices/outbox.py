"""A consumer of announced events: those that somebody has to act on are put into the outbox before they are announced.

It stands alone since every capability announces, and none of them knows who is told.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.domain.notices.announced import notice_of
from shared.domain.notices.notice import Notice
from shared.domain.notices.recipients import NoticeRules
from shared.ports import Announcer, Clock
from shared.records.notices.letters import WaitingNotice, put_in_outbox
from shared.records.store import RecordStore


class NoticingAnnouncer:
    """Implements `shared.ports.Announcer`: *announcer*, and an outbox of what *rules* tell people of it."""

    def __init__(self, announcer: Announcer, rules: NoticeRules, store: RecordStore, clock: Clock) -> None:
        self._announcer, self._rules, self._store, self._clock = announcer, rules, store, clock

    def announce(self, event_id: str, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        notice = notice_of(event_id, kind, subject, data)
        if notice is not None:
            # Before the announcement: a host that dies in between announces again, and finds the notice by its id.
            self._keep(with_owners(notice, self._rules))
        self._announcer.announce(event_id, kind, subject, data)

    def _keep(self, notice: Notice) -> None:
        now = self._clock.now()
        for recipient in self._rules.told(notice):
            waiting = WaitingNotice(
                id=notice.id_for(recipient.name),
                notice=replace(notice, tell=()),  # Addresses are the configuration's, and in no record.
                recipient=recipient.name,
                due=recipient.due(notice.kind, now).isoformat(),
                since=now.isoformat(timespec="seconds"),
            )
            put_in_outbox(self._store, waiting)


def with_owners(notice: Notice, rules: NoticeRules) -> Notice:
    """*notice*, which tells the owners of the models that it is about as well."""
    owners = (rules.owners[name] for name in notice.belongs if name in rules.owners)
    return replace(notice, tell=(*notice.tell, *owners))


def with_notices(announcer: Announcer, rules: NoticeRules, store: RecordStore, clock: Clock) -> Announcer:
    """*announcer*; one that also keeps notices where somebody is to be told."""
    return NoticingAnnouncer(announcer, rules, store, clock) if rules.recipients else announcer
