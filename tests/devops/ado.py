"""The Azure DevOps emulator in a thread of the test, over https, with what tests ask of it."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from aiohttp import web
from azure.core.credentials import AccessToken

from signalbox.emulators.authority import ensure_authority
from signalbox.emulators.azure_devops.app import AzureDevOpsOptions, create_app
from signalbox.emulators.azure_devops.estate import AUDIENCE, Organisation, Project
from signalbox.emulators.tokens import Person, TokenIssuer
from signalbox.launcher.endpoints import free_ports
from tests.connections import end_serving

PROJECT = Project(id="00000000-0000-0000-0000-00000000d0d0", name="mlops")
OTHER = Project(id="00000000-0000-0000-0000-00000000d0d1", name="elsewhere")
PERSONS = {
    f"{name}@example.org": Person(oid=oid, upn=f"{name}@example.org", name=name, roles=())
    for name, oid in (("ada", "1"), ("grace", "2"), ("linus", "3"))
}
GROUPS = {"[mlops]\\Data Scientists": ("ada@example.org",), "[mlops]\\Product Owners": ("grace@example.org",)}


class Ado:
    def __init__(self, port: int, issuer: TokenIssuer, ca: Path) -> None:
        self.base, self.issuer, self.ca = f"https://localhost:{port}", issuer, ca
        self.url = f"{self.base}/contoso/mlops/_apis"
        self._session = requests.Session()

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """As the app's own identity: this object is a TokenCredential."""
        return AccessToken(self.issuer.issue(scopes[0].removesuffix("/.default")), 2**31)

    def close(self) -> None:
        self._session.close()

    def control(self, path: str, body: Any = None) -> Any:
        answer = self._send("GET" if body is None else "POST", f"{self.base}/_control/{path}", body)
        answer.raise_for_status()
        return answer.json()

    def ask(self, method: str, path: str, body: Any = None, person: str = "") -> requests.Response:
        """As *person*, or as the app."""
        who = PERSONS.get(person)
        token = self.issuer.issue_to(who, AUDIENCE) if who else self.issuer.issue(AUDIENCE)
        return self._send(method, f"{self.url}/{path}", body, {"Authorization": f"Bearer {token}"})

    def _send(self, method: str, url: str, body: Any, headers: dict[str, str] | None = None) -> requests.Response:
        return self._session.request(method, url, json=body, headers=headers, verify=str(self.ca), timeout=30)

    def define(self, name: str, *stages: dict[str, Any], **more: Any) -> int:
        body = {"project": "mlops", "name": name, "parameters": {"signalbox": ""}, "stages": list(stages), **more}
        return int(self.control("pipelines", body)["id"])

    def run(self, pipeline: int, person: str = "linus@example.org", **parameters: str) -> dict[str, Any]:
        return dict(self.control("runs", {"pipeline": pipeline, "person": person, "parameters": parameters}))

    def seen(self, run: int) -> dict[str, Any]:
        return dict(self.control(f"runs/{run}"))

    def state(self) -> dict[str, Any]:
        return dict(self.control("state"))

    def approvals(self, run: int) -> list[dict[str, Any]]:
        return [each for each in self.state()["approval"] if each["run"] == run]

    def decide(self, approval: str, person: str, status: str = "approved", comment: str = "") -> requests.Response:
        update = [{"approvalId": approval, "status": status, "comment": comment}]
        return self.ask("PATCH", "pipelines/approvals?api-version=7.1", update, person)

    def requests_counted(self) -> int:
        return int(sum(self.state()["effects"].get("requests", {}).values()))


@contextmanager
def serving(folder: Path) -> Iterator[Ado]:
    """The emulator on a free port, its state in *folder*."""
    authority, issuer = ensure_authority(folder), TokenIssuer(folder, "tenant", "https://localhost")
    loop, ready, port = asyncio.new_event_loop(), threading.Event(), free_ports(1)[0]
    told = asyncio.Event()

    async def serve() -> None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(authority.cert, authority.key)
        organisation = Organisation(
            name="contoso",
            base=f"https://localhost:{port}/contoso",
            projects=(PROJECT, OTHER),
            persons=PERSONS,
            groups=GROUPS,
        )
        options = AzureDevOpsOptions(state=folder, organisation=organisation, claims=issuer.claims, time_scale=0.05)
        runner = web.AppRunner(create_app(options), access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        ready.set()
        await told.wait()
        await end_serving(runner)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(20)
    ado = Ado(port, issuer, authority.ca)
    try:
        yield ado
    finally:
        ado.close()
        loop.call_soon_threadsafe(told.set)
        thread.join(20)
        loop.close()
