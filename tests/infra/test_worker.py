"""Microsoft's own worker library loads the packaged folder and runs each kind of trigger in it: `make proof-worker`.

Nothing but its host is missing, and of that the part which the app talks to stands here: the worker's Durable client
starts orchestrations in our host, and its clients reach the local cloud's storage and identities.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from activities.blueprint import BODIES, STARTING_BODIES
from orchestrators.blueprint import BODIES as ORCHESTRATIONS
from signalbox.cli.commands.project.package import package
from signalbox.host.clock import VirtualClock
from signalbox.host.durable.client import Filter
from signalbox.host.testing import LocalHost
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client
from signalbox.projects.libraries import HEAVIEST_PACKAGE, LIBRARIES, weigh
from tests.fakes.ports import FakeClients
from tests.hosted import hosted
from tests.inference.conftest import CONFIGURATION
from tests.warm_clouds import WarmServices
from triggers.http.routes import ROUTES
from triggers.queues.bindings import QUEUE_FUNCTIONS

PROJECT = Path(__file__).parents[2]
PYTHON = os.environ.get("SIGNALBOX_WORKER_PYTHON", "")
# A recorded run, from its first step to its last.
GOLDEN = json.loads((PROJECT / "tests" / "replay" / "golden" / "run_inference-released.json").read_text())
EVENT = json.loads((PROJECT / "tests" / "payloads" / "blob_created.grid.json").read_text())
LANDED = ("diabetes/each/north/by-event.csv", "diabetes/each/north/by-message.csv")
TICK = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": {}, "IsPastDue": False}
MESSAGE_FIELDS = {
    "MessageId": {"string": "message-1"},
    "SessionId": {"string": "north"},
    "DeliveryCount": {"json": "1"},
    "EnqueuedTimeUtc": {"string": "2026-01-05T08:15:30.123456Z"},
    "UserProperties": {"json": "{}"},
}

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not PYTHON, reason="SIGNALBOX_WORKER_PYTHON names no Python 3.13 with azure-functions-runtime"),
]


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    """The package as it is deployed, with its libraries."""
    folder = tmp_path / "app"
    arguments = ["--out", str(folder), "--config", str(PROJECT / "signalbox.yaml"), "--app", str(PROJECT)]
    done = CliRunner().invoke(package, [*arguments, "--python", PYTHON])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def services(tmp_path: Path) -> Iterator[LocalCloud]:
    """The local cloud without a host."""
    cloud = WarmServices(PROJECT, tmp_path / "state")
    cloud.start_services()
    try:
        yield cloud
    finally:
        cloud.stop()


async def test_the_packaged_folder_runs_in_microsofts_worker(
    packaged: Path, services: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    etags = [land(services, path) for path in LANDED]
    clock, state = VirtualClock(), tmp_path / "host"
    state.mkdir()
    async with hosted(FakeClients(CONFIGURATION, clock.now), clock, state, monkeypatch) as host:
        output = await drive(packaged, services, {"client": host.client_binding(), "invocations": orders(etags[0])})
        await host.settle(timeout=60)
        started = names_of(host)

    assert output["started"] == 1
    assert Path(output["from"]["function_app"]) == packaged / "function_app.py"
    assert Path(output["from"]["azure.functions"]).is_relative_to(packaged / LIBRARIES)
    check_kinds(output)
    check_answers(output["invocations"])
    assert sorted(name for name in started if name == "run_inference") == ["run_inference"] * 2  # An event, a message.
    assert "keep_schedules" in started
    assert weigh(packaged) <= HEAVIEST_PACKAGE


def land(services: LocalCloud, path: str) -> str:
    with hub_client(services.endpoints) as hub:
        written = hub.get_blob_client("landing", path).upload_blob(b"id,age\np-1,0.1\n")
    return str(written["etag"])


def orders(etag: str) -> dict[str, Any]:
    """One invocation of each kind of trigger."""
    subject = f"/blobServices/default/containers/landing/blobs/{LANDED[0]}"
    event = {**EVENT, "subject": subject, "data": {**EVENT["data"], "eTag": etag, "contentLength": 15}}
    message = {"paths": [f"landing/{LANDED[1]}"], "route": "diabetes-each"}
    return {
        "health": {"http": "https://app/api/v1/health"},
        "open_run": {"json": json.dumps({"nonsense": 1})},
        "run_inference": {"string": json.dumps(GOLDEN["context"])},
        "receive_hub_event": {"json": json.dumps(event)},
        "tick_schedules": {"json": json.dumps(TICK)},
        "receive_hub_message": {"bytes": json.dumps(message), "metadata": MESSAGE_FIELDS},
    }


async def drive(packaged: Path, services: LocalCloud, order: dict[str, Any]) -> dict[str, Any]:
    sample = json.loads((PROJECT / "local.settings.sample.json").read_text())["Values"]
    queues = {function.setting: function.name for function in QUEUE_FUNCTIONS}
    cloud = {name: value for name, value in services.environment().items() if name != "SIGNALBOX_CONFIG"}
    process = await asyncio.create_subprocess_exec(
        *(PYTHON, "-W", "ignore", str(Path(__file__).with_name("worker_driver.py")), str(packaged)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**sample, **queues, **cloud, "PATH": os.environ["PATH"]},
        cwd=packaged.parent,
    )
    text, errors = await process.communicate(json.dumps(order).encode())
    assert process.returncode == 0, errors.decode()[-4000:]
    return dict(json.loads(text))


def names_of(host: LocalHost) -> list[str]:
    return [row.name for row in host.host.client.query(Filter())]


def check_kinds(output: dict[str, Any]) -> None:
    """Every function of the app is loaded, and of its own kind."""
    kinds = list(output["functions"].values())
    assert output["loads"] == len(kinds)
    assert kinds.count("activityTrigger") == len(BODIES) + len(STARTING_BODIES)
    assert kinds.count("orchestrationTrigger") == len(ORCHESTRATIONS)
    assert kinds.count("serviceBusTrigger") == len(QUEUE_FUNCTIONS)
    assert kinds.count("httpTrigger") == len(ROUTES) + len(("home", "pages"))  # The console has two functions.
    assert set(kinds) == {output["functions"][name] for name in orders("")}, "no kind of trigger is left out"


def check_answers(answers: dict[str, Any]) -> None:
    failures = {name: answer["error"] + answer["trace"] for name, answer in answers.items() if "error" in answer}
    assert set(failures) == {"open_run"}, failures
    assert json.loads(answers["health"]["value"])["status"] == "alive"
    assert "RunOpening.key is missing" in failures["open_run"]  # The body's own decoder was reached.
    orchestration = json.loads(answers["run_inference"]["value"])
    assert orchestration["isDone"]
    assert {**orchestration["output"], **GOLDEN["output"]} == orchestration["output"]
