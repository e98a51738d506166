"""A mail server: RFC 5321 by aiosmtpd, with STARTTLS and a sign-in before any mail, as relays of providers ask."""

import asyncio
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from signalbox.emulators.mail.faults import MailFault, MailFaults
from signalbox.emulators.mail.mailbox import Mailbox, SentMessage

USER = "signalbox"
_LINGER_S = 1.0  # For the answer to QUIT to leave.


class MailDoor:
    """What aiosmtpd asks at each step of a mail."""

    def __init__(self, mailbox: Mailbox, faults: MailFaults) -> None:
        self._mailbox, self._faults = mailbox, faults

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - Its name there.
        del session
        fault = self._faults.take()
        if fault is MailFault.REFUSE:
            return "550 5.7.1 this mail is not taken"
        if fault is MailFault.THROTTLE:
            return "451 4.3.2 try again later"
        self._mailbox.put(_sent(envelope))
        if fault is MailFault.LOSE_ANSWER:
            assert isinstance(server, MailSession)
            server.end()
        return "250 OK"


class MailSession(SMTP):
    """aiosmtpd's session, which also closes the socket below TLS: asyncio's transport of TLS leaves it to the peer."""

    wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.wire is None:  # It is called again once TLS has begun.
            assert isinstance(transport, asyncio.Transport)
            self.wire = transport
        super().connection_made(transport)

    def end(self) -> None:
        if self.wire is not None:
            self.wire.abort()

    async def smtp_QUIT(self, argument: str) -> None:  # noqa: N802 - Its name there.
        await super().smtp_QUIT(argument)
        asyncio.get_running_loop().call_later(_LINGER_S, self.end)


class MailServer:
    """Listens on *port*; *password* opens it."""

    def __init__(self, door: MailDoor, password: str, tls: ssl.SSLContext) -> None:
        self._door, self._password, self._tls = door, password, tls

    async def listen(self, port: int) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(self._session, "127.0.0.1", port)

    def _session(self) -> MailSession:
        return MailSession(
            self._door,
            hostname="localhost",
            tls_context=self._tls,
            require_starttls=True,
            auth_required=True,
            authenticator=self._admit,
        )

    def _admit(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        del server, session, envelope, mechanism
        expected = LoginPassword(USER.encode(), self._password.encode())
        return AuthResult(success=data == expected, handled=False)


def _sent(envelope: Envelope) -> SentMessage:
    raw = envelope.original_content or b""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return SentMessage(
        channel="smtp",
        reference=str(mail["Message-ID"]),
        sender=str(envelope.mail_from),
        recipient=", ".join(envelope.rcpt_tos),
        subject=str(mail["Subject"]),
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
    )


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return "" if part is None else str(part.get_content())
