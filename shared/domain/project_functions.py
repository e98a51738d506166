"""Functions that a project brings itself, named as `rules/gates.py:enough_rows`: gates, data rules and metrics.

Here are the form of the name and what identifies the file. Running one is `shared.ports.ProjectFunctions`.
"""

import hashlib
import re
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z0-9_./-]+\.py:[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFunction:
    """The *function* of *file*, and the time and memory that it may take.

    With *source* only a file of that digest is run; without it, the file as it is.
    """

    file: str
    function: str
    source: str = ""
    seconds: float = 10.0
    memory_mb: int = 256

    @property
    def name(self) -> str:
        return f"{self.file}:{self.function}"


def file_of(name: str) -> str:
    """The file of the project's own function *name*; empty for what is no such name."""
    return name.rpartition(":")[0] if NAME.fullmatch(name) else ""


def metric_function(metric: str) -> str:
    """The project's own function that *metric* names, as `rules/metrics.py:cost@lower`; empty for another metric."""
    name = metric.rpartition("@")[0] or metric
    return name if NAME.fullmatch(name) else ""


def digest_of(source: bytes) -> str:
    """What plans, verdicts, receipts and reports call the content *source* of a project's file."""
    return f"sha256:{hashlib.sha256(source).hexdigest()}"
