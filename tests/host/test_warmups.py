"""A warmup function runs once in each start of the host, before anything else does."""

import asyncio
import logging
from pathlib import Path

import azure.functions as func
import pytest

from signalbox.host.errors import HostError
from signalbox.host.server import FunctionsHost, HostOptions

APP = """
import logging
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
MARKS = Path(__file__).with_name("marks")


def mark(text):
    with MARKS.open("a") as file:
        file.write(text + "\\n")


@app.timer_trigger("timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def at_start(timer):
    mark("timer")


@app.warm_up_trigger("context")
def warmup(context):
    mark(type(context).__name__)
    if MARKS.with_name("broken").exists():
        raise RuntimeError("cold")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "function_app.py").write_text(APP)
    (folder / "host.json").write_text('{"version": "2.0"}')
    return folder


async def start_once(app: Path, state: Path, workers: int = 0) -> None:
    host = FunctionsHost(HostOptions(app=app, state=state, workers=workers))
    await host.start()
    while not host.idle:
        await asyncio.sleep(0.01)
    await host.stop()


@pytest.mark.parametrize("workers", [0, 1])
async def test_it_runs_first_and_once_in_each_start(app: Path, tmp_path: Path, workers: int) -> None:
    for start in (1, 2):
        await start_once(app, tmp_path / "state", workers)

        assert (app / "marks").read_text().split() == ["WarmUpContext", "timer"] * start


async def test_an_app_that_cannot_be_warmed_serves_all_the_same(
    app: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (app / "broken").touch()

    with caplog.at_level(logging.ERROR):
        await start_once(app, tmp_path / "state")

    assert (app / "marks").read_text().split() == ["WarmUpContext", "timer"]
    assert "warmup" in caplog.text
    assert "cold" in caplog.text


def test_a_second_one_is_refused(tmp_path: Path) -> None:
    app = func.FunctionApp()
    for name in ("first", "second"):
        app.function_name(name)(app.warm_up_trigger("context")(lambda context: None))

    with pytest.raises(HostError, match="'first', 'second' have the trigger 'warmupTrigger': an app has one at most"):
        FunctionsHost(HostOptions(app=tmp_path, state=tmp_path / "state"), app=app)
