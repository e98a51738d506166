"""The platform's authentication header: it lets people and machines in as who they are where the platform is trusted,
and nobody in anywhere else. App Service takes a caller's own copy of it away; nothing else in front of the app does."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.application.callers import Callers, read_principal
from shared.config import load
from shared.domain.access.callers import CallerKind
from shared.domain.access.permissions import Machine
from shared.domain.configuration import Configuration
from tests.fakes.ports import OPERATOR_KEY
from tests.security.conftest import AttackedApp

OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
SCOPE = "http://schemas.microsoft.com/identity/claims/scope"
UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
PROMOTION = {"model": "diabetes-progression:1", "to": "preprod", "reason": "mine"}


@pytest.fixture
def configuration() -> Configuration:
    shipped = load(Path("signalbox.yaml"))
    machine = Machine(name="trains", acts_as=("automation",), app="app-trains")
    return replace(shipped, permissions=replace(shipped.permissions, machines=(machine,)))


def header(*claims: tuple[str, str], **more: str) -> dict[str, str]:
    """In the documented shape."""
    principal: dict[str, Any] = {"auth_typ": "aad", "name_typ": UPN, "role_typ": ROLE, **more}
    principal["claims"] = [{"typ": name, "val": value} for name, value in claims]
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode()}


def person(*claims: tuple[str, str]) -> dict[str, str]:
    return header((OID, "7"), (SCOPE, "access_as_user"), ("azp", "app"), (UPN, "ada@example.org"), *claims)


ENGINEER = person((ROLE, "PlatformEngineer"))
TRAINS = header(("oid", "9"), ("azp", "app-trains"), ("idtyp", "app"))


@pytest.fixture
def trusting(app: AttackedApp) -> AttackedApp:
    made: Any = app.clients
    vars(made)["callers"] = Callers(made.identities, made.configuration.permissions, {}, platform=True)
    return app


async def opens(app: AttackedApp, headers: dict[str, str]) -> dict[str, int]:
    """What the doors answer that only some may open; none finds what it is asked for."""
    asked = {
        "read": ("GET", "runs", None),
        "operate": ("POST", "runs/none/cancel", {"reason": "mine"}),
        "release": ("POST", "runs/none/release", {"reason": "mine"}),
        "deliver": ("POST", "events", []),
        "decide": ("POST", "promotions/none/withdraw", {"role": "product-owner"}),
    }
    return {name: (await app.ask(method, path, headers, body))[0] for name, (method, path, body) in asked.items()}


async def test_each_comes_in_as_who_the_platform_says_and_may_what_their_roles_may(trusting: AttackedApp) -> None:
    assert await opens(trusting, ENGINEER) == {
        "read": 200,
        "operate": 404,
        "release": 403,
        "deliver": 202,
        "decide": 404,
    }
    owner = person(("roles", "DataOwner"))
    assert await opens(trusting, owner) == {"read": 200, "operate": 403, "release": 404, "deliver": 403, "decide": 403}
    assert await opens(trusting, TRAINS) == {"read": 200, "operate": 403, "release": 403, "deliver": 202, "decide": 403}
    assert set((await opens(trusting, person((ROLE, "Reader")))).values()) == {403}
    other = header(("oid", "9"), ("azp", "app-other"), ("idtyp", "app"), ("roles", "PlatformEngineer"))
    assert set((await opens(trusting, other)).values()) == {401}


def test_names_roles_groups_and_kinds_are_read_as_the_platform_wrote_them() -> None:
    claims = ((ROLE, "DataScientist"), ("roles", "MLEngineer"), ("groups", "g-1"), ("groups", "g-2"))
    ada = read_principal(person(*claims)["X-MS-CLIENT-PRINCIPAL"])
    trains = read_principal(TRAINS["X-MS-CLIENT-PRINCIPAL"])

    assert (ada.oid, ada.name, ada.kind, ada.app) == ("7", "ada@example.org", CallerKind.PERSON, "")
    assert (ada.roles, ada.groups) == (("DataScientist", "MLEngineer"), ("g-1", "g-2"))
    assert (trains.oid, trains.kind, trains.app) == ("9", CallerKind.MACHINE, "app-trains")


async def test_a_callers_own_copy_opens_nothing_where_the_platform_is_not_trusted(app: AttackedApp) -> None:
    before = await app.settled()

    for headers in (ENGINEER, TRAINS):
        assert set((await opens(app, headers)).values()) == {401}
        status, answer = await app.ask("POST", "promotions", headers, PROMOTION)
        assert (status, answer["title"]) == (401, "not signed in")
    assert await app.settled() == before


async def test_the_first_that_is_presented_decides(trusting: AttackedApp, app: AttackedApp) -> None:
    """A token before the platform's header, and that before a key."""
    reader = {"Authorization": f"Bearer {app.issuer.token(oid='r', roles=['DataOwner'])}"}

    assert (await opens(trusting, {**ENGINEER, **reader}))["operate"] == 403
    assert set((await opens(trusting, {**ENGINEER, "Authorization": "Bearer x"})).values()) == {401}
    assert (await opens(trusting, {**ENGINEER, "x-functions-key": OPERATOR_KEY + "x"}))["operate"] == 404
