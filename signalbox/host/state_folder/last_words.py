"""Know at the next start whether the host's process was ended by its own code or from outside.

A fatal signal (a fault in native code, `abort`), `os._exit` and a SIGKILL to itself leave a line here. A SIGKILL from
outside, an exhausted machine and a power cut leave none.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from pathlib import Path

_MOST_TEXT = 300


class LastWords:
    """`last-words.txt` in the state folder, for one process at a time."""

    def __init__(self, state: Path) -> None:
        self._path = state / "last-words.txt"

    def take(self) -> str | None:
        """The line that the previous process left; None if it left none. Reading it removes it."""
        try:
            text = self._path.read_text(errors="replace")
        except FileNotFoundError:
            return None
        self._path.unlink()
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[0][:_MOST_TEXT] if lines else None

    def listen(self) -> None:
        """Begin to write them. It replaces `os._exit` and `os.kill`: only a process that is just a host may call it."""
        words = self._path.open("w")  # Open for as long as the process lives: a signal handler cannot open it.
        owner = os.getpid()
        exit_now, send = os._exit, os.kill

        def leave(text: str) -> None:
            if os.getpid() == owner:  # A forked child ends so as a rule, which says nothing about the host.
                words.write(text)
                words.flush()

        def exit_with_words(status: int) -> None:
            leave(f"os._exit({status}) was called\n")
            exit_now(status)

        def kill_with_words(pid: int, number: int, /) -> None:
            if pid == owner and number == signal.SIGKILL:
                leave("the process sent SIGKILL to itself\n")
            send(pid, number)

        os._exit = exit_with_words  # type: ignore[assignment]
        os.kill = kill_with_words
        faulthandler.enable(words, all_threads=False)
