"""Role assignments as Azure takes them: by the real `azure-mgmt-authorization`, and read by the app's own adapter."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.exceptions import HttpResponseError
from azure.mgmt.authorization import AuthorizationManagementClient

from shared.adapters.azure_control_plane import AzureControlPlane
from shared.config import load
from shared.domain.azure import resources
from shared.operations.doctor.personas import check_personas
from shared.operations.infrastructure.role_rows import persona_rows
from signalbox.emulators.authority import ensure_authority
from signalbox.emulators.azure_ml.doors import refusal_middleware
from signalbox.emulators.azure_ml.resource_manager.inspection import InspectionDoors, Shown
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.resource_manager.admission import Admission
from signalbox.emulators.resource_manager.role_book import RoleBook
from signalbox.emulators.resource_manager.role_doors import RoleDoors
from signalbox.emulators.tokens import Identity, TokenIssuer
from signalbox.launcher.endpoints import free_ports
from tests.connections import end_serving
from tests.emulators.monitored import SUBSCRIPTION, TENANT, WRITER, Bearer

CONFIGURATION = load(Path(__file__).parents[2] / "signalbox.yaml")
EXPERIMENT = next(each for each in CONFIGURATION.workspaces if each.name == "experiment")
SCOPE, GROUPS = resources.workspace(EXPERIMENT), CONFIGURATION.provisioned().groups
SCIENTIST, READER = "f6c7c914-8db3-469d-8ca1-694a8f32e121", "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
GIVER = {
    "principal": WRITER.oid,
    "kind": "ServicePrincipal",
    "role": "Role Based Access Control Administrator",
    "scope": f"/subscriptions/{SUBSCRIPTION}",
}


class Manager:
    """Where Resource Manager answers, and its clients, which are closed before it."""

    def __init__(self, address: str, issuer: TokenIssuer) -> None:
        self.address, self._issuer = address, issuer
        self._clients: list[AuthorizationManagementClient] = []

    def bearer(self, identity: Identity) -> Bearer:
        return Bearer(self._issuer, identity)

    def roles(self, identity: Identity = WRITER) -> Any:
        made = AuthorizationManagementClient(
            self.bearer(identity),
            SUBSCRIPTION,
            base_url=self.address,
            credential_scopes=[f"{self.address}/.default"],
        )
        self._clients.append(made)
        return made.role_assignments

    def close(self) -> None:
        for made in self._clients:
            made.close()


@pytest.fixture
async def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Manager]:
    authority, app = ensure_authority(tmp_path), web.Application(middlewares=[refusal_middleware])
    issuer = TokenIssuer(tmp_path, TENANT, "https://localhost")
    book = RoleBook(Resources(tmp_path / "roles.db"), [GIVER])
    # The port is known before the doors are, which say who may call by the address.
    (port,) = free_ports(1)
    address = f"https://localhost:{port}"
    entrance: Any = SimpleNamespace(check_token=lambda request: issuer.check(request, (address,)))
    InspectionDoors(entrance, Resources(tmp_path / "resources.db"), Shown(roles=book)).add_to(app)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.cert, authority.key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca))
    RoleDoors(book, Admission(book, issuer.claims, address)).add_to(app)
    server = TestServer(app, host="localhost", port=port)
    await server.start_server(ssl=tls)
    made = Manager(address, issuer)
    yield made
    made.close()
    await end_serving(server.runner)


def name(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


def properties(role: str, principal: str, kind: str = "Group") -> dict[str, Any]:
    definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    return {"properties": {"roleDefinitionId": definition, "principalId": principal, "principalType": kind}}


def give_all(manager: Manager) -> None:
    """As the template of a team does: each persona's group has its role on the workspace."""
    own = manager.roles()
    for number, row in enumerate(persona_rows(CONFIGURATION), 1):
        if row["environment"] == "experiment" and row["persona"] in GROUPS:
            own.create(SCOPE, name(number), properties(row["id"], GROUPS[row["persona"]]))


def problems(manager: Manager) -> list[str]:
    control = AzureControlPlane(manager.bearer(Identity()), manager.address)  # type: ignore[arg-type]
    site: Any = SimpleNamespace(configuration=CONFIGURATION, control=control)
    found = check_personas(site, EXPERIMENT, GROUPS)
    return [f"{each.subject} {each.found}" for each in found if each.grade.value != "ok"]


async def test_each_persona_may_do_what_the_matrix_says_and_what_it_may_not_is_refused(manager: Manager) -> None:
    assert len(await asyncio.to_thread(problems, manager)) == len(GROUPS)
    await asyncio.to_thread(give_all, manager)
    assert await asyncio.to_thread(problems, manager) == []

    def more() -> None:
        own = manager.roles()
        above = f"/subscriptions/{SUBSCRIPTION}"
        own.create(above, name(99), properties(CONTRIBUTOR, GROUPS["data-owner"]))

    await asyncio.to_thread(more)
    (problem,) = await asyncio.to_thread(problems, manager)
    assert problem.startswith("data-owner in mlw-experiment could run jobs, register models, deploy")
    assert problem.endswith(f"by Contributor on /subscriptions/{SUBSCRIPTION}")

    def less() -> None:
        own = manager.roles()
        own.delete(f"/subscriptions/{SUBSCRIPTION}", name(99))
        (scientist,) = (
            row for row in own.list_for_scope(SCOPE, "atScope()") if row.principal_id == GROUPS["data-scientist"]
        )
        own.delete_by_id(scientist.id)

    await asyncio.to_thread(less)
    (problem,) = await asyncio.to_thread(problems, manager)
    assert problem == "data-scientist in mlw-experiment cannot " + ", ".join(
        ("list datastores", "see jobs", "run jobs", "register models", "deploy", "change datastores")
    )


async def test_a_name_is_about_one_principal_and_nobody_has_a_role_twice(manager: Manager) -> None:
    own = manager.roles()

    async def code(*arguments: Any) -> str:
        with pytest.raises(HttpResponseError) as refused:
            await asyncio.to_thread(own.create, *arguments)
        return str(refused.value.error.code)  # type: ignore[union-attr]

    made = await asyncio.to_thread(own.create, SCOPE, name(1), properties(READER, "g1"))
    again = await asyncio.to_thread(own.create, SCOPE, name(1), properties(READER, "g1"))
    assert (made.id, made.principal_type, again.id) == (again.id, "Group", made.id)
    assert await code(SCOPE, name(1), properties(READER, "g2")) == "RoleAssignmentUpdateNotPermitted"
    assert await code(SCOPE, name(2), properties(READER, "g1")) == "RoleAssignmentExists"
    assert await code(SCOPE, name(3), properties(name(7), "g1")) == "RoleDefinitionDoesNotExist"
    assert await code(SCOPE, "mine", properties(READER, "g1")) == "BadRequest"
    assert await asyncio.to_thread(own.delete, SCOPE, name(9)) is None


async def test_only_who_may_gives_roles(manager: Manager) -> None:
    app = manager.roles(Identity())
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        await asyncio.to_thread(app.create, SCOPE, name(1), properties(READER, "g1"))
    elsewhere = SCOPE.replace(SUBSCRIPTION, name(8))
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        await asyncio.to_thread(manager.roles().create, elsewhere, name(1), properties(READER, "g1"))
