"""Ports of the local cloud: nobody is given one that another process was given and has not bound yet."""

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from signalbox.launcher import endpoints
from signalbox.launcher.endpoints import free_ports

TURN, COUNT = 7, 17
CHOICE = f"""import itertools
from signalbox.launcher import endpoints
endpoints._turns = itertools.count({TURN})
print(*endpoints.free_ports({COUNT}))"""


def test_processes_that_choose_at_once_are_given_different_ports(tmp_path: Path) -> None:
    def choose(_: int) -> list[str]:
        environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-c", CHOICE]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()

    with ThreadPoolExecutor() as threads:
        ports = [port for chosen in threads.map(choose, range(4)) for port in chosen]

    assert len(set(ports)) == len(ports) == 4 * COUNT


def test_a_port_that_nobody_has_bound_is_given_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(now: float) -> list[int]:
        monkeypatch.setattr(endpoints, "_turns", itertools.count(TURN))
        monkeypatch.setattr(endpoints.time, "time", lambda: now)
        return free_ports(1)

    monkeypatch.setattr(endpoints.tempfile, "gettempdir", lambda: str(tmp_path))
    first, second, later = choose(1000.0), choose(1100.0), choose(1121.0)

    assert first != second
    assert later == first


def test_a_line_that_was_written_half_is_no_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints.tempfile, "gettempdir", lambda: str(tmp_path))
    free_ports(1)
    (path,) = tmp_path.iterdir()
    path.write_text("15007\n1500")

    assert len(free_ports(2)) == 2
