"""What arrived in the Data Hub, named by its content.

An arrival is (account, container, path, eTag): the same content is the same arrival, whatever event announced it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.failures import Refused

CONTAINER = re.compile(r"\$?[a-z0-9-]{3,63}")  # With the service's own: $web, $root, $logs.
_LONGEST_PATH = 1024  # Azure's limit for a blob's name.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # Control characters, and half characters.


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One committed blob version; *size* is in bytes, None where the event did not say."""

    account: str
    container: str
    path: str
    etag: str
    size: int | None = None

    @property
    def location(self) -> str:
        """`container/path`, the form routes are written in."""
        return f"{self.container}/{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalPlace:
    """Where files of a run have arrived; *account* is a team's own, empty for the Data Hub."""

    container: str
    account: str = ""


def is_folder_marker(path: str, metadata: Mapping[str, str]) -> bool:
    """Whether a blob only says that a folder is there, as Azure's tools and accounts with folders write it: no file."""
    marks = {name.lower(): value for name, value in metadata.items()}
    return path.endswith("/") or marks.get("hdi_isfolder", "").lower() == "true"


def bare_etag(etag: str) -> str:
    """The eTag without the quotes that some services put inside the value."""
    return etag.removeprefix("W/").strip('"')


def path_problem(path: str) -> str | None:
    """The reason why *path* is unsafe to write, list or sign: control characters, half a character, `..`; or empty."""
    if {".", ".."} & {*path.split("/")} or "\\" in path:
        return "a segment '.' or '..', or a backslash"
    if _UNSAFE.search(path):
        return "control characters or lone surrogates"
    return f"more than {_LONGEST_PATH} characters" if len(path) > _LONGEST_PATH else None


def refuse_way_out(container: str, path: str) -> None:
    """Refused where an HTTP client could be led from *path* to another container, or *container* is no name of one."""
    if not CONTAINER.fullmatch(container):
        raise Refused(f"{container[:70]!r} cannot be a container's name; name a file as container/path")
    if problem := path_problem(path):
        raise Refused(f"a path with {problem} is not taken, and {path[:200]!r} has that; rename the file")
