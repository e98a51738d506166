"""The doctor's look at Service Bus, by the real adapter, at what the emulator of Resource Manager shows of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken

from shared.adapters.azure_control_plane import AzureControlPlane
from shared.config import load
from shared.operations.doctor.checks.messaging import messaging
from shared.operations.doctor.findings import Finding, Grade
from shared.settings import QUEUES
from signalbox.emulators.authority import ensure_authority
from signalbox.emulators.azure_ml.doors import refusal_middleware
from signalbox.emulators.azure_ml.resource_manager.inspection import InspectionDoors, Shown
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.launcher.endpoints import SERVICE_BUS_POLICY
from signalbox.launcher.messaging import messaging_environment, namespace_settings
from tests.connections import end_serving

ENDS: Any = SimpleNamespace(servicebus_key="a2V5", service_bus=f"Endpoint=sb://localhost;Name={SERVICE_BUS_POLICY}")
TOKEN = SimpleNamespace(get_token=lambda *_, **__: AccessToken("token", 2**40))


@pytest.fixture
async def resource_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    authority, app = ensure_authority(tmp_path), web.Application(middlewares=[refusal_middleware])
    entrance: Any = SimpleNamespace(check_token=lambda _: None)
    shown = Shown(messaging=namespace_settings(ENDS))
    InspectionDoors(entrance, Resources(tmp_path / "resources.db"), shown).add_to(app)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.cert, authority.key)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca))
    server = TestServer(app, host="localhost")
    await server.start_server(ssl=tls)
    yield f"https://localhost:{server.port}"
    await end_serving(server.runner)


async def findings(resource_manager: str, **changes: str) -> list[Finding]:
    told = messaging_environment(ENDS) | changes
    settings = SimpleNamespace(
        queues=tuple((name, told[name]) for name in QUEUES),
        results_topic=told["SIGNALBOX_RESULTS_TOPIC"],
        bus_name="localhost",
        bus_by_key=True,
    )
    control = AzureControlPlane(TOKEN, resource_manager)  # type: ignore[arg-type]
    site: Any = SimpleNamespace(configuration=load(Path("signalbox.yaml")), settings=settings, control=control)
    return await asyncio.to_thread(lambda: list(messaging(site)))


async def test_the_namespace_of_the_local_cloud_is_as_the_doors_need_it(resource_manager: str):
    found = await findings(resource_manager)

    assert {each.grade for each in found} == {Grade.OK}, found
    assert len(found) == len(QUEUES) + 1


async def test_what_the_settings_name_wrongly_is_found(resource_manager: str):
    found = await findings(
        resource_manager, SIGNALBOX_RECORDS_QUEUE="approvals", SIGNALBOX_HOOKS_QUEUE="none", SIGNALBOX_RESULTS_TOPIC="x"
    )

    broken = {each.subject: each.found for each in found if each.grade is Grade.BROKEN}
    assert broken.keys() == {"queue approvals", "queue none", "topic x"}
    assert "must require sessions" in broken["queue approvals"]
