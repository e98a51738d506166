"""The logs of a job: which file says most, which part of it may be shown, and which line of it is the error.

The names are Azure ML's: `user_logs/` of a command, `logs/user/` of batch scoring, `logs/azureml/` of a pipeline
itself, and `azureml-logs/` of the runtime before the present one.
https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-batch-endpoints
"""

import re
from dataclasses import dataclass

from shared.domain.access.redaction import redacted

FOLDERS = ("user_logs/", "logs/", "azureml-logs/", "system_logs/")
_TELLING = tuple(  # The first that fits is the rank: where people find their own script's error.
    re.compile(pattern)
    for pattern in (
        r"logs/user/error\.txt",
        r"user_logs/std_log.*\.txt",
        r"logs/user/error/.+",
        r"logs/user/stderr/.+",
        r"azureml-logs/\d\d.+\.txt",
        r"logs/azureml/executionlogs\.txt",
        r"logs/job_progress_overview.*\.txt",
        r"logs/user/.+",
    )
)
_ERROR = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Exit|Interrupt|Warning)(?:: .*)?")
_FRAME = re.compile(r' {0,8}File "(?P<file>[^"\n]+)", line (?P<line>[0-9]{1,9})')
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST_ERROR = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """A file of *size* bytes that *run*, a job or one of its steps, wrote; *path* is below the run's own folder."""

    run: str
    path: str
    size: int

    @property
    def name(self) -> str:
        """Where it lies in the artifact store of the workspace."""
        return f"ExperimentRun/dcid.{self.run}/{self.path}"


def most_telling(files: tuple[LogFile, ...]) -> tuple[LogFile, ...]:
    """*files*, the one that is likeliest to name an error first, and the empty ones last."""
    return tuple(sorted(files, key=lambda file: (not file.size, _rank(file.path), file.path, file.run)))


def printable_tail(data: bytes, lines: int) -> str:
    """The last *lines* lines of *data* as a terminal may show them: no control characters, and no secrets."""
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return redacted(_UNSHOWN.sub("", "\n".join(text.rstrip("\n").split("\n")[-lines:])))


def last_error(text: str) -> str:
    """The line of *text* that names its last exception, or else its last line; empty where it has none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.fullmatch(line)]
    return (errors or lines or [""])[-1][:_LONGEST_ERROR]


def kind_of_error(error: str) -> str:
    """The class of the exception that *error* names, a line of `last_error`; empty where it names none."""
    return error.partition(":")[0] if _ERROR.fullmatch(error) else ""


def script_place(text: str, script: str) -> str:
    """`SCRIPT:LINE` of the last frame in *text* that is of the scoring script; empty where none is."""
    frames = [_FRAME.match(line) for line in text.splitlines()]
    lines = [frame["line"] for frame in frames if frame and script and frame["file"].rpartition("/")[2] == script]
    return f"{script}:{lines[-1]}" if lines else ""


def _rank(path: str) -> int:
    return next((rank for rank, pattern in enumerate(_TELLING) if pattern.fullmatch(path)), len(_TELLING))
