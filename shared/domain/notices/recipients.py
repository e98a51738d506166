"""Who is told what, by which channel, and when."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.domain.notices.notice import Notice, NoticeKind

EVERYTHING = "*"


class ChannelKind(StrEnum):
    SMTP = "smtp"
    COMMUNICATION_SERVICES = "communication-services"
    TEAMS = "teams"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A person, a role's mailbox or a channel of Teams: *mail* is an address, *teams* the name of a webhook.

    It is told of approvals that wait for one of *roles*, of what belongs to one of the names in *about*, and of what
    names its mail as an owner. *digest_at* is when it gets all of a day at once; from *quiet_from* to *quiet_until* it
    gets nothing, but for the kinds of *urgent*, which are sent at once whatever the hour. Times are HH:MM in *zone*.
    """

    name: str
    mail: str = ""
    teams: str = ""
    roles: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    kinds: tuple[NoticeKind, ...] = tuple(NoticeKind)
    urgent: tuple[NoticeKind, ...] = ()
    team: str = ""
    digest_at: str = ""
    quiet_from: str = ""
    quiet_until: str = ""
    zone: str = "UTC"

    def is_told(self, notice: Notice) -> bool:
        if notice.kind not in self.kinds or (self.team and self.team != notice.team):
            return False
        if EVERYTHING in self.about or set(self.about) & set(notice.belongs):
            return True
        named = {name.casefold() for name in notice.tell}
        return bool(set(self.roles) & set(notice.roles)) or (bool(self.mail) and self.mail.casefold() in named)

    def gathers(self, kind: NoticeKind) -> bool:
        """Whether a notice of *kind* waits for the digest."""
        return bool(self.digest_at) and kind not in self.urgent

    def due(self, kind: NoticeKind, now: datetime) -> datetime:
        """When a notice of *kind* that comes *now* is sent."""
        if kind in self.urgent:
            return now
        at = _next(self.digest_at, now, self.zone) if self.digest_at else now
        return self._after_quiet(at)

    def _after_quiet(self, at: datetime) -> datetime:
        if not (self.quiet_from and self.quiet_until):
            return at
        local = at.astimezone(ZoneInfo(self.zone)).time()
        start, end = time.fromisoformat(self.quiet_from), time.fromisoformat(self.quiet_until)
        # A night goes over midnight: it is quiet from its beginning on, and until its end.
        is_quiet = start <= local < end if start < end else local >= start or local < end
        return _next(self.quiet_until, at, self.zone) if is_quiet else at


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRules:
    """*sender* is the address that mail is from, *mail_by* what sends it; *owners* are the owners of models by name."""

    sender: str = ""
    mail_by: ChannelKind = ChannelKind.SMTP
    recipients: tuple[Recipient, ...] = ()
    owners: dict[str, str] = field(default_factory=dict)

    def told(self, notice: Notice) -> tuple[Recipient, ...]:
        return tuple(recipient for recipient in self.recipients if recipient.is_told(notice))

    def recipient(self, name: str) -> Recipient | None:
        return next((recipient for recipient in self.recipients if recipient.name == name), None)

    def channel_of(self, recipient: Recipient) -> ChannelKind:
        return ChannelKind.TEAMS if recipient.teams else self.mail_by


def _next(clock_time: str, after: datetime, zone: str) -> datetime:
    """The first time from *after* on at which clocks of *zone* show *clock_time*."""
    local, at = after.astimezone(ZoneInfo(zone)), time.fromisoformat(clock_time)
    today = datetime.combine(local.date(), at, ZoneInfo(zone))
    if today < local:
        today = datetime.combine(local.date() + timedelta(days=1), at, ZoneInfo(zone))
    return today.astimezone(after.tzinfo)
