"""Microsoft's worker library as the host's worker: skipped where no Python 3.13 has it (`make proof-worker` makes one).

The whole conformance suite runs through it there; what no case of that suite can tell apart stands here.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conformance.client import Client
from tests.host.process import Process, wait_until

PROJECT = Path(__file__).parents[2]
APP = Path(__file__).parent / "apps" / "library"
PYTHON = Path(os.environ.get("SIGNALBOX_WORKER_PYTHON", PROJECT / ".venv-worker" / "bin" / "python"))
pytestmark = pytest.mark.xdist_group("library worker")
needs_library = pytest.mark.skipif(
    not PYTHON.exists(), reason="no Python 3.13 with azure-functions-runtime: `make proof-worker` makes one"
)


def host(app: Path, folder: Path, python: Path = PYTHON) -> Process:
    return Process(app, folder, "--worker-python", str(python))


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    served = host(APP, tmp_path_factory.mktemp("library"))
    yield served
    served.close()


@pytest.fixture(scope="module")
def url(process: Process) -> Iterator[str]:
    yield process.start()
    assert process.end(signal.SIGTERM) == 0, process.log.read_text()


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    client = Client(url, "")
    yield client
    client.close()


@needs_library
def test_a_function_is_called_and_its_line_names_the_invocation(client: Client, process: Process) -> None:
    seen = client.get("/api/see/path?query=1", {"X-Own": "header"}).json()
    log = process.log.read_text()

    assert seen.items() >= {"route": "path", "query": "1", "header": "header", "python": [3, 13]}.items()
    assert f"the.app seen [function=see invocation={seen['invocation']}]" in log
    assert f"outcome=succeeded invocation={seen['invocation']}" in log
    assert "the.app not seen" not in log  # By `logging.logLevel` of its host.json.
    assert "runs in Microsoft's worker library: azure-functions-runtime 1." in log


@needs_library
def test_each_step_replays_the_whole_history(client: Client) -> None:
    assert client.run("count", 3)["output"] == {"sum": 3, "looks": [1, 2, 3, 4]}


@needs_library
@pytest.mark.usefixtures("url")
def test_a_failed_timer_is_called_again_as_its_policy_says(process: Process) -> None:
    first, second, third = yearly_calls(process)
    assert first.startswith("yearly 0 of 3")
    assert second.startswith("yearly 1 of 3")
    assert third.startswith("yearly 2 of 3")


@needs_library
@pytest.mark.usefixtures("url")
def test_the_error_before_a_retry_has_another_name(process: Process) -> None:
    errors = [call.partition(", ")[2] for call in yearly_calls(process)]
    assert errors == [
        "rpc_exception: none",
        "rpc_exception: ValueError: try 0 (late: False)",
        "rpc_exception: ValueError: try 1 (late: False)",
    ]


def yearly_calls(process: Process) -> list[str]:
    """What the timer has written, once it has succeeded."""
    wait_until(lambda: len(notes(process, "yearly")) == 3)
    return notes(process, "yearly")


@needs_library
def test_a_policy_of_another_trigger_has_no_effect(client: Client, process: Process) -> None:
    event = {"id": "1", "subject": "s", "eventType": "E", "dataVersion": "1", "eventTime": "2026-01-01T00:00:00Z"}
    path = "/runtime/webhooks/eventgrid?functionName=told"
    assert client.call("POST", path, [{**event, "data": {}}], {"aeg-event-type": "Notification"}).status == 500
    assert notes(process, "told") == ["told s"]
    assert "function 'told' has a retry policy, which Azure does not apply" in process.log.read_text()


def notes(process: Process, function: str) -> list[str]:
    """What *function* has written about its calls."""
    lines = process.effects.read_text().splitlines() if process.effects.exists() else []
    return [line for line in lines if line.startswith(function)]


@needs_library
def test_cookies_reach_the_caller(client: Client) -> None:
    cookies = client.get("/api/cookies").headers.get_all("Set-Cookie")
    assert sorted(cookies or ()) == ["a=1; path=/; httponly", "b=2; path=; secure; samesite=strict"]


def status_of(url: str, path: str) -> int:
    client = Client(url, "")
    try:
        return client.get(path).status
    finally:
        client.close()


@needs_library
def test_what_no_error_may_be_leaves_a_call_without_answer(url: str, process: Process) -> None:
    paths = ["/api/raise/generator", "/api/raise/cancellation"]
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(status_of, [url] * 2, paths)) == [500, 500]
    assert "Timeout value of 0:00:04 exceeded by function 'raising'" in process.log.read_text()


@needs_library
def test_a_function_that_exits_ends_its_worker_alone(client: Client, process: Process) -> None:
    before = client.get("/api/see/x").json()["process"]
    assert client.get("/api/raise/exit").status == 500
    assert client.get("/api/see/x").json()["process"] != before
    assert "the worker process exited with status 3" in process.log.read_text()


def refusal(app: Path, folder: Path, python: Path = PYTHON) -> str:
    """What the host says when it does not start."""
    process = host(app, folder, python)
    try:
        assert process.start() == ""
        assert process.wait() == 8
        return process.log.read_text()
    finally:
        process.close()


@needs_library
def test_a_wrong_return_annotation_stops_the_start(tmp_path: Path) -> None:
    app = shutil.copytree(APP, tmp_path / "app")
    script = app / "function_app.py"
    script.write_text(
        script.read_text().replace(
            "def see(req: func.HttpRequest, context: func.Context) -> str:",
            "def see(req: func.HttpRequest, context: func.Context) -> dict:",
        )
    )

    assert 'annotation "dict" does not match binding type "http"' in refusal(app, tmp_path)


@needs_library
def test_comments_in_host_json_stop_a_durable_app(tmp_path: Path) -> None:
    app = shutil.copytree(APP, tmp_path / "app")
    (app / "host.json").write_text(f"// as one may\n{json.dumps({'version': '2.0'})}")

    assert "cannot be indexed: JSONDecodeError" in refusal(app, tmp_path)


def test_a_python_without_the_library_is_refused(tmp_path: Path) -> None:
    assert "has no azure-functions-runtime" in refusal(APP, tmp_path, Path(sys.executable))
