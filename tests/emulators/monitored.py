"""The Azure Monitor emulator by itself, over TLS, with a clock that tests move, and requests that they make up."""

import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import requests
from aiohttp import web
from azure.core.credentials import AccessToken

from shared.domain.inference.routes import Workspace
from shared.ports import ServedEndpoint
from signalbox.emulators.authority import ensure_authority
from signalbox.emulators.azure_ml.doors import refusal_middleware
from signalbox.emulators.azure_ml.estate import Estate, Scope
from signalbox.emulators.azure_ml.online.traffic import RequestLog, ScoredRequest
from signalbox.emulators.azure_monitor.app import AzureMonitor, AzureMonitorOptions
from signalbox.emulators.tokens import PRINCIPAL, Identity, TokenIssuer
from signalbox.listening import ListeningSite
from tests.connections import ServerThread, end_serving

TENANT = "00000000-0000-0000-0000-00000000000a"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlops-prod"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-prod"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/diabetes"
LOGS, LOGS_ID = "00000000-0000-0000-0000-00000000106a", f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/l"
WRITER = Identity(client_id="writer", oid="writer")
ROLES = [
    {"principal": PRINCIPAL, "role": "Monitoring Reader", "scope": GROUP},
    {"principal": WRITER.oid, "role": "Monitoring Contributor", "scope": GROUP},
]
SERVED = ServedEndpoint(
    workspace=Workspace(name="prod", subscription=SUBSCRIPTION, resource_group="rg-mlops-prod", workspace="mlw-prod"),
    endpoint="diabetes",
)
MINUTE_0 = 29_500_000  # A minute of 2026, and the time at which the clock starts.
_REQUEST = ScoredRequest(
    at=0.0,
    workspace=WORKSPACE,
    endpoint="diabetes",
    deployment="v1",
    instance="i0",
    connection="c0",
    status=200,
    model_status=200,
    duration_ms=20.0,
    request_bytes=10,
    response_bytes=5,
    mirrored=False,
    named=False,
    request_id="",
    client_request_id="",
    user_agent="caller/1",
    method="POST",
    path="/score",
)


class Bearer:
    """A TokenCredential of *identity*."""

    def __init__(self, issuer: TokenIssuer, identity: Identity) -> None:
        self._issuer, self._identity = issuer, identity

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(self._issuer.issue(scopes[0].removesuffix("/.default"), identity=self._identity), 2**31)


class Monitored:
    """Resource Manager's part and the query API, on two ports; *hooks* is where webhooks arrive."""

    def __init__(self, state: Path) -> None:
        self.now = MINUTE_0 * 60.0
        self.arrived: list[dict[str, Any]] = []
        self.hook_statuses: list[int] = []
        self._state, self._numbers = state, count()
        self.issuer = TokenIssuer(state, TENANT, "https://localhost")
        self.authority = ensure_authority(state)
        self._thread = ServerThread()
        self.run(self._start())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._thread.run(work)

    async def _start(self) -> None:
        self.log = RequestLog(self._state / "requests.db")
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        manager_port, logs_port, hooks_port = (one.getsockname()[1] for one in sockets)
        self.manager, self.logs = f"https://localhost:{manager_port}", f"https://localhost:{logs_port}"
        self.hooks = f"http://127.0.0.1:{hooks_port}/alerts"
        options = AzureMonitorOptions(
            state=self._state,
            estate=Estate(
                scopes=(
                    Scope(
                        kind="workspaces",
                        subscription=SUBSCRIPTION,
                        resource_group="rg-mlops-prod",
                        name="mlw-prod",
                        account="stprod",
                    ),
                ),
                common_datastores={},
            ),
            requests=self.log,
            claims=self.issuer.claims,
            roles=ROLES,
            log_workspaces={LOGS: LOGS_ID},
            addresses=(self.manager, self.logs),
            clock=lambda: self.now,
        )
        self.monitor = AzureMonitor(options)
        manager = web.Application(middlewares=[refusal_middleware])
        self.monitor.add_to(manager)
        hooks = web.Application()
        hooks.router.add_post("/alerts", self._hook)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.authority.cert, self.authority.key)
        self._runners = []
        apps = ((manager, tls), (self.monitor.app(), tls), (hooks, None))
        for (app, context), listener in zip(apps, sockets, strict=True):
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await ListeningSite(runner, listener, ssl_context=context).start()
            self._runners.append(runner)

    async def _hook(self, request: web.Request) -> web.Response:
        self.arrived.append(await request.json())
        return web.Response(status=self.hook_statuses.pop(0) if self.hook_statuses else 200)

    def close(self) -> None:
        self.run(end_serving(*self._runners))
        self._thread.close()

    def credential(self, identity: Identity = Identity()) -> Bearer:  # noqa: B008 - It is frozen.
        return Bearer(self.issuer, identity)

    def add(self, minute: int, number: int = 1, **changes: Any) -> None:
        """*number* requests in the *minute* after the clock's start."""

        async def add() -> None:
            for index in range(number):
                at = (MINUTE_0 + minute) * 60.0 + 60.0 * index / number
                name = f"r{next(self._numbers)}"
                self.log.add(replace(_REQUEST, **{"at": at, "request_id": name, **changes}))

        self.run(add())

    def pass_minutes(self, minutes: float) -> None:
        """Move the clock, and do what is due then."""
        self.now += minutes * 60
        self.step()

    def step(self) -> None:
        self.run(self.monitor.step())

    def publish(self, **changes: Any) -> None:
        self._control("PUT", "/_control/publication", changes)

    def grant(self, *roles: dict[str, str]) -> None:
        self._control("PUT", "/_control/roles", {"roles": list(roles)})

    def notifications(self) -> list[dict[str, Any]]:
        return list(self._control("GET", "/_control/notifications").json())

    def _control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self._checked(requests.request(method, f"{self.logs}{path}", json=body, **self._options()))

    def ask(self, path: str, identity: Identity = Identity(), **query: str) -> requests.Response:  # noqa: B008
        """A GET of Resource Manager."""
        return self.send("GET", path, identity=identity, params=query)

    def send(
        self, method: str, path: str, identity: Identity = WRITER, body: Any = None, params: Any = None
    ) -> requests.Response:
        token = self.issuer.issue("https://management.azure.com", identity=identity)
        headers = {"Authorization": f"Bearer {token}"}
        query = {"api-version": "2023-10-01", **(params or {})}
        url = f"{self.manager}{path}"
        return requests.request(method, url, json=body, params=query, headers=headers, **self._options())

    def metrics(self, filters: str = "", scope: str = ENDPOINT, **query: str) -> Any:
        """The series of RequestsPerMinute since the clock's start, or of what *query* asks for."""
        span = f"{_iso(MINUTE_0)}/{_iso(int(self.now // 60))}"
        asked = {"metricnames": "RequestsPerMinute", "interval": "PT1M", "aggregation": "average", "timespan": span}
        asked |= ({"$filter": filters} if filters else {}) | query
        answer = self.ask(f"{scope}/providers/Microsoft.Insights/metrics", **asked)
        return self._checked(answer).json()["value"][0]["timeseries"]

    def _checked(self, answer: requests.Response) -> requests.Response:
        assert answer.status_code < 300, answer.text
        return answer

    def _options(self) -> dict[str, Any]:
        return {"verify": str(self.authority.ca), "timeout": 10}


def _iso(minute: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Change = Callable[[Monitored], None]
