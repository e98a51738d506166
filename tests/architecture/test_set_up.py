"""`make setup` names its steps and how long they take, so that nobody looks at a silent terminal for minutes."""

import os
import pty
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def makefile(tmp_path: Path) -> Path:
    """The project's definition of a step, with targets of the test's own."""
    text = (PROJECT / "Makefile").read_text()
    definition = re.search(r"^STEP = .*?; step$", text, re.MULTILINE | re.DOTALL)
    assert definition is not None
    targets = (
        "good:\n\t@$(STEP) \"packages\" sh -c 'echo noise; sleep 0.2' >log 2>&1\n"
        'bad:\n\t@$(STEP) "packages" false\n'
        'long:\n\t@$(STEP) "packages" sleep 30\n'
    )
    path = tmp_path / "Makefile"
    path.write_text(f"{definition[0]}\n\n{targets}")
    return path


def make(makefile: Path, target: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-s", "-f", str(makefile), target], cwd=makefile.parent, capture_output=True, text=True, check=False
    )


def test_every_long_command_of_set_up_is_a_step() -> None:
    plan = subprocess.run(
        ["make", "--always-make", "-n", "setup"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    commands = [line for line in plan.stdout.splitlines() if re.search(r"\b(pip install|npm ci|-m venv)\b", line)]

    assert len(commands) >= 4
    assert all("step" in line for line in commands), commands


def test_a_step_says_its_name_and_its_seconds_and_fails_with_its_command(makefile: Path) -> None:
    good, bad = make(makefile, "good"), make(makefile, "bad")

    assert (good.returncode, good.stdout) == (0, "")
    assert re.fullmatch(r"packages \.\.\.\npackages: done after \d+ s\n", good.stderr), good.stderr
    assert (makefile.parent / "log").read_text() == "noise\n"
    assert bad.returncode != 0
    assert "packages: failed after" in bad.stderr


def test_a_terminal_sees_the_seconds_and_ctrl_c_leaves_nothing_behind(makefile: Path) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [shutil.which("make") or "make", "-s", "-f", str(makefile), "long"],
        cwd=makefile.parent,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # A run in the background ignores it.
    )
    os.close(follower)
    seen = b""
    while not re.search(rb"packages: [1-9]\d* s", seen):  # A busy machine may skip a second.
        seen += os.read(leader, 1000)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(30)

    while True:  # The clock holds the terminal open as long as it runs.
        try:
            if not os.read(leader, 1000):
                break
        except OSError:
            break
    os.close(leader)
    assert process.returncode != 0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the project's Makefile where only npm's packages are missing, and an npm that keeps a diary."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "verifier").mkdir()
    sources = ("requirements.in", "requirements-local.in", "pyproject.toml", "setup.py")
    for name in (*sources, "constraints.txt", "package.json", "package-lock.json"):
        (tmp_path / name).touch()
    (tmp_path / "verifier" / "pyproject.toml").touch()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".ready").touch()
    (tmp_path / "bin").mkdir()
    npm = tmp_path / "bin" / "npm"
    npm.write_text("#!/bin/sh\necho begun >>diary\nmkdir -p node_modules\nsleep 0.5\necho ended >>diary\n")
    npm.chmod(0o755)
    return tmp_path


def set_up(checkout: Path, path: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [shutil.which("make") or "make", "setup"],
        cwd=checkout,
        env={"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.skipif(shutil.which("flock") is None, reason="flock is of util-linux, which is not installed here")
def test_of_two_set_ups_at_once_the_second_waits_and_finds_all_ready(checkout: Path) -> None:
    both = [set_up(checkout, f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}") for _ in range(2)]
    printed = [process.communicate(timeout=60)[0] for process in both]

    assert [process.returncode for process in both] == [0, 0], printed
    assert (checkout / "diary").read_text().split() == ["begun", "ended"]
    assert (checkout / "node_modules" / ".ready").exists()


def test_without_flock_set_up_works_as_well(checkout: Path) -> None:
    for name in ("sh", "make", "mkdir", "touch", "sleep", "date"):
        (checkout / "bin" / name).symlink_to(shutil.which(name) or name)

    process = set_up(checkout, str(checkout / "bin"))
    printed, _ = process.communicate(timeout=60)

    assert process.returncode == 0, printed
    assert (checkout / "diary").read_text().split() == ["begun", "ended"]
