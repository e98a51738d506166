"""Long work shows on a terminal that it lives, and on nothing else."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import clean_environment

SCRIPT = """
import click, time
from signalbox.cli.progress import copying, waiting

@click.command()
@click.option("--json", "as_json", is_flag=True)
def main(as_json):
    with waiting("waiting for check-1"):
        click.echo("a line meanwhile")
        time.sleep(0.3)
    with copying("copying big.csv", 2_000_000) as advance:
        advance(1_000_000)
        time.sleep(0.3)

main()
"""


def on_terminal(folder: Path, *words: str) -> tuple[str, str]:
    """What the script prints where standard error is a terminal and output a pipe."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words],
        cwd=folder,
        env=clean_environment({"TERM": "xterm"}),
        stdout=subprocess.PIPE,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:  # Linux says so when the other end is closed.
            break
        if not part:
            break
        shown += part
    output, _ = process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0
    return output.decode(), shown.decode()


def test_a_terminal_sees_waits_and_copies_and_the_pipe_beside_it_sees_lines_alone(tmp_path: Path) -> None:
    output, shown = on_terminal(tmp_path)

    assert output == "a line meanwhile\n"
    assert "waiting for check-1" in shown
    assert "copying big.csv" in shown
    assert "1.0/2.0 MB" in shown


def test_beside_json_nothing_is_shown(tmp_path: Path) -> None:
    assert on_terminal(tmp_path, "--json") == ("a line meanwhile\n", "")


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_pipe_sees_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], cwd=tmp_path, env=clean_environment({}), capture_output=True, check=True
    )

    assert (done.stdout, done.stderr) == (b"a line meanwhile\n", b"")
