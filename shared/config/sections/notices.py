"""The section `notices`: who is told what by mail or in Teams, and when."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from shared.config.fields import NAME, Text, Texts, Words
from shared.config.reading import FilePlace, nearest
from shared.config.sections.schedules import zone_problems
from shared.domain.notices.addresses import is_mail_address
from shared.domain.notices.notice import NoticeKind
from shared.domain.notices.recipients import EVERYTHING, ChannelKind, NoticeRules, Recipient

_CLOCK = Words(
    pattern="([01][0-9]|2[0-3]):[0-5][0-9]", expected="a time of day from 00:00 to 23:59, in quotes", advice=""
)
ClockTime = Annotated[str, _CLOCK]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietSection:
    """From when until when nothing is sent; a night may go over midnight."""

    begin: ClockTime
    end: ClockTime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientSection:
    """A person, a role's mailbox, or a channel of Teams by the name of its webhook, and what it is told."""

    mail: Text | None = None
    teams: Text | None = None
    roles: Texts = ()
    about: Texts = ()
    kinds: tuple[NoticeKind, ...] = ()
    urgent: tuple[NoticeKind, ...] = ()
    digest: ClockTime | None = None
    quiet: QuietSection | None = None
    timezone: Text | None = None
    team: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSection:
    """What sends mail, and from which address."""

    sender: Text
    service: Literal["smtp", "communication-services"] = "smtp"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesSection:
    mail: MailSection | None = None
    recipients: dict[str, RecipientSection] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """What a recipient may name: *subjects* are models, routes, published answers and data sets."""

    roles: Collection[str]
    subjects: Collection[str]
    teams: Collection[str]


def notices_of(section: NoticesSection, place: FilePlace, names: KnownNames, owners: Mapping[str, str]) -> NoticeRules:
    """The rules of the section; *owners* are the owners of models by the models' names."""
    mail = section.mail
    if mail is not None and not is_mail_address(mail.sender):
        place.inside("mail").fail("sender", f"is {mail.sender!r}", "use an address like signalbox@example.org")
    inside = place.inside("recipients")
    recipients = tuple(_recipient(name, each, inside, names) for name, each in section.recipients.items())
    if mail is None and any(recipient.mail for recipient in recipients):
        place.fail("mail", "is missing, and a recipient has a mail address", "add `mail: {sender: ADDRESS}`")
    return NoticeRules(
        sender=mail.sender if mail else "",
        mail_by=ChannelKind(mail.service) if mail else ChannelKind.SMTP,
        recipients=recipients,
        owners=dict(owners),
    )


def _recipient(name: str, section: RecipientSection, around: FilePlace, names: KnownNames) -> Recipient:
    place = around.inside(name)
    if not NAME.fullmatch(name):
        around.fail(name, "is not a recipient's name", "use up to 63 lower-case letters, digits and dashes")
    if bool(section.mail) == bool(section.teams):
        place.fail("", "has neither `mail` nor `teams`, or both", "give one of the two")
    if section.mail and not is_mail_address(section.mail):
        place.fail("mail", f"is {section.mail!r}", "use one address, like grace@example.org")
    if section.teams and not NAME.fullmatch(section.teams):
        remedy = "give the name that SIGNALBOX_TEAMS_WEBHOOKS has for it: its address is a secret"
        place.fail("teams", "is not the name of a webhook", remedy)
    _check_names(place, section, names)
    zone = section.timezone or "UTC"
    place.fail_all("timezone", zone_problems(zone))
    quiet = section.quiet
    if quiet and quiet.begin == quiet.end:
        place.fail("quiet", "ends when it begins", "leave it out, or give two different times")
    return Recipient(
        name=name,
        mail=section.mail or "",
        teams=section.teams or "",
        roles=section.roles,
        about=section.about,
        kinds=section.kinds or tuple(NoticeKind),
        urgent=section.urgent,
        team=section.team or "",
        digest_at=section.digest or "",
        quiet_from=quiet.begin if quiet else "",
        quiet_until=quiet.end if quiet else "",
        zone=zone,
    )


def _check_names(place: FilePlace, section: RecipientSection, names: KnownNames) -> None:
    for role in section.roles:
        if role not in names.roles:
            place.fail("roles", f"has {role!r}, which is no role", nearest(role, names.roles))
    for subject in section.about:
        if subject != EVERYTHING and subject not in names.subjects:
            problem = f"has {subject!r}, which is no model, route, answers or data set"
            place.fail("about", problem, nearest(subject, [*names.subjects, EVERYTHING]))
    if section.team and section.team not in names.teams:
        place.fail("team", f"is {section.team!r}, which is no team", nearest(section.team, names.teams))
