"""What the settings say of mail servers and webhooks, read and judged. Their secrets are in no message of ours."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_WEBHOOK = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)=(https://[^\s,]+)")
_SERVICE = re.compile(r"https://[^/?#\s@]+/?")
_PORTS = {"smtps": 465, "smtp": 587}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """*implicit_tls*: the connection begins with TLS; otherwise STARTTLS must follow, and nothing is sent without."""

    host: str
    port: int
    implicit_tls: bool
    user: str = ""
    password: str = field(default="", repr=False)


def is_mail_address(text: str) -> bool:
    return _MAIL.fullmatch(text) is not None and ".." not in text


def is_service_address(text: str) -> bool:
    """Whether *text* is an https address of a host, without a path."""
    return _SERVICE.fullmatch(text) is not None


def read_mail_server(value: str) -> MailServer:
    """The server of `smtps://USER:PASSWORD@HOST:PORT`, or of `smtp://`. Raises ValueError saying what is wrong."""
    parts = urlsplit(value)
    if parts.scheme not in _PORTS:
        raise ValueError("is no address of a mail server")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise ValueError("has no valid port") from None
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("has no host, or something behind its port")
    if bool(parts.username) != bool(parts.password):
        raise ValueError("has a user without a password, or a password without a user")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():
        raise ValueError("has a user or a password with characters beyond ASCII, which SMTP cannot send")
    return MailServer(
        host=parts.hostname, port=port, implicit_tls=parts.scheme == "smtps", user=user, password=password
    )


def read_webhooks(value: str) -> dict[str, str]:
    """The addresses of `NAME=https://..., NAME=https://...` by name. Raises ValueError; an address is a secret."""
    entries = [entry.strip() for entry in value.split(",") if entry.strip()]
    matches = [_WEBHOOK.fullmatch(entry) for entry in entries]
    for number, match in enumerate(matches, 1):
        if match is None:
            raise ValueError(f"has an entry, number {number}, that is not NAME=https://...")
    webhooks = {match[1]: match[3] for match in matches if match is not None}
    if len(webhooks) < len(entries):
        raise ValueError("names a webhook twice")
    return webhooks
