"""The port of the data collector's files: what an online endpoint's deployments were sent and answered, line by line.

Their figures for a rollout are in `shared.ports.production.traffic`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from shared.domain.answers.parts import CollectedFile, FileRange
from shared.domain.failures import Refused
from shared.ports.production.rollout import ServedEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedLine:
    """A line of a file, which begins at byte *start* and is followed by byte *end*.

    *request* is the id of the request that it is about, *at* its time as written, and *data* what was sent or
    answered. *because* says why a line cannot be read, empty where it can; *text* is then its beginning.
    """

    start: int
    end: int
    request: str = ""
    at: str = ""
    data: Any = None
    because: str = ""
    text: str = ""


class PieceGoneError(Refused):
    """A part of a collected file is not there any more, and nothing brings it back."""


class CollectedFiles(Protocol):
    """The files as the collector appends to them."""

    def deployments(self, served: ServedEndpoint) -> Sequence[str]:
        """The deployments of the endpoint that have collected anything, also those that are gone."""
        ...

    def files(
        self, served: ServedEndpoint, deployment: str, day: date, collections: Sequence[str]
    ) -> Iterator[CollectedFile]:
        """Those of the *collections* on *day*."""
        ...

    def lines(self, served: ServedEndpoint, piece: FileRange) -> Iterator[CollectedLine]:
        """The whole lines in *piece*, one at a time; never a whole file in memory.

        Raises PieceGoneError where the file is gone or shorter than it was, and Refused where it may not be read.
        """
        ...
