"""Child processes that log to files, die with their parent, and stop in order."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from signalbox.launcher.client_session import outer_environment
from signalbox.lifeline import die_with_parent

_STOP_PATIENCE_S = 8.0


@contextlib.contextmanager
def _without_interruption() -> Iterator[set[signal.Signals]]:
    """Hold Ctrl-C back during a fork; yields the signals that were held back before.

    Python calls hooks of its own after a fork, and an exception in one is printed and forgotten, Ctrl-C's too.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield {signal.Signals(number) for number in mask}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin(mask: set[signal.Signals]) -> None:
    """In the child, before its program begins: it takes signals as its parent did before the fork."""
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    die_with_parent()


class Child:
    """One process in a group of its own, so that what it starts ends with it."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output, _without_interruption() as mask:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**outer_environment(os.environ), **environment},
                cwd=folder,
                start_new_session=True,
                preexec_fn=partial(_begin, mask),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Send SIGTERM, then SIGKILL if the process does not end."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_lines(self, count: int = 12) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
