"""Cards for Teams, by the webhook of a workflow ("When a Teams webhook request is received"). Its address is a secret.

https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using: the workflow
answers 202 before it posts, and cannot be asked what it has posted.
"""

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from azure.core.rest import HttpRequest

from shared.adapters.allowed_hosts import host_of
from shared.adapters.notices.rest import refuse_unless, sent_once
from shared.domain.failures import Refused, Transient
from shared.ports import NoticeMessage, SendingStanding

_TIMEOUT_S = 10


class TeamsChannel:
    """Implements `shared.ports.NoticeChannel`; *webhooks* are addresses by name."""

    confirms = False

    def __init__(self, webhooks: Mapping[str, str]) -> None:
        self._webhooks = dict(webhooks)

    def look(self, reference: str) -> SendingStanding:
        del reference
        return SendingStanding.UNKNOWN

    def send(self, message: NoticeMessage) -> None:
        attachment = {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": message.card,
        }
        body = {"type": "message", "attachments": [attachment]}
        action = f"post to the webhook {message.to}"
        answer = sent_once(HttpRequest("POST", self._address(message.to), json=body), action)
        refuse_unless(answer, (200, 202), action)

    def reach(self, to: str) -> None:
        """That its host answers: only a post would say whether the address is right, and be read by people."""
        parts = urlsplit(self._address(to))
        try:
            socket.create_connection((str(parts.hostname), parts.port or 443), _TIMEOUT_S).close()
        except OSError as error:
            raise Transient(f"the host of the webhook {to} does not answer ({type(error).__name__})") from None

    def _address(self, name: str) -> str:
        address = self._webhooks.get(name, "")
        if not host_of(address):
            raise Refused(f"no webhook is called {name}; add {name}=ADDRESS to SIGNALBOX_TEAMS_WEBHOOKS")
        return address
