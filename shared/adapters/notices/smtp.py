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
_DONE, _PERMANENT = 250, 500


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
                raise self._refusal("refuses a mail", error.smtp_code) from error
            except smtplib.SMTPRecipientsRefused as error:
                code = max(code for code, _ in error.recipients.values())
                raise self._refusal("refuses the recipient of a mail", code) from error
            except (smtplib.SMTPException, OSError) as error:
                # After the data the answer alone may be lost: nobody knows whether the server has taken the mail.
                raise Transient(f"{self._server.host} cut a sending off ({type(error).__name__})") from error

    def reach(self, to: str) -> None:
        del to
        with self._connection() as connection:
            try:
                code, _ = connection.noop()
            except (smtplib.SMTPException, OSError) as error:
                raise self._silence(error) from error
        if code != _DONE:
            raise self._refusal("cannot be used", code)

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        try:
            connection = self._connected()
        except smtplib.SMTPAuthenticationError as error:
            raise self._refusal("does not accept our sign-in", error.smtp_code) from error
        except smtplib.SMTPResponseException as error:
            raise self._refusal("refuses the connection", error.smtp_code) from error
        except smtplib.SMTPNotSupportedError as error:
            both = "mail is sent only with both"
            raise Refused(f"{server.host} offers no STARTTLS or no sign-in on port {server.port}; {both}") from error
        except smtplib.SMTPServerDisconnected as error:
            raise self._silence(error) from error
        except smtplib.SMTPException as error:
            raise Refused(f"{server.host} offers no way to sign in that is known here") from error
        except ssl.SSLCertVerificationError as error:
            raise Refused(f"{server.host} has a certificate that is not trusted") from error
        except ssl.SSLError as error:
            ways = "smtps:// begins with TLS, smtp:// uses STARTTLS"
            raise Refused(f"{server.host}:{server.port} does not speak TLS in the way that is set: {ways}") from error
        except OSError as error:
            raise self._silence(error) from error
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

    def _refusal(self, what: str, code: int) -> Exception:
        """What a reply means. Its text is left out: it may quote addresses and what was sent."""
        reason = f"{self._server.host} {what} (reply {code})"
        return Refused(reason) if code >= _PERMANENT else PutOff(reason, _AGAIN_S)

    def _silence(self, error: Exception) -> PutOff:
        return PutOff(f"{self._server.host}:{self._server.port} does not answer ({type(error).__name__})", _AGAIN_S)


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
