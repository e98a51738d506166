"""What `signalbox up` heeds, and how its commands fail on the running local cloud."""

import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from signalbox.launcher.cloud import LocalCloud, StartError
from tests.cli.conftest import clean_environment
from tests.documents.conftest import SLOW_SWEEPS, Desk
from tests.documents.documented import PROJECT

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("documents")]


def test_up_heeds_the_setting_that_names_the_configuration(desk: Desk) -> None:
    assert "configuration\tmine.yaml\t" in desk.announced
    assert "mine" in desk.app.get("health")["routes"]


def test_up_heeds_the_schedules_that_its_environment_sets(desk: Desk) -> None:
    host_port = str(desk.endpoints.host)
    processes = psutil.process_iter(["cmdline"])
    hosts = [process for process in processes if {"signalbox.host", host_port} <= set(process.info["cmdline"] or [])]

    assert len(hosts) == 3  # The host, its worker, and the process that forks workers.
    assert all(SLOW_SWEEPS.items() <= host.environ().items() for host in hosts)


def test_a_container_that_is_missing_is_named(desk: Desk) -> None:
    printed = desk.run(f"signalbox drop {PROJECT}/README.md --to nowhere/x/")

    assert (printed.code, len(printed.text.splitlines())) == (4, 1), printed
    assert "the hub has no container 'nowhere'" in printed.text


def test_a_person_whom_the_directory_does_not_know_is_told_who_is_there(desk: Desk) -> None:
    printed = desk.run("signalbox token --as nobody@example.org")

    assert (printed.code, "ada@example.org" in printed.text) == (4, True), printed


def test_a_second_cloud_on_the_same_port_says_what_to_do(desk: Desk) -> None:
    printed = desk.run(f"signalbox up --no-example --port {desk.endpoints.host}")

    assert (printed.code, "choose another with --port" in printed.text) == (8, True), printed
    assert "Traceback" not in printed.text


def test_ctrl_c_ends_a_start_at_once_and_leaves_nothing_running(tmp_path: Path) -> None:
    for path in PROJECT.iterdir():
        if path.name not in (".signalbox", ".git"):
            (tmp_path / path.name).symlink_to(path)
    process = subprocess.Popen(
        [sys.executable, "-m", "signalbox.cli", "up", "--no-example", "--port", "0"],
        cwd=tmp_path,
        env=clean_environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    rest, _ = process.communicate(timeout=60)

    assert (process.returncode, rest.splitlines()[-1]) == (130, "stopped before everything was ready; nothing runs")
    assert "azurite" in first
    assert time.monotonic() - began < 30


class _Broken(BaseHTTPRequestHandler):
    """A host whose app cannot be made."""

    def do_GET(self) -> None:
        self.send_response(500)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        del format, arguments


def test_an_app_that_cannot_start_is_not_waited_for(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Broken)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    cloud = LocalCloud(PROJECT, tmp_path, host_port=server.server_port)
    cloud._children["host"] = SimpleNamespace(ended=None, last_lines=lambda: "broken.yaml:3: hub is missing")  # type: ignore[assignment]
    try:
        with pytest.raises(StartError, match=r"broken\.yaml:3"):
            cloud._await("host", cloud._host_ready)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
