"""The app's sign-in adapter against the local directory over HTTP: the whole flow, and each way in which it fails."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken

from shared.adapters.entra.browser_sign_in import EntraSignIn
from shared.adapters.entra.tokens import EntraTokens
from shared.domain.failures import Refused
from shared.ports import SignedIn, SignInRequest
from signalbox.emulators.authorization_code import EXCHANGE, Fault
from signalbox.emulators.identity import Directory, IdentityDoors
from signalbox.emulators.tokens import Application, Person, TokenIssuer
from signalbox.listening import ListeningSite

CLIENT, BACK, TENANT, SECRET = "00000000-0000-0000-0000-0000000000a9", "http://127.0.0.1:1/console/signed-in", "t", "s"
MAILBOX = "http://127.0.0.1:1/"
GRACE = Person(oid="2", upn="grace@example.org", name="Grace", roles=("ProductOwner",), groups=("owners",))
APPLICATION = Application(client_id=CLIENT, uri="api://signalbox", version=2, redirects=(BACK,))
REQUEST = SignInRequest(state="st", nonce="no", verifier="v" * 43, to="/console/", at=datetime(2026, 1, 1, tzinfo=UTC))


class ManagedIdentity:
    """Gives the app's own token for what it is asked for."""

    def __init__(self, issuer: TokenIssuer) -> None:
        self._issuer = issuer

    def get_token(self, *scopes: str, **more: Any) -> AccessToken:
        assert scopes == (f"{EXCHANGE}/.default",)
        return AccessToken(self._issuer.issue(EXCHANGE), int(time.time()) + 3600)


@dataclass
class LocalDirectory:
    """A served directory, and the adapter that signs in with it."""

    url: str
    sign_in: EntraSignIn

    async def go(self, hint: str = "grace@example.org", **changes: str) -> tuple[int, str, str]:
        """What the browser gets at the address that the adapter names: status, location and page."""
        address = await asyncio.to_thread(self.sign_in.address, REQUEST, BACK, hint)
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
        url = parts._replace(query=urlencode(query)).geturl()
        async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", ""), await answer.text()

    async def code(self) -> str:
        _, location, _ = await self.go()
        return parse_qs(urlsplit(location).query)["code"][0]

    async def redeem(self, code: str, request: SignInRequest = REQUEST, back: str = BACK) -> SignedIn:
        return await asyncio.to_thread(self.sign_in.redeem, request, back, code)

    async def ask_for(self, fault: Fault, secret: str = SECRET) -> int:
        url, headers = f"{self.url}/{TENANT}/local/faults", {"X-IDENTITY-HEADER": secret}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json={"fault": fault}, headers=headers) as said,
        ):
            return said.status


@pytest.fixture
async def directory(tmp_path: Path) -> AsyncIterator[LocalDirectory]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    issuer = TokenIssuer(tmp_path, TENANT, url, [APPLICATION])
    known = Directory(identities={}, persons={GRACE.upn: GRACE})
    doors = IdentityDoors(issuer, known, SECRET, [APPLICATION], url, MAILBOX)
    runner = web.AppRunner(doors.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await ListeningSite(runner, listener).start()
    tokens = EntraTokens(issuer.issuer, CLIENT)
    yield LocalDirectory(url, EntraSignIn(issuer.issuer, CLIENT, tokens, ManagedIdentity(issuer)))
    await runner.cleanup()


async def test_who_chooses_a_person_is_that_person(directory: LocalDirectory) -> None:
    status, _, page = await directory.go(hint="")
    assert (status, "Grace" in page, "login_hint=grace%40example.org" in page) == (200, True, True)
    assert f'<a href="{MAILBOX}">Mailbox: what they would have been sent</a>' in page

    status, location, _ = await directory.go()
    assert (status, location.startswith(f"{BACK}?code="), location.endswith("&state=st")) == (303, True, True)
    signed_in = await directory.redeem(await directory.code())

    assert (signed_in.person.oid, signed_in.person.name) == ("2", "grace@example.org")
    assert (signed_in.person.roles, signed_in.person.groups) == (("ProductOwner",), ("owners",))
    assert abs(signed_in.person.authenticated_at.timestamp() - time.time()) < 60


async def test_a_code_is_good_once_for_its_browser_its_address_and_its_verifier(directory: LocalDirectory) -> None:
    code = await directory.code()
    await directory.redeem(code)
    with pytest.raises(Refused, match="AADSTS70008"):
        await directory.redeem(code)
    with pytest.raises(Refused, match="AADSTS501481"):
        await directory.redeem(await directory.code(), replace(REQUEST, verifier="w" * 43))
    with pytest.raises(Refused, match="AADSTS50148"):
        await directory.redeem(await directory.code(), back="http://127.0.0.1:1/other")
    with pytest.raises(Refused, match="another sign-in"):
        await directory.redeem(await directory.code(), replace(REQUEST, nonce="other"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"client_id": "stranger"}, "AADSTS700016"),
        ({"redirect_uri": "https://evil.example/console/signed-in"}, "AADSTS50011"),
    ],
)
async def test_an_address_that_is_not_registered_gets_nothing(
    directory: LocalDirectory, changes: dict[str, str], problem: str
) -> None:
    status, location, page = await directory.go(**changes)

    assert (status, location, problem in page) == (400, "", True)


async def test_a_request_without_a_challenge_is_sent_back(directory: LocalDirectory) -> None:
    status, location, _ = await directory.go(code_challenge_method="plain")

    assert (status, "error=invalid_request" in location, "code=" in location) == (303, True, False)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault.LATE_CODE, "AADSTS70008"),
        (Fault.WRONG_NONCE, "another sign-in"),
        (Fault.SKEWED_CLOCK, "not accepted"),
    ],
)
async def test_what_can_go_wrong_at_the_directory_signs_nobody_in(
    directory: LocalDirectory, fault: Fault, problem: str
) -> None:
    assert await directory.ask_for(fault) == 200
    with pytest.raises(Refused, match=problem):
        await directory.redeem(await directory.code())

    assert (await directory.redeem(await directory.code())).person.oid == "2"


async def test_denial_and_many_groups(directory: LocalDirectory) -> None:
    await directory.ask_for(Fault.DENIED)
    _, location, _ = await directory.go()
    assert "error=access_denied" in location

    await directory.ask_for(Fault.MANY_GROUPS)
    signed_in = await directory.redeem(await directory.code())
    assert (signed_in.person.roles, signed_in.person.groups) == (("ProductOwner",), ())
    assert await directory.ask_for(Fault.DENIED, secret="wrong") == 401


async def test_signing_out_leads_back_to_the_console_alone(directory: LocalDirectory) -> None:
    for back, status in (("http://127.0.0.1:1/console/signed-out", 303), ("https://evil.example/", 200)):
        address = await asyncio.to_thread(directory.sign_in.sign_out_address, back)
        async with aiohttp.ClientSession() as session, session.get(address, allow_redirects=False) as answer:
            assert answer.status == status
