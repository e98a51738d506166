"""A failed job says why where people look: on the run, in its list of steps, and by its log."""

import asyncio

import pytest
from click.testing import CliRunner

from shared.domain.failures import Transient
from shared.domain.inference.runs import RunOutcome
from signalbox.cli.main import main
from tests.fakes.ports import OPERATOR_KEY, MemoryJobLogs
from tests.inference.conftest import InferenceApp

LOGS = {
    "logs/azureml/executionlogs.txt": b"1 files failed, more than the error threshold of 0\n",
    "logs/user/error.txt": b"process000: a.csv\nTraceback (most recent call last):\nKeyError: 'bmi'\n",
}


def logs_of(app: InferenceApp) -> MemoryJobLogs:
    return app.clients.job_logs  # type: ignore[return-value]


@pytest.fixture
async def failed(app: InferenceApp) -> str:
    """A run whose job has failed."""
    logs_of(app).logs["guid-1"] = LOGS
    app.jobs.status_after = lambda looks: "Failed"
    run = await app.arrive("landing/each/north/a.csv")
    assert (await app.finish(run)).outcome is RunOutcome.FAILED
    return run


async def test_a_failed_job_carries_its_error_its_log_and_its_page(app: InferenceApp, failed: str) -> None:
    _, shown = await app.request("GET", f"runs/{failed}")

    assert shown["because"] == "the job ended as Failed: KeyError"
    assert shown["job"] == {
        "job": "guid-1",
        "name": shown["job"]["name"],
        "studio": "https://ml.azure.com/runs/guid-1?wsid=/w",
        "error": "KeyError: 'bmi'",
        "log": "ExperimentRun/dcid.guid-1/logs/user/error.txt",
    }
    assert app.announced.events[-1][2]["because"] == shown["because"]


async def test_the_log_of_the_job_is_given_by_its_end(app: InferenceApp, failed: str) -> None:
    status, log = await app.request("GET", f"runs/{failed}/logs?lines=1")
    _, other = await app.request("GET", f"runs/{failed}/logs?file=logs/azureml/executionlogs.txt")
    missing, problem = await app.request("GET", f"runs/{failed}/logs?file=../../secrets")

    assert (status, log["text"], log["cut"]) == (200, "KeyError: 'bmi'", True)
    assert (log["file"], len(log["files"])) == ("ExperimentRun/dcid.guid-1/logs/user/error.txt", 2)
    assert (other["text"], other["cut"]) == ("1 files failed, more than the error threshold of 0", False)
    assert (missing, "logs/user/error.txt" in problem["detail"]) == (404, True)


async def test_a_large_log_is_bounded_whatever_its_lines(app: InferenceApp, failed: str) -> None:
    logs_of(app).logs["guid-1"] = {"user_logs/std_log.txt": b"x" * 10_000_000}

    _, log = await app.request("GET", f"runs/{failed}/logs?lines=2000")

    assert (len(log["text"]), log["cut"]) == (256 * 1024, True)


async def test_a_run_without_a_job_and_a_job_without_a_log_say_so(app: InferenceApp) -> None:
    held = await app.arrive("landing/each/north/bad.csv", b"id,x\n1,bad\n")
    app.jobs.status_after = lambda looks: "Running"
    running = await app.arrive("landing/each/north/a.csv")
    await app.host.settle()

    status, problem = await app.request("GET", f"runs/{held}/logs")
    _, log = await app.request("GET", f"runs/{running}/logs")
    unknown, _ = await app.request("GET", "runs/nothing/logs")

    assert (status, unknown, "submitted no job" in problem["detail"]) == (404, 404, True)
    assert (log["file"], log["text"], log["files"]) == ("", "", [])


async def test_a_log_that_cannot_be_read_keeps_no_run_from_its_end(app: InferenceApp) -> None:
    logs_of(app).fail_with = Transient("the artifact store does not answer")
    app.jobs.status_after = lambda looks: "Failed"
    run = await app.arrive("landing/each/north/a.csv")

    assert (await app.finish(run)).because == "the job ended as Failed"
    _, shown = await app.request("GET", f"runs/{run}")
    assert shown["job"]["error"] == "its log could not be read: the artifact store does not answer"


async def test_the_command_prints_the_log_alone(
    app: InferenceApp, failed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNALBOX_URL", app.host.url)
    monkeypatch.setenv("SIGNALBOX_KEY", OPERATOR_KEY)

    printed = await asyncio.to_thread(CliRunner().invoke, main, ["logs", failed])
    shown = await asyncio.to_thread(CliRunner().invoke, main, ["status", failed])

    assert printed.stdout == LOGS["logs/user/error.txt"].decode()
    assert "logs/user/error.txt" in printed.stderr
    assert f"signalbox logs {failed}" in shown.stdout
    assert "https://ml.azure.com/runs/guid-1" in shown.stdout
