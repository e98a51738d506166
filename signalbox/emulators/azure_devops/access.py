"""Admission of callers: Entra tokens for Azure DevOps, and job access tokens of one plan, as Bearer or as Basic.

A job access token opens its own plan and reads its project; it lives for 48 hours.
"""

import hashlib
import secrets
import time
from base64 import b64decode
from binascii import Error
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.estate import AUDIENCE, Member, Organisation, Project
from signalbox.emulators.azure_devops.store import Store

JOB_TOKEN_LIFE_S = 48 * 3600
Claims = Callable[[str, tuple[str, ...]], dict[str, Any] | None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refusal(Exception):
    """A request that is answered with an error in Azure DevOps' shape."""

    def __init__(self, status: int, message: str, kind: str = "VssServiceException") -> None:
        super().__init__(message)
        self.status, self.kind = status, kind

    def response(self) -> web.Response:
        shape = {
            "$id": "1",
            "innerException": None,
            "message": str(self),
            "typeName": f"Microsoft.VisualStudio.Services.Common.{self.kind}, Microsoft.VisualStudio.Services.Common",
            "typeKey": self.kind,
            "errorCode": 0,
            "eventId": 3000,
        }
        return web.json_response(shape, status=self.status)


class SignIn(Refusal):
    """The frequent answer to an unknown or expired caller: the page to sign in, or a redirection to it."""

    def response(self) -> web.Response:
        headers = {"Location": "https://app.vssps.visualstudio.com/_signin"} if self.status == 302 else {}
        return web.Response(text="<html>Sign In</html>", content_type="text/html", status=self.status, headers=headers)


@web.middleware
async def refusal_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal.response()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """*member* is nobody for a job access token, which has a *plan* instead."""

    member: Member | None = None
    plan: str = ""


class Gatehouse:
    def __init__(self, store: Store, organisation: Organisation, claims: Claims) -> None:
        self.organisation = organisation
        self._store, self._claims = store, claims

    def issue(self, plan: str) -> str:
        """A job access token of *plan*."""
        token = secrets.token_urlsafe(48)
        digest, expires = _digest(token), time.time() + JOB_TOKEN_LIFE_S
        self._store.put("token", digest, {"id": digest, "plan": plan.lower(), "expires": expires})
        return token

    def expire(self, plan: str, answer: int) -> None:
        """Expire the tokens of *plan* as if 48 hours had passed; their later uses get the status *answer*."""
        for token in self._store.all("token"):
            if token["plan"] == plan.lower():
                self._store.put("token", token["id"], token | {"expires": 0.0, "answer": answer})

    def admit(self, request: web.Request, plan: str = "") -> Caller:
        """The caller. Raises Refusal: 401 for nobody we know, 403 for a token of another plan, 404 elsewhere."""
        caller = self._caller(request)
        if caller is None:
            raise Refusal(401, "TF400813: The user is not authorized to access this resource.", "UnauthorizedRequest")
        if request.match_info.get("organisation", self.organisation.name).lower() != self.organisation.name.lower():
            raise Refusal(404, "TF400017: The organisation does not exist.", "CollectionDoesNotExistException")
        if plan and caller.plan not in ("", plan.lower()):
            raise Refusal(403, f"The token is not of plan {plan}.", "AccessCheckException")
        return caller

    def person(self, request: web.Request) -> Member:
        """The caller, where it must be somebody. Raises Refusal."""
        caller = self.admit(request)
        if caller.member is None:
            raise Refusal(403, "A job access token cannot do this.", "AccessCheckException")
        return caller.member

    def project(self, request: web.Request) -> Project:
        project = self.organisation.project(request.match_info["project"])
        if project is None:
            raise Refusal(404, f"TF200016: {request.match_info['project']} does not exist.", "ProjectDoesNotExist")
        return project

    def _caller(self, request: web.Request) -> Caller | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        token = _password(secret) if scheme.lower() == "basic" else secret if scheme.lower() == "bearer" else ""
        if not token:
            return None
        record = self._store.get("token", _digest(token))
        if record is not None:
            if time.time() < record["expires"]:
                return Caller(plan=record["plan"])
            if record.get("answer", 401) != 401:
                raise SignIn(record["answer"], "Sign in.")
            return None
        claims = self._claims(token, (AUDIENCE, "https://app.vssps.visualstudio.com"))
        member = None if claims is None else self.organisation.member(str(claims.get("oid", "")))
        return None if member is None else Caller(member=member)


def _digest(token: str) -> str:
    """The organisation keeps no token in clear either."""
    return hashlib.sha256(token.encode()).hexdigest()


def _password(secret: str) -> str:
    """What follows the empty user's name."""
    try:
        user, _, password = b64decode(secret, validate=True).decode().partition(":")
    except (Error, UnicodeDecodeError):
        return ""
    return password if not user else ""
