"""The tutorial of docs/tutorial.md, line by line, as a newcomer follows it: with the wheel, in an empty folder.

The whole story is a proof of some minutes. `make test` looks whether each command and option is there.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shlex import split

import pytest

from tests.documents.documented import Shown, blocks, commands_of
from tests.documents.known_commands import unknown_words
from tests.packaging.conftest import PROJECT, Installation, clean
from tests.packaging.test_template import azurite_folder

TUTORIAL = PROJECT / "docs" / "tutorial.md"
STEPS = [shown for block in blocks(TUTORIAL) for shown in commands_of(block)]
INSTALLED = ("python3 -m venv .venv && . .venv/bin/activate", "pip install signalbox")  # The fixture does it.
PATIENCE_S = 300
# These only look, so that a reader repeats them until something has happened.
LOOKS = ("signalbox promotions", "signalbox status", "signalbox explain", "signalbox history")
_NAME = re.compile(r"\b(PROMOTION|DIGEST|RUN)\b")


def test_every_command_of_the_tutorial_and_its_options_are_there() -> None:
    commands = [step.command for step in STEPS if step.command.startswith("signalbox ")]

    assert len(commands) > 25
    assert {command: unknown_words(command) for command in commands if unknown_words(command)} == {}


def test_the_tutorial_begins_with_what_the_installation_does() -> None:
    assert tuple(step.command for step in STEPS[:2]) == INSTALLED
    assert [step.command for step in STEPS if step.command == "signalbox up"] == ["signalbox up"]


class Reader:
    """A person at two terminals, who keeps the ids that were printed and types them where the tutorial names them."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.folder, self.names = folder, dict[str, str]()
        path = f"{installation.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**clean(), "PATH": path, "XDG_CACHE_HOME": str(folder / "cache")}
        self.cloud: subprocess.Popen[bytes] | None = None

    def follow(self, step: Shown) -> None:
        """Do one step. Raises AssertionError where something else is printed than the tutorial shows."""
        if step.command.startswith("cd "):
            self.folder = self.folder / step.command.removeprefix("cd ")
        elif step.command == "signalbox up":
            self._start_cloud(step)
        else:
            self._type(step)

    def _type(self, step: Shown) -> None:
        command = _NAME.sub(lambda name: self.names[name[0]], step.command)
        deadline = time.monotonic() + PATIENCE_S
        while (missing := self._missing(step, self._run(command))) and step.command.startswith(LOOKS):
            assert time.monotonic() < deadline, missing
            time.sleep(2)  # noqa: TID251 - Polls with a deadline.
        assert not missing, missing

    def _run(self, command: str) -> str:
        process = subprocess.run(
            split(command), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        return process.stdout + process.stderr

    def _start_cloud(self, step: Shown) -> None:
        """In a terminal of its own, at a free port: other tests may have a cloud at the usual one."""
        log = self.folder.parent / "up.log"
        step = replace(step, prints=tuple(line.replace(":7071", ":…") for line in step.prints))
        with log.open("w") as output:
            self.cloud = subprocess.Popen(
                ["signalbox", "up", "--port", "0"],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + PATIENCE_S
        while missing := self._missing(step, log.read_text()):
            assert self.cloud.poll() is None, log.read_text()
            assert time.monotonic() < deadline, missing
            time.sleep(0.5)  # noqa: TID251 - Polls with a deadline.

    def _missing(self, step: Shown, printed: str) -> str:
        """The first line that the tutorial shows and that was not *printed*, with all that was; or nothing."""
        lines = [" ".join(line.split()) for line in printed.splitlines()]
        place = 0
        for shown in step.prints:
            pattern = self._pattern(" ".join(shown.split()), step.command)
            matches = [(at, match) for at, line in enumerate(lines) if at >= place and (match := pattern.search(line))]
            if not matches:
                return f"{step.command}: {shown}\n{printed}"
            place, match = matches[0][0] + 1, matches[0][1]
            self.names |= match.groupdict()
        return ""

    def _pattern(self, shown: str, command: str) -> re.Pattern[str]:
        """*shown* as an expression: a name that *command* was given is itself, and a new one is learned."""
        parts = []
        for word in re.split(r"(PROMOTION|DIGEST|RUN|…)", shown):
            if word == "…":
                parts.append(".*")
            elif not _NAME.fullmatch(word):
                parts.append(re.escape(word))
            elif word in command or (word == "PROMOTION" and not command.startswith("signalbox promote ")):
                parts.append(re.escape(self.names[word]))
            else:
                known = re.escape(self.names.get(word, " "))
                parts.append(rf"(?<!\S)(?P<{word}>(?!{known}\b)[\w.:-]+)")  # The newest: not the one before.
        return re.compile("".join(parts))

    def leave(self) -> None:
        """Ctrl-C in the first terminal."""
        if self.cloud is not None and self.cloud.poll() is None:
            self.cloud.send_signal(signal.SIGINT)
            assert self.cloud.wait(60) == 0


@pytest.fixture
def reader(installation: Installation, tmp_path: Path) -> Iterator[Reader]:
    cache = tmp_path / "cache" / "signalbox"
    cache.mkdir(parents=True)
    (cache / azurite_folder()).symlink_to(PROJECT)  # Its node_modules are what npm would install there.
    person = Reader(installation, tmp_path)
    try:
        yield person
    finally:
        person.leave()


@pytest.mark.proof
@pytest.mark.xdist_group("packaging")
def test_a_newcomer_who_types_the_tutorial_sees_what_it_shows(reader: Reader) -> None:
    for step in STEPS[len(INSTALLED) :]:
        reader.follow(step)
