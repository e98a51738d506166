"""Worker processes: whatever a function does to its process, the host and its neighbours go on."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.conformance.client import Client
from tests.host.process import Process, wait_until

APP = Path(__file__).parent / "apps" / "crew"
pytestmark = pytest.mark.xdist_group("workers")


class Served:
    """A host with workers."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url

    def client(self) -> Client:
        return Client(self.url, "")

    def get(self, path: str) -> tuple[int, str]:
        client = self.client()
        try:
            reply = client.get(path)
            return reply.status, reply.text
        finally:
            client.close()


@pytest.fixture(scope="module", params=[2], ids=["two workers"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    process = Process(APP, tmp_path_factory.mktemp("crew"), "--workers", str(request.param), "--allow-unserved")
    try:
        yield Served(process, process.start())
        assert process.end(signal.SIGTERM) == 0, process.log.read_text()
    finally:
        process.close()


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    client = served.client()
    yield client
    client.close()


@pytest.mark.parametrize("how", ["exit", "fault", "abort"])
@pytest.mark.parametrize("path", ["end", "awaited-end"])
def test_a_function_that_ends_its_process_fails_alone(client: Client, path: str, how: str) -> None:
    assert client.get(f"/api/{path}/{how}").status == 500
    assert client.get("/api/end/well").text == "well"


def test_a_line_of_the_app_names_its_invocation(client: Client, served: Served) -> None:
    invocation = client.get("/api/log").text
    log = served.process.log.read_text()
    assert f"the.app written by GET [function=log invocation={invocation}]" in log
    assert f"outcome=succeeded invocation={invocation}" in log


def test_a_function_that_is_not_served_is_left_out(served: Served) -> None:
    assert "left out: function 'not_served' has trigger 'blobTrigger'" in served.process.log.read_text()


def test_calls_at_once_use_several_processes(served: Served) -> None:
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(served.get, ["/api/process"] * 4))
    assert {status for status, _ in answers} == {200}
    assert len({text for _, text in answers}) == 2


def test_what_blocks_a_process_is_ended_and_replaced(served: Served) -> None:
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(served.get, ["/api/spin", "/api/block"]))
    assert [status for status, _ in answers] == [500, 500]
    assert served.get("/api/end/well") == (200, "well")
    wait_until(lambda: len(workers(served)) == 2)


def workers(served: Served) -> list[psutil.Process]:
    """The processes that the nursery has forked."""
    assert served.process.pid is not None
    [nursery] = psutil.Process(served.process.pid).children()
    return list(nursery.children())


@pytest.mark.parametrize(("how", "cause"), [("exit", "exited with status 3"), ("fault", "SIGSEGV")])
def test_an_activity_that_ends_its_process_twice_is_failed_and_its_neighbours_finish(
    client: Client, how: str, cause: str
) -> None:
    status = client.run("caring", ["well", how, "as well"])
    assert status["runtimeStatus"] == "Completed"
    first, failure, last = status["output"]
    assert (first, last) == ("well", "as well")
    assert "it ended its process 2 times" in failure
    assert cause in failure


def test_an_orchestrator_that_ends_its_process_fails(client: Client) -> None:
    status = client.run("ending_orchestrator")
    assert status["runtimeStatus"] == "Failed"
    assert "exited with status 3" in status["output"]


def test_an_orchestrator_goes_on_in_another_process(client: Client, served: Served) -> None:
    instance = client.start("patient")
    client.wait(instance, "Running")
    for number in (1, 2):
        for worker in workers(served):
            worker.kill()
        wait_until(lambda: served.get("/api/end/well")[0] == 200)
        body = json.dumps(number)
        client.durable("POST", f"/instances/{instance}/raiseEvent/go", body, {"Content-Type": "application/json"})
    assert client.wait(instance)["output"] == [1, "well", 2]


@pytest.mark.parametrize(("ends", "attempts", "state"), [(1, 2, 1), (9, 3, None)])
def test_an_operation_of_an_entity_is_tried_again_in_another_process(
    client: Client, served: Served, ends: int, attempts: int, state: int | None
) -> None:
    path = f"/entities/fragile/{ends}"
    assert client.durable("POST", f"{path}?op=add").status == 202
    client.until(lambda: served.process.counted()[str(ends)], lambda count: count >= attempts)
    client.until(lambda: served.process.rows("SELECT 1 FROM inbox"), lambda rows: not rows)
    reply = client.durable("GET", path)
    assert (served.process.counted()[str(ends)], reply.status) == (attempts, 404 if state is None else 200)
    assert state is None or reply.json() == state


def test_a_signal_to_the_whole_group_ends_it_in_order(tmp_path: Path) -> None:
    process = Process(APP, tmp_path, "--workers", "2", "--allow-unserved")
    try:
        assert process.start()
        assert process.pid is not None
        for below in psutil.Process(process.pid).children(recursive=True):
            below.terminate()
            below.send_signal(signal.SIGINT)
        assert process.end(signal.SIGTERM) == 0
        assert "ERROR" not in process.log.read_text()
    finally:
        process.close()


def test_no_worker_outlives_a_host_that_is_killed(tmp_path: Path) -> None:
    process = Process(APP, tmp_path, "--workers", "1", "--allow-unserved")
    try:
        assert process.start()
        assert process.pid is not None
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(below) == 2
        process.end(signal.SIGKILL)
        wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in below))
    finally:
        process.close()
