"""Mail by Azure Communication Services Email, by its REST API and the app's identity.

https://learn.microsoft.com/rest/api/communication/email/email/send: the operation's id is ours (`Operation-Id`), and by
it the service says what became of the sending.
"""

from azure.core.credentials import TokenCredential
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.notices.rest import refuse_unless, sent_once
from shared.ports import NoticeMessage, SendingStanding

_VERSION, _SCOPE = "2023-03-31", "https://communication.azure.com/.default"
_NOBODYS = "00000000-0000-0000-0000-000000000000"
_STANDINGS = {
    "NotStarted": SendingStanding.UNDER_WAY,
    "Running": SendingStanding.UNDER_WAY,
    "Succeeded": SendingStanding.SENT,
    "Failed": SendingStanding.FAILED,
    "Canceled": SendingStanding.FAILED,
}


class CommunicationServicesChannel:
    """Implements `shared.ports.NoticeChannel`."""

    confirms = True

    def __init__(self, endpoint: str, credential: TokenCredential) -> None:
        self._endpoint, self._credential = endpoint, credential

    def look(self, reference: str) -> SendingStanding:
        url = f"{self._endpoint}/emails/operations/{reference}?api-version={_VERSION}"
        answer = sent_once(HttpRequest("GET", url), "ask for a mail's state", self._authentication())
        if answer.status_code == 404:
            return SendingStanding.ABSENT
        refuse_unless(answer, (200,), "ask for a mail's state")
        return _STANDINGS.get(str(answer.json().get("status")), SendingStanding.UNDER_WAY)

    def send(self, message: NoticeMessage) -> None:
        body = {
            "senderAddress": message.sender,
            "recipients": {"to": [{"address": message.to}]},
            "content": {"subject": message.subject, "plainText": message.text, "html": message.html},
            "userEngagementTrackingDisabled": True,  # It would put an address of its own into every link.
        }
        request = HttpRequest(
            "POST",
            f"{self._endpoint}/emails:send?api-version={_VERSION}",
            json=body,
            headers={"Operation-Id": message.reference},
        )
        refuse_unless(sent_once(request, "send a mail", self._authentication()), (202,), "send a mail")

    def reach(self, to: str) -> None:
        """By asking for an operation that nobody began: who may not ask is told 401 or 403."""
        del to
        self.look(_NOBODYS)

    def _authentication(self) -> BearerTokenCredentialPolicy[HttpRequest, HttpResponse]:
        return BearerTokenCredentialPolicy(self._credential, _SCOPE)
