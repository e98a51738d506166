"""What arrived in the Data Hub, named by its content.

An arrival is (account, container, path, eTag): the same content is the same arrival, whatever event announced it.
"""

from dataclasses import dataclass


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


def bare_etag(etag: str) -> str:
    """The eTag without the quotes that some services put inside the value."""
    return etag.removeprefix("W/").strip('"')
