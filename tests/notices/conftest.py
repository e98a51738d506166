"""A clock that tests move, an outbox in memory, and a channel that says and forgets what a test wants."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from activities.notices.letters import send_notices
from shared import contracts as c
from shared.application.notices.outbox import NoticingAnnouncer
from shared.domain.configuration import Configuration
from shared.domain.inference.routes import HubLayout
from shared.domain.notices.recipients import ChannelKind, NoticeRules, Recipient
from shared.ports import NoticeMessage, SendingStanding
from shared.records.notices.letters import DEAD, LETTERS, WAITING, DeadNotice, LetterEnd, NoticeLetter
from signalbox.emulators.mail.faults import MailFault
from signalbox.launcher.endpoints import Endpoints
from tests.emulators.services import running
from tests.fakes.ports import FakeClients, MemoryAnnouncer

CONSOLE = "https://signalbox.example/console"
MORNING = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
OWNER = Recipient(name="owners", mail="owners@example.org", roles=("product-owner",))
APPROVAL = {
    "promotion": "p-1",
    "model": "churn:4",
    "stage": "central",
    "roles": ["product-owner"],
    "until": "2026-12-07T10:00+00:00",
    "reminder": 1,
}


@dataclass
class MemoryChannel:
    """Keeps what was sent. *faults* are raised by the next sendings, before they arrive or (*late*) afterwards."""

    confirms: bool = False
    sent: list[NoticeMessage] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    late: bool = False
    standings: dict[str, SendingStanding] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)

    def look(self, reference: str) -> SendingStanding:
        self.looks.append(reference)
        if not self.confirms:
            return SendingStanding.UNKNOWN
        return self.standings.get(reference, SendingStanding.ABSENT)

    def send(self, message: NoticeMessage) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or self.late:
            self.sent.append(message)
            self.standings.setdefault(message.reference, SendingStanding.SENT)
        if fault is not None:
            raise fault

    def reach(self, to: str) -> None:
        del to


class NoticeApp:
    """The outbox and its sender, as the app has them, around a channel in memory."""

    def __init__(self, *recipients: Recipient, mail_by: ChannelKind = ChannelKind.SMTP) -> None:
        self.now = MORNING
        rules = NoticeRules(sender="signalbox@example.org", mail_by=mail_by, recipients=recipients or (OWNER,))
        self.rules = replace(rules, owners={"churn": "data-science@example.org"})
        configuration = Configuration(hub=HubLayout(account="datahub"), routes=(), notices=self.rules)
        self.clients = FakeClients(configuration, lambda: self.now)
        self.channel = MemoryChannel(confirms=mail_by is ChannelKind.COMMUNICATION_SERVICES)
        vars(self.clients).update(
            settings=SimpleNamespace(console_url=CONSOLE), notice_channel=lambda kind: self.channel
        )
        self.announced = MemoryAnnouncer()
        self.announcer = NoticingAnnouncer(self.announced, self.rules, self.clients.store, self.clients.clock)

    def announce(self, name: str, data: dict[str, Any], event: str = "e-1", subject: str = "promotions/p-1") -> None:
        self.announcer.announce(event, f"Signalbox.{name}", subject, data)

    def ask(self, event: str = "e-1", **changes: Any) -> None:
        self.announce("Promotion.ApprovalRequested", APPROVAL | changes, event)

    async def sweep(self, later: timedelta = timedelta(0)) -> c.Swept:
        self.now += later
        return await send_notices(None, self.clients, c.Sweep(key="notices"))  # type: ignore[arg-type]

    @property
    def waiting(self) -> list[str]:
        return [blob.path for blob in self.clients.store.blobs(WAITING)]

    @property
    def letters(self) -> list[NoticeLetter]:
        return [entry.record for entry in self.clients.store.list(NoticeLetter, LETTERS)]

    @property
    def ends(self) -> list[LetterEnd]:
        return [entry.record for entry in self.clients.store.list(LetterEnd, "notices/sent/")]

    @property
    def dead(self) -> list[DeadNotice]:
        return [entry.record for entry in self.clients.store.list(DeadNotice, DEAD)]


class MailPlace:
    """The emulated services, what they have got in this test, and what goes wrong next."""

    def __init__(self, endpoints: Endpoints) -> None:
        settings = endpoints.notice_settings()
        self.endpoints, self.key = endpoints, endpoints.mail_key
        self.smtp, self.services = settings["SIGNALBOX_SMTP_SERVER"], settings["SIGNALBOX_MAIL_SERVICE"]
        self.webhooks = settings["SIGNALBOX_TEAMS_WEBHOOKS"]
        self._before = 0
        self._before = max((row["number"] for row in self.messages()), default=0)
        self.order()

    def messages(self) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.services}/_control/messages", verify=str(self.endpoints.ca), timeout=10)
        return [row for row in answer.json() if row["number"] > self._before]

    def order(self, *faults: MailFault) -> None:
        body = {"next": [fault.value for fault in faults]}
        url = f"{self.services}/_control/faults"
        requests.post(url, json=body, verify=str(self.endpoints.ca), timeout=10).raise_for_status()


@pytest.fixture(scope="module")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    with running(tmp_path_factory.mktemp("state")) as cloud:
        yield cloud.endpoints


@pytest.fixture
def mail_place(emulators: Endpoints, monkeypatch: pytest.MonkeyPatch) -> MailPlace:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(emulators.ca))
    return MailPlace(emulators)
