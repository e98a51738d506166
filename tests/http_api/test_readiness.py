"""Readiness asks each dependency that the configuration uses; what refuses, breaks or hangs is named with the rest."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.clients import Clients
from shared.domain.devops.configuration import DevOps
from shared.domain.failures import Refused, Transient
from shared.domain.messaging import QueueDoor
from shared.settings import read_settings
from tests.fakes.ports import MemoryMessenger, MemoryQueues
from tests.http_api.conftest import ask
from tests.inference.conftest import InferenceApp
from triggers.http.operations import dependency_checks as pings
from triggers.http.operations import system as system_doors

HOSTED = {
    "DATA_HUB__blobServiceUri": "https://hub.example",
    "EVENT_GRID_TOPIC__topicEndpointUri": "https://topic.example/api/events",
    "SIGNALBOX_TOKEN_ISSUER": "https://login.example/t/v2.0",
    "SIGNALBOX_TOKEN_AUDIENCE": "00000000-0000-0000-0000-0000000000a9",
}
BUS = {
    "SERVICE_BUS__fullyQualifiedNamespace": "hub.servicebus.windows.net",
    "SIGNALBOX_MESSAGES_QUEUE": "hub-messages",
    "SIGNALBOX_HOOKS_QUEUE": "devops-hooks",
    "SIGNALBOX_RESULTS_TOPIC": "results",
}


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set at the end, so that the thread which hangs ends too."""
    monkeypatch.setattr(system_doors, "PATIENCE_S", 0.2)
    ended = threading.Event()
    yield ended
    ended.set()


def depend(app: InferenceApp, **looks: Any) -> None:
    vars(app.clients)["dependencies"] = looks


def fails(failure: Exception) -> Any:
    def look() -> None:
        raise failure

    return look


async def test_it_is_ready_when_everything_answers(app: InferenceApp) -> None:
    depend(app, hub=lambda: None, topic=lambda: "whatever")

    status, _, told = await ask(app, "GET", "readiness")

    assert (status, told["ready"]) == (200, True)
    assert [(each["name"], each["ready"], each["error"]) for each in told["dependencies"]] == [
        ("hub", True, ""),
        ("topic", True, ""),
    ]


async def test_what_refuses_breaks_or_hangs_is_named_and_the_rest_is_still_told(
    app: InferenceApp, hang: threading.Event
) -> None:
    depend(
        app,
        refuses=fails(Refused("give the identity a role\nand more")),
        faints=fails(Transient("no connection")),
        breaks=fails(ZeroDivisionError("secret text")),
        hangs=hang.wait,
        answers=lambda: None,
    )

    status, _, told = await ask(app, "GET", "readiness")

    assert (status, told["ready"]) == (503, False)
    assert {each["name"]: each["error"] for each in told["dependencies"]} == {
        "refuses": "give the identity a role",
        "faints": "no connection",
        "breaks": "ZeroDivisionError",
        "hangs": "no answer within 0 s",
        "answers": "",
    }


async def test_what_hangs_is_asked_once_and_is_ready_once_it_answers(app: InferenceApp, hang: threading.Event) -> None:
    asked = list[int]()

    def hangs() -> None:
        asked.append(1)
        hang.wait()

    depend(app, slow=hangs)
    first = [(await ask(app, "GET", "readiness"))[0] for _ in range(3)]
    assert (first, asked) == ([503] * 3, [1])

    thread = next(each for each in threading.enumerate() if each.name == "ping slow")
    hang.set()
    thread.join(5)

    assert (await ask(app, "GET", "readiness"))[0] == 200
    assert (len(asked), pings._hanging) == (2, {})


class Facts:
    def __init__(self) -> None:
        self.asked = list[tuple[str, str]]()

    def project_id(self, organisation: str, project: str) -> str:
        self.asked.append((organisation, project))
        return ""


def made(more: dict[str, str], **ports: Any) -> Clients:
    """The product's own, of the shipped configuration with two organisations."""
    clients = Clients(read_settings({**HOSTED, **more, "SIGNALBOX_CONFIG": "signalbox.yaml"}))
    told = replace(clients.configuration, devops=DevOps(organisations=("contoso", "fabrikam"), projects=("mlops",)))
    vars(clients).update(configuration=told, **ports)
    return clients


def test_what_the_configuration_uses_is_asked_and_nothing_else() -> None:
    assert Path("signalbox.yaml").exists()
    without, with_bus = set(made({}).dependencies), set(made(BUS).dependencies)

    assert {"hub", "event grid topic", "token issuer", "organisation contoso", "organisation fabrikam"} < without
    assert {name for name in without if name.startswith("workspace ")}
    assert with_bus - without == {"queue of messages", "queue of hooks", "results topic"}


def test_service_bus_and_azure_devops_are_really_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    queues, messenger, facts = MemoryQueues(), MemoryMessenger(), Facts()
    queues.doors = (QueueDoor.HOOKS,)
    monkeypatch.setattr(queues, "dead", lambda door, most: fails(Transient("no answer"))())
    monkeypatch.setattr(messenger, "reach", lambda topic: fails(Refused(topic))())
    looks = made(BUS, queues=queues, messenger=messenger, devops_facts=facts).dependencies

    looks["organisation contoso"]()
    with pytest.raises(Transient):
        looks["queue of hooks"]()
    with pytest.raises(Refused, match="results"):
        looks["results topic"]()
    assert facts.asked == [("contoso", "mlops")]
