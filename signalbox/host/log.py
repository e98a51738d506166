"""One line per invocation: time, level, function, instance, duration and outcome, as plain text on stderr."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar

INVOCATION: ContextVar[str] = ContextVar("invocation", default="")
"""The function that runs and the id of its invocation, as a log line names them."""

LOGGER = logging.getLogger("signalbox.host")
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class _Lines(logging.Formatter):
    """Only a record begins at the left margin: whatever it quotes, no line inside it can pass for another record."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\n    ")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        """A line that the app writes names the invocation that wrote it."""
        text, invocation = super().formatMessage(record), INVOCATION.get()
        return f"{text} [{invocation}]" if invocation and record.name != LOGGER.name else text


def set_up_logging(level: str) -> None:
    """Send every log line to stderr from *level* up; libraries stay at WARNING unless *level* is DEBUG."""
    # No log line shows its thread, process or source. Looking for the source costs more than the line itself, which is
    # why logging's HOWTO ("Optimization") names these four switches.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(_FORMAT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if level != "DEBUG":
        for noisy in ("aiohttp.access", "asyncio", "azure"):
            logging.getLogger(noisy).setLevel(logging.WARNING)


def log_invocation(
    function: str, outcome: str, seconds: float, instance: str = "-", detail: str = "", error: Exception | None = None
) -> None:
    """Write the line of one finished invocation; failures are errors and show the traceback of *error*."""
    level = logging.ERROR if outcome == "failed" else logging.INFO
    if LOGGER.isEnabledFor(level):
        suffix = f" {detail}" if detail else ""
        line = "function=%s instance=%s duration_ms=%.1f outcome=%s%s"
        LOGGER.log(level, line, function, instance, seconds * 1000, outcome, suffix, exc_info=error)
