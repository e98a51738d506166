"""`status --watch` says each step once and ends with the run; version and completion are there."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import clean_environment, run, shell
from tests.fakes.ports import OPERATOR_KEY
from tests.inference.conftest import InferenceApp
from tests.inference.test_quarantine import BAD


async def test_a_run_is_watched_to_its_end_with_each_step_once(
    app: InferenceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalbox.cli.watching._EVERY_S", 0.02)
    name = await app.arrive("landing/each/north/a.csv")
    watching = asyncio.create_task(run(app, "status", name, "--watch"))
    await app.finish(name)
    result = await watching

    steps = [line.split("  ")[1] for line in result.output.split("\n\n")[0].splitlines() if line.startswith("20")]
    assert result.exit_code == 0, result.output
    assert len(steps) == len(set(steps)) > 3
    assert "completed" in result.output


async def test_a_watched_run_that_did_not_complete_ends_with_1_and_json_is_a_line_for_each_change(
    app: InferenceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalbox.cli.watching._EVERY_S", 0.02)
    app.jobs.status_after = lambda looks: "Running"
    name = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(1)
    await run(app, "cancel", name, "--reason", "r")
    await app.finish(name)

    result = await run(app, "status", name, "--watch", "--json")

    last = json.loads(result.output.splitlines()[-1])
    assert (result.exit_code, last["outcome"]) == (1, "cancelled"), result.output


async def test_the_list_is_watched_until_ctrl_c(app: InferenceApp, tmp_path: Path) -> None:
    app.jobs.status_after = lambda looks: "Running"
    name = await app.arrive("landing/each/north/a.csv")
    await app.pass_time(1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "signalbox.cli", "status", "--watch", "--route", "each"),
        cwd=tmp_path,
        env=clean_environment({"SIGNALBOX_URL": app.host.url, "SIGNALBOX_KEY": OPERATOR_KEY}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    first = await asyncio.wait_for(process.stdout.readline(), 60)
    app.jobs.status_after = lambda looks: "Completed"
    await app.finish(name)
    second = await asyncio.wait_for(process.stdout.readline(), 60)
    process.send_signal(signal.SIGINT)
    _, errors = await asyncio.wait_for(process.communicate(), 60)

    assert (name in first.decode(), "running" in first.decode(), "completed" in second.decode()) == (True, True, True)
    assert (process.returncode, errors.decode().splitlines()[0].startswith("stopped")) == (130, True)


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    from importlib.metadata import version

    done = shell(tmp_path, "--version")

    assert (done.returncode, done.stdout) == (0, f"signalbox, version {version('signalbox')}\n")


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(tmp_path: Path, kind: str) -> None:
    script = shell(tmp_path, _SIGNALBOX_COMPLETE=f"{kind}_source")

    assert (script.returncode, "signalbox" in script.stdout) == (0, True)


def test_what_bash_completes_is_what_there_is(tmp_path: Path) -> None:
    asked = {"_SIGNALBOX_COMPLETE": "bash_complete", "COMP_WORDS": "signalbox status --wa", "COMP_CWORD": "2"}

    assert shell(tmp_path, **asked).stdout.split(",")[-1].strip() == "--watch"


async def test_a_watch_ends_where_data_is_quarantined_and_waits_for_its_owner(
    app: InferenceApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalbox.cli.watching._EVERY_S", 0.02)
    name = await app.arrive("landing/each/north/a.csv", BAD)
    await app.host.settle()

    result = await run(app, "status", name, "--watch")

    assert (result.exit_code, "quarantined" in result.output) == (1, True), result.output


async def test_a_run_that_failed_though_its_job_completed_names_what_prints_the_log(app: InferenceApp) -> None:
    app.jobs.lose_rows = 1
    name = await app.arrive("landing/each/north/a.csv")
    await app.finish(name)

    result = await run(app, "status", name)

    assert f"to read it  signalbox logs {name}" in result.output
