"""Azure Communication Services Email and webhooks of Teams over HTTPS, and the control doors of tests.

Contracts: https://learn.microsoft.com/rest/api/communication/email/email and
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using. What Azure does
with an operation id that it has had before is not documented: here such a mail is sent again, so that nobody relies on
it.
"""

import hmac
import json
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from signalbox.emulators.mail.faults import MailFault, MailFaults
from signalbox.emulators.mail.mailbox import Mailbox, SentMessage, card_title

AUDIENCE = "https://communication.azure.com"
_VERSIONS = ("2023-03-31", "2025-09-01")
_LONGEST_CARD = 28 * 1024
_CARD = "application/vnd.microsoft.card.adaptive"
Admits = Callable[[web.Request, tuple[str, ...]], bool]


class MailRefusal(Exception):
    """An error in the services' shape."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class MailServices:
    """*domain* is the one that is linked to the resource; *webhook_key* signs the address of every webhook."""

    def __init__(self, mailbox: Mailbox, faults: MailFaults, admits: Admits, domain: str, webhook_key: str) -> None:
        self._mailbox, self._faults, self._admits = mailbox, faults, admits
        self._domain, self._webhook_key = domain, webhook_key

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_refusing])
        app.router.add_post("/emails:send", self._send)
        app.router.add_get("/emails/operations/{operation}", self._operation)
        app.router.add_post("/workflows/{name}/triggers/manual/paths/invoke", self._post_card)
        app.router.add_post("/_control/faults", self._order)
        app.router.add_get("/_control/messages", self._messages)
        return app

    async def _send(self, request: web.Request) -> web.StreamResponse:
        self._admit(request)
        operation = request.headers.get("Operation-Id") or str(uuid.uuid4())
        if not _is_guid(operation):
            raise MailRefusal(400, "BadRequest", "Operation-Id is not a GUID")
        message = self._mail(operation, await request.json())
        fault = self._faults.take()
        if fault is MailFault.REFUSE:
            raise MailRefusal(400, "InvalidRecipient", "the recipient is suppressed")
        if fault is MailFault.THROTTLE:
            return web.json_response(_error("TooManyRequests", "too many"), status=429, headers={"Retry-After": "90"})
        if fault is MailFault.FAIL_LATER:
            self._mailbox.note_operation(operation, "Failed")
        else:
            self._mailbox.put(message)
            self._mailbox.note_operation(operation, "Succeeded")
        if fault is MailFault.LOSE_ANSWER:
            return _lost(request)
        location = f"https://{request.host}/emails/operations/{operation}?api-version={request.query['api-version']}"
        headers = {"Operation-Location": location, "Retry-After": "30"}
        return web.json_response({"id": operation, "status": "Running", "error": None}, status=202, headers=headers)

    def _mail(self, operation: str, body: dict[str, Any]) -> SentMessage:
        sender, content = str(body.get("senderAddress") or ""), body.get("content") or {}
        recipients = [each.get("address") for each in (body.get("recipients") or {}).get("to") or ()]
        if sender.rpartition("@")[2] != self._domain:
            raise MailRefusal(404, "DomainNotLinked", "The specified sender domain has not been linked.")
        if not recipients or not all(recipients):
            raise MailRefusal(400, "BadRequest", "Recipients must have at least one address.")
        if not content.get("subject") or not (content.get("html") or content.get("plainText")):
            raise MailRefusal(400, "BadRequest", "Subject and a body are required.")
        return SentMessage(
            channel="communication-services",
            reference=operation,
            sender=sender,
            recipient=", ".join(recipients),
            subject=content["subject"],
            text=content.get("plainText", ""),
            html=content.get("html", ""),
        )

    async def _operation(self, request: web.Request) -> web.Response:
        self._admit(request)
        operation = request.match_info["operation"]
        status = self._mailbox.operation(operation)
        if status is None:
            raise MailRefusal(404, "NotFound", "The operation was not found.")
        error = _error("EmailDropped", "it could not be sent")["error"] if status == "Failed" else None
        return web.json_response({"id": operation, "status": status, "error": error})

    async def _post_card(self, request: web.Request) -> web.StreamResponse:
        if not hmac.compare_digest(request.query.get("sig", ""), self._webhook_key):
            raise MailRefusal(401, "DirectApiAuthorizationRequired", "The request must be authenticated.")
        raw = await request.read()
        if len(raw) > _LONGEST_CARD:
            raise MailRefusal(413, "RequestEntityTooLarge", "The card is larger than 28 KB.")
        attachments = json.loads(raw).get("attachments") or []
        if len(attachments) != 1 or attachments[0].get("contentType") != _CARD:
            raise MailRefusal(400, "BadRequest", f"one attachment of {_CARD} is expected")
        fault, name = self._faults.take(), request.match_info["name"]
        if fault is MailFault.REFUSE:
            raise MailRefusal(400, "WorkflowTriggerIsNotEnabled", "The workflow is turned off.")
        if fault is MailFault.THROTTLE:
            return web.json_response(_error("TooManyRequests", "too many"), status=429, headers={"Retry-After": "90"})
        card = json.dumps(attachments[0]["content"])
        self._mailbox.put(
            SentMessage(channel="teams", reference="", sender="", recipient=name, subject=card_title(card), card=card)
        )
        return _lost(request) if fault is MailFault.LOSE_ANSWER else web.Response(status=202)

    def _admit(self, request: web.Request) -> None:
        if not self._admits(request, (AUDIENCE,)):
            raise MailRefusal(401, "Denied", f"a token for {AUDIENCE} is required")
        if request.query.get("api-version") not in _VERSIONS:
            raise MailRefusal(400, "UnsupportedApiVersion", f"api-version is one of {', '.join(_VERSIONS)}")

    async def _order(self, request: web.Request) -> web.Response:
        """`{"next": ["throttle", ...]}`: what goes wrong with the next mails and cards."""
        body = await request.json()
        self._faults.order(*map(MailFault, body["next"]))
        return web.json_response(body)

    async def _messages(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self._mailbox.messages())


@web.middleware
async def _refusing(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except MailRefusal as refusal:
        return web.json_response(_error(refusal.code, str(refusal)), status=refusal.status)
    return response


def _lost(request: web.Request) -> web.StreamResponse:
    """The connection ends before the answer has left."""
    assert request.transport is not None
    request.transport.close()
    return web.Response(status=202)


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
