"""`logging.logLevel` of host.json: which lines are written, by category."""

import json
import logging
import signal
from pathlib import Path

import pytest

from signalbox.host.errors import HostError
from signalbox.host.log import Categories
from signalbox.host.settings import load_log_levels
from tests.conformance.client import Client
from tests.host.process import Process

_SCRIPT = """
import logging
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route("loud")
def loud(req: func.HttpRequest) -> str:
    logging.debug("loud debug"), logging.info("loud info")
    return req.method

@app.route("quiet")
async def quiet(req: func.HttpRequest) -> str:
    logging.info("quiet info"), logging.error("quiet error")
    if req.params:
        raise ValueError("quiet raises")
    return req.method
"""
_LEVELS = {"default": "Warning", "function.loud": "Debug", "Function.quiet": "Error", "Host.Results": "Information"}


@pytest.mark.parametrize(
    ("category", "level"),
    [
        ("Function.loud", logging.DEBUG),
        ("Function.LOUD.User", logging.DEBUG),
        ("Function.other", logging.INFO),
        ("Host.General", logging.ERROR),
        ("Worker", logging.WARNING),
    ],
)
def test_the_longest_name_that_begins_a_category_counts(category: str, level: int) -> None:
    levels = {"default": logging.WARNING, "Function": logging.INFO, "function.Loud": logging.DEBUG, "Host": 40}
    assert Categories(levels).level_of(category) == level


def test_an_unknown_level_is_refused_by_its_category(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"logging": {"logLevel": {"default": "Info"}}}))
    with pytest.raises(HostError, match=r"logging\.logLevel\.default is 'Info': use one of 'Trace', 'Debug'"):
        load_log_levels(tmp_path, {})


def test_an_app_setting_overrides_a_level(tmp_path: Path) -> None:
    overrides = {"AzureFunctionsJobHost__logging__logLevel__default": "None"}
    assert load_log_levels(tmp_path, overrides) == {"default": 100}


@pytest.mark.parametrize("options", [(), ("--workers", "1")], ids=["own process", "worker"])
def test_lines_are_written_by_category(tmp_path: Path, options: tuple[str, ...]) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text(_SCRIPT)
    (app / "host.json").write_text(json.dumps({"logging": {"logLevel": _LEVELS}}))
    process = Process(app, tmp_path, *options)
    try:
        client = Client(process.start(), "")
        for path in ("loud", "quiet", "quiet?fail=1"):
            client.get(f"/api/{path}")
        client.close()
        assert process.end(signal.SIGTERM) == 0
    finally:
        process.close()
    log = process.log.read_text()
    assert "loud debug [function=loud" in log
    assert "function=loud instance=- " in log
    assert "quiet error" in log
    assert "ValueError: quiet raises" in log
    assert "quiet info" not in log
    assert log.count("function=quiet instance=") == 1  # The failure alone.
    assert " serving 2 functions" not in log
