"""One line per invocation: time, level, function, instance, duration and outcome, as plain text on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar

INVOCATION: ContextVar[str] = ContextVar("invocation", default="")
"""The function that runs and the id of its invocation, as a log line names them."""

LOGGER = logging.getLogger("signalbox.host")
_FINISHED = "finished_function"  # The field of a record that tells how an invocation ended.
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class _Lines(logging.Formatter):
    """Only a record begins at the left margin: whatever it quotes, no line inside it can pass for another record."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\n    ")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        """A line that the app writes names the invocation that wrote it."""
        text, invocation = super().formatMessage(record), INVOCATION.get()
        return f"{text} [{invocation}]" if invocation and record.name != LOGGER.name else text


LOG_LEVELS = {"trace": 5, "debug": 10, "information": 20, "warning": 30, "error": 40, "critical": 50, "none": 100}
"""The levels of `logging.logLevel` in host.json."""


class Categories(logging.Filter):
    """Lets lines through whose category has their level; of the *levels*, the longest name that begins one counts.

    A line that the app writes while a function runs is of `Function.NAME.User`, as on Azure, and one that it writes at
    other times of `Worker`. The line of a finished invocation is of `Function.NAME` and of `Host.Results`; every other
    line of the host is of `Host.General`.
    """

    def __init__(self, levels: Mapping[str, int]) -> None:
        super().__init__()
        self._levels = {name.casefold(): level for name, level in levels.items()}
        self._default = self._levels.pop("default", logging.INFO)
        self._names = sorted(self._levels, key=len, reverse=True)
        self._known: dict[str, int] = {}

    @property
    def lowest(self) -> int:
        return min(self._default, *self._levels.values()) if self._levels else self._default

    def level_of(self, category: str) -> int:
        if category not in self._known:
            name = next((name for name in self._names if category.casefold().startswith(name)), None)
            self._known[category] = self._default if name is None else self._levels[name]
        return self._known[category]

    def filter(self, record: logging.LogRecord) -> bool:
        return all(record.levelno >= self.level_of(category) for category in _categories(record))


def _categories(record: logging.LogRecord) -> tuple[str, ...]:
    function = INVOCATION.get().partition(" ")[0].removeprefix("function=")
    if record.name != LOGGER.name:
        return (f"Function.{function}.User" if function else "Worker",)
    finished = getattr(record, _FINISHED, None)
    return ("Host.General",) if finished is None else (f"Function.{finished}", "Host.Results")


def set_up_logging(level: str, levels: Mapping[str, int] | None = None) -> None:
    """Send every log line to stderr from *level* up, or as *levels* of categories say; libraries stay at WARNING
    unless *level* is DEBUG."""
    # No log line shows its thread, process or source. Looking for the source costs more than the line itself, which is
    # why logging's HOWTO ("Optimization") names these four switches.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(_FORMAT))
    categories = Categories(levels) if levels else None
    if categories is not None:
        handler.addFilter(categories)
    logging.basicConfig(level=categories.lowest if categories else level, handlers=[handler], force=True)
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
        details = {_FINISHED: function}
        LOGGER.log(level, line, function, instance, seconds * 1000, outcome, suffix, exc_info=error, extra=details)
