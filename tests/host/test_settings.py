"""What the host reads before it serves: host.json, local settings, keys, and the app itself."""

import asyncio
import json
import os
import stat
import threading
from pathlib import Path

import aiohttp
import azure.functions as func
import pytest
from click.testing import CliRunner

from signalbox.host.command import host as command
from signalbox.host.errors import HostError
from signalbox.host.functions import load_app
from signalbox.host.settings import apply_local_settings, load_host_settings
from signalbox.host.state_folder.keys import load_keys
from signalbox.host.testing import LocalHost


def write(folder: Path, name: str, content: object) -> Path:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def test_host_json_is_respected(tmp_path: Path) -> None:
    durable = {"hubName": "Mine", "maxConcurrentActivityFunctions": 3, "maxConcurrentOrchestratorFunctions": 4}
    extensions = {"http": {"routePrefix": ""}, "durableTask": durable}
    settings = load_host_settings(write(tmp_path, "host.json", {"extensions": extensions}), {})
    assert settings.route_prefix == ""
    assert (settings.durable.hub_name, settings.durable.max_activities) == ("Mine", 3)
    assert (settings.durable.max_orchestrators, settings.durable.override_any_state) == (4, False)


def test_without_host_json_there_are_defaults(tmp_path: Path) -> None:
    assert load_host_settings(tmp_path, {}).route_prefix == "api"


@pytest.mark.parametrize(
    ("durable", "named"),
    [
        ({"maxConcurrentActivityFunctions": 0}, "maxConcurrentActivityFunctions is 0"),
        ({"overridableExistingInstanceStates": "Some"}, "overridableExistingInstanceStates is 'Some'"),
        ({"hubName": "%UNSET_HUB%"}, "hubName is '%UNSET_HUB%'"),
        ([], r"extensions.durableTask is \[\]"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, durable: object, named: str) -> None:
    with pytest.raises(HostError, match=named):
        load_host_settings(write(tmp_path, "host.json", {"extensions": {"durableTask": durable}}), {})


def test_broken_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"host\.json is not JSON"):
        load_host_settings(write(tmp_path, "host.json", "{"), {})


def test_a_script_of_no_valid_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_SCRIPT_FILE_NAME", "../elsewhere.py")
    with pytest.raises(HostError, match=r"PYTHON_SCRIPT_FILE_NAME is '\.\./elsewhere\.py', which is an invalid"):
        load_app(tmp_path)


@pytest.mark.parametrize(("setting", "most"), [("2", 2), ("none", 5)])
async def test_the_threads_of_functions_are_counted_by_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, most: int
) -> None:
    """It is read when the host starts, so that local.settings.json may hold it."""
    monkeypatch.delenv("PYTHON_THREADPOOL_THREAD_COUNT", raising=False)
    monkeypatch.setattr("os.environ", os.environ.copy())
    write(tmp_path, "local.settings.json", {"Values": {"PYTHON_THREADPOOL_THREAD_COUNT": setting}})
    app, running, peak = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS), set[str](), [0]
    gate = threading.Event()

    @app.route("wait/{name}")
    def wait(req: func.HttpRequest) -> str:
        running.add(req.route_params["name"])
        peak[0] = max(peak[0], len(running))
        if peak[0] == most:
            gate.set()
        gate.wait(30)
        running.discard(req.route_params["name"])
        return ""

    async with LocalHost(app, tmp_path) as host, aiohttp.ClientSession(host.url) as client:
        await asyncio.gather(*(client.get(f"/api/wait/{number}") for number in range(5)))
    assert peak == [most]


def test_the_real_environment_wins(tmp_path: Path) -> None:
    environment = {"A": "real"}
    apply_local_settings(write(tmp_path, "local.settings.json", {"Values": {"A": "x", "B": 1, "C": True}}), environment)
    assert environment == {"A": "real", "B": "1", "C": "true"}


def test_keys_are_made_once_and_kept(tmp_path: Path) -> None:
    made = load_keys(tmp_path)
    assert load_keys(tmp_path) == made
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_given_keys_are_respected(tmp_path: Path) -> None:
    write(tmp_path, "keys.json", {"default": "mine", "other": "kept"})
    assert load_keys(tmp_path).default == "mine"
    assert json.loads((tmp_path / "keys.json").read_text())["other"] == "kept"


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"no function_app\.py"):
        load_app(tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names 0 FunctionApp instances: "),
        ("a = func.FunctionApp()\nb = func.FunctionApp()", r"names 2 FunctionApp instances \(a, b\): "),
        ("a = b = func.FunctionApp()", r"names 2 FunctionApp instances \(a, b\): "),
    ],
)
def test_an_app_has_one_name(tmp_path: Path, text: str, told: str) -> None:
    """The real worker takes an app with two names for two."""
    write(tmp_path, "function_app.py", f"import azure.functions as func\n{text}")
    with pytest.raises(HostError, match=told):
        load_app(tmp_path)


def test_a_disabled_function_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="q", connection="c")
    def queued(message: func.QueueMessage) -> None:
        raise AssertionError(message)

    monkeypatch.setenv("AzureWebJobs.queued.Disabled", "true")
    assert LocalHost(app, tmp_path).host.functions == {}


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["start", "--app", str(tmp_path), "--state", str(tmp_path / "state")])
    assert result.exit_code == 8
    assert "no function_app.py" in result.output
