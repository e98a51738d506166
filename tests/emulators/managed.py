"""Resource Manager and Event Grid on a port of their own, without a local cloud, and the real clients of Azure."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from aiohttp import web
from azure.core.exceptions import HttpResponseError
from azure.mgmt.eventgrid import EventGridManagementClient
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from azure.mgmt.resource.deploymentstacks import DeploymentStacksClient
from azure.mgmt.resource.locks import ManagementLockClient
from azure.mgmt.resource.resources import ResourceManagementClient

from signalbox.emulators.authority import ensure_authority
from signalbox.emulators.azure_ml.doors import refusal_middleware
from signalbox.emulators.azure_ml.resource_manager.inspection import InspectionDoors, Shown
from signalbox.emulators.azure_ml.resource_manager.locks import Locks
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.database import open_database
from signalbox.emulators.event_grid.arm_documents import Places
from signalbox.emulators.event_grid.arm_subscriptions import KINDS, EventSubscriptions
from signalbox.emulators.event_grid.dead_letters import DeadLetters
from signalbox.emulators.event_grid.delivery import Deliverer
from signalbox.emulators.event_grid.store import EventStore
from signalbox.emulators.event_grid.subscription_book import SubscriptionBook
from signalbox.emulators.resource_manager.admission import Admission
from signalbox.emulators.resource_manager.manager import ManagerOptions, ResourceManager
from signalbox.emulators.resource_manager.role_book import RoleBook
from signalbox.emulators.tokens import Identity, TokenIssuer
from signalbox.emulators.unserved import unserved
from signalbox.listening import ListeningSite
from tests.connections import ServerThread, end_serving
from tests.emulators.monitored import SUBSCRIPTION, TENANT, WRITER, Bearer

AGENT, VISITOR = WRITER, Identity(client_id="visitor", oid="visitor")
SCOPE = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{SCOPE}/resourceGroups/rg-team"
HUB = f"{SCOPE}/resourceGroups/rg-hub/providers/Microsoft.Storage/storageAccounts/datahub"
ROLES = [
    {"principal": AGENT.oid, "kind": "ServicePrincipal", "role": "Owner", "scope": SCOPE},
    {"principal": VISITOR.oid, "kind": "User", "role": "Reader", "scope": SCOPE},
]


class Kept:
    """Resources by id, through `azure-mgmt-resource`."""

    def __init__(self, operations: Any) -> None:
        self._operations = operations

    def put(self, path: str, version: str, body: Mapping[str, Any]) -> Any:
        return self._operations.begin_create_or_update_by_id(path, dict(body), api_version=version).result()

    def patch(self, path: str, version: str, body: Mapping[str, Any]) -> Any:
        return self._operations.begin_update_by_id(path, dict(body), api_version=version).result()

    def get(self, path: str, version: str) -> Any:
        return self._operations.get_by_id(path, api_version=version)

    def stands(self, path: str, version: str) -> bool:
        return bool(self._operations.check_existence_by_id(path, api_version=version))

    def delete(self, path: str, version: str) -> None:
        self._operations.begin_delete_by_id(path, api_version=version).result()

    def names(self, group: str) -> list[str]:
        return [row.name for row in self._operations.list_by_resource_group(group)]


class Managed:
    """*hooks* has what the webhook at `/hook` was called with; a webhook at `/silent` never agrees."""

    def __init__(self, state: Path) -> None:
        self._state, self.hooks = state, list[Any]()
        self.issuer, self.authority = TokenIssuer(state, TENANT, "https://localhost"), ensure_authority(state)
        self._clients, self._thread = list[Any](), ServerThread()
        self.start()

    def start(self) -> None:
        self._thread.run(self._start())

    def stop(self) -> None:
        """End the services, and the connections of every client that there is."""
        self._thread.run(self._stop())
        for client in self._clients:
            client.close()
        self._clients.clear()

    def close(self) -> None:
        self.stop()
        self._thread.close()

    def publish(self, event: Mapping[str, Any], topic: str = "hub") -> None:
        async def accept() -> None:
            self._deliverer.accept(topic, dict(event))

        self._thread.run(accept())

    # Clients.

    def ask(self, method: str, path: str, version: str, body: Any = None, **query: str) -> requests.Response:
        """A request without a client of Azure, by the agent."""
        session = requests.Session()
        self._clients.append(session)
        headers = {"Authorization": f"Bearer {self.issuer.issue(self.address, identity=AGENT)}"}
        parameters = {"api-version": version, **query} if version else {}
        return session.request(
            method, f"{self.address}{path}", params=parameters, headers=headers, json=body, timeout=10
        )

    def resources(self, identity: Identity = AGENT) -> Any:
        return self._client(ResourceManagementClient, identity)

    def kept(self, identity: Identity = AGENT) -> Kept:
        return Kept(self.resources(identity).resources)

    def deployments(self, identity: Identity = AGENT) -> Any:
        return self._client(DeploymentsMgmtClient, identity).deployments

    def stacks(self, identity: Identity = AGENT) -> Any:
        return self._client(DeploymentStacksClient, identity).deployment_stacks

    def locks(self, identity: Identity = AGENT) -> Any:
        return self._client(ManagementLockClient, identity).management_locks

    def grid(self, identity: Identity = AGENT) -> Any:
        return self._client(EventGridManagementClient, identity)

    def _client(self, kind: Any, identity: Identity) -> Any:
        made = kind(
            Bearer(self.issuer, identity),
            SUBSCRIPTION,
            base_url=self.address,
            credential_scopes=[f"{self.address}/.default"],
            polling_interval=0,
        )
        self._clients.append(made)
        return made

    # The services.

    async def _start(self) -> None:
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        port, hook_port = (one.getsockname()[1] for one in listeners)
        self.address, self.hook = f"https://localhost:{port}", f"http://127.0.0.1:{hook_port}"
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.authority.cert, self.authority.key)
        self._runners = []
        pairs = ((self._app(), tls), (self._webhooks(), None))
        for (app, context), listener in zip(pairs, listeners, strict=True):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            await runner.setup()
            await ListeningSite(runner, listener, ssl_context=context).start()
            self._runners.append(runner)
        self._task = asyncio.create_task(self._deliverer.run())

    async def _stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await end_serving(*self._runners)

    def _app(self) -> web.Application:
        store = EventStore(open_database(self._state / "events.db"))
        given = [{"name": "given", "topic": "hub", "url": f"{self.hook}/hook?functionName=receive&code=secret"}]
        subscriptions = SubscriptionBook(Resources(self._state / "subscriptions.db"), given)
        self._deliverer = Deliverer(store, subscriptions, DeadLetters(store.database, _bury, 0.001), 0.001)
        places = Places(topics={HUB: "hub"}, hub=HUB, functions={"receive": f"{self.hook}/hook"})
        resources = Resources(self._state / "azure_ml.db")
        locks, roles = Locks(resources), RoleBook(Resources(self._state / "roles.db"), ROLES)
        options = ManagerOptions(
            resources=Resources(self._state / "resource_manager.db"),
            admission=Admission(roles, self.issuer.claims, self.address),
            fixtures=[HUB],
            kinds=dict.fromkeys(KINDS, EventSubscriptions(subscriptions, places, self._deliverer.validate)),
        )
        manager = ResourceManager(options, locks)
        middlewares = [refusal_middleware, locks.middleware, manager.middleware, unserved("Resource Manager")]
        app = web.Application(middlewares=middlewares)
        entrance: Any = SimpleNamespace(check_token=lambda request: self.issuer.check(request, (self.address,)))
        shown = Shown(accounts={"datahub": HUB}, hub="datahub", roles=roles, subscriptions=lambda: subscriptions.rows)
        InspectionDoors(entrance, resources, shown).add_to(app)
        manager.add_to(app)
        return app

    def _webhooks(self) -> web.Application:
        async def answer(request: web.Request) -> web.Response:
            body = await request.json()
            if request.headers["aeg-event-type"] == "SubscriptionValidation":
                return web.json_response({"validationResponse": body[0]["data"]["validationCode"]})
            self.hooks.append((request.headers["aeg-subscription-name"], body[0]["subject"]))
            return web.Response()

        async def be_silent(_: web.Request) -> web.Response:
            return web.json_response({})

        app = web.Application()
        app.router.add_post("/hook", answer)
        app.router.add_post("/silent", be_silent)
        return app


async def _bury(place: str, content: bytes) -> None:
    raise AssertionError(f"{place} was buried: {content[:200]!r}")


def refused(call: Any, *arguments: Any, **options: Any) -> tuple[int, str]:
    """The status and the code of what *call* is refused with."""
    with pytest.raises(HttpResponseError) as refusal:
        call(*arguments, **options)
    error: Any = refusal.value.error
    return int(refusal.value.status_code or 0), str(error.code)
