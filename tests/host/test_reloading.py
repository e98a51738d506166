"""`--watch`: what is saved runs, with the same port; what is broken is said, and the host waits."""

import json
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.host.process import Process, wait_until

SOURCE = """import os
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("text")
def text(req: func.HttpRequest) -> str:
    return "{text} " + os.environ.get("GREETING", "")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "function_app.py").write_text(SOURCE.format(text="first"))
    return folder


@pytest.fixture(params=[(), ("--workers", "1")], ids=["in the host", "in a worker"])
def process(app: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Process]:
    running = Process(app, tmp_path, "--watch", *request.param)
    yield running
    running.close()


def answers(process: Process, text: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{process.url}/api/text", timeout=5) as answer:
        return bool(answer.read().decode().strip() == text)
    return False


def test_what_is_saved_runs_and_what_is_broken_is_said(app: Path, process: Process) -> None:
    process.start()
    assert answers(process, "first")
    (app / "function_app.py").write_text(SOURCE.format(text="second"))
    wait_until(lambda: answers(process, "second"))
    (app / "local.settings.json").write_text(json.dumps({"Values": {"GREETING": "hello"}}))
    wait_until(lambda: answers(process, "second hello"))
    (app / "local.settings.json").write_text(json.dumps({"Values": {"GREETING": "good day"}}))
    wait_until(lambda: answers(process, "second good day"))
    (app / "function_app.py").write_text("def broken(:\n")
    wait_until(lambda: "function_app.py:1: SyntaxError" in process.log.read_text())
    assert not answers(process, "second good day")
    (app / "function_app.py").write_text(SOURCE.format(text="third"))
    wait_until(lambda: answers(process, "third good day"))
    assert "Traceback" not in process.log.read_text()
    assert process.end(signal.SIGTERM) == 0
