"""Mail by SMTP (RFC 5321), over TLS alone. The server cannot be asked what it has sent: no such command exists.

A repeated mail has the same Message-ID, by which many mailboxes show it once; that is their courtesy and no promise.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from shared.domain.failures import PutOff, Refused, Transient
from shared.domain.notices.addresses import MailServer
from shared.ports import NoticeMessage, SendingStanding

_TIMEOUT_S, _AGAIN_S = 30, 60
_PERMANENT = 500


class SmtpChannel:
    """Implements `shared.ports.NoticeChannel`."""

    confirms = False

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def look(self, reference: str) -> SendingStanding:
        del reference
        return SendingStanding.UNKNOWN

    def send(self, message: NoticeMessage) -> None:
        mail = _mail(message)
        with self._connection() as connection:
            try:
                connection.send_message(mail)
            except smtplib.SMTPResponseException as error:
                raise self._refusal("send a mail", error.smtp_code) from error
            except smtplib.SMTPRecipientsRefused as error:
                code = max(code for code, _ in error.recipients.values())
                raise self._refusal("send a mail to the recipient", code) from error
            except (smtplib.SMTPException, OSError) as error:
                # After the data the answer alone may be lost: nobody knows whether the server has taken the mail.
                raise Transient(f"{self._server.host} cut a sending off ({type(error).__name__})") from error

    def reach(self, to: str) -> None:
        del to
        with self._connection() as connection:
            connection.noop()

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        try:
            connection = self._connected()
        except smtplib.SMTPResponseException as error:
            raise self._refusal("sign in", error.smtp_code) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(f"{server.host} offers no TLS or no sign-in there; nothing is sent without") from error
        except ssl.SSLCertVerificationError as error:
            raise Refused(f"{server.host} has a certificate that is not trusted") from error
        except (smtplib.SMTPException, OSError) as error:
            raise PutOff(f"{server.host}:{server.port} does not answer ({type(error).__name__})", _AGAIN_S) from error
        try:
            yield connection
        finally:
            _close(connection)

    def _connected(self) -> smtplib.SMTP:
        server, tls = self._server, ssl.create_default_context()
        if server.implicit_tls:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=_TIMEOUT_S, context=tls)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT_S)
        try:
            if not server.implicit_tls:
                connection.starttls(context=tls)  # Raises where the server does not offer it.
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _refusal(self, action: str, code: int) -> Exception:
        """What a reply means. Its text is left out: it may quote addresses and what was sent."""
        if code >= _PERMANENT:
            return Refused(f"{self._server.host} refuses to {action} for good (reply {code})")
        return PutOff(f"{self._server.host} cannot {action} now (reply {code})", _AGAIN_S)


def _close(connection: smtplib.SMTP) -> None:
    try:
        connection.quit()
    except (smtplib.SMTPException, OSError):  # The mail has been taken or refused already.
        connection.close()


def _mail(message: NoticeMessage) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = message.sender, message.to, message.subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.reference}@{message.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it.
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    return mail
