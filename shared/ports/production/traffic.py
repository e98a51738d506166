"""Ports of traffic figures beyond counts: what online endpoints answered, in bins, and the requests of each client."""

import math
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from shared.ports.production.rollout import ServedEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputBins:
    """Where an output belongs: bin i is below the i-th of the rising *edges*, the last bin above all of them; or it is
    that of the class, with one more for all other classes.

    *field* is the column of a model's outputs, empty where the outputs are no records. *collection* is the data
    collector's: `model_outputs` of a scoring script, or `response` of whole answers. With *first_only* a line that was
    collected counts as its first output alone: the rows of one request are no units of their own.
    """

    edges: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    field: str = ""
    collection: str = "model_outputs"
    first_only: bool = False

    @property
    def size(self) -> int:
        return (len(self.classes) or len(self.edges)) + 1

    def bin_of(self, output: object) -> int | None:
        """None for what is in no bin: a missing output, and where numbers are expected also texts and NaN."""
        if output is None:
            return None
        if self.classes:
            name = str(output)
            return self.classes.index(name) if name in self.classes else len(self.classes)
        if isinstance(output, bool) or not isinstance(output, int | float) or math.isnan(output):
            return None
        return bisect_right(self.edges, output)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputMinute:
    """How many outputs of *deployment* in one *minute* (whole minutes since 1970, UTC) fell in each of the *bins*.

    *unread* are those that are in none: missing, of another kind, or kept elsewhere because they were too large.
    """

    deployment: str
    minute: int
    bins: tuple[int, ...]
    unread: int = 0


class OutputFigures(Protocol):
    """What an endpoint's deployments were sent and have answered, of those requests that were collected."""

    def outputs(self, served: ServedEndpoint, first: int, last: int, bins: OutputBins) -> Iterator[OutputMinute]:
        """Those of the minutes *first* to *last*, in any order. A minute that is missing was not collected."""
        ...

    def collected_through(
        self,
        served: ServedEndpoint,
        deployments: Collection[str],
        collections: Collection[str],
        span: tuple[int, int],
        block_s: int = 60,
    ) -> int:
        """The last of the blocks of *span* beyond which each of *deployments* has written into all *collections*.

        The block before *span* where one of them has written nothing. Instances write when they like: a block beyond
        may have the requests of one deployment, and not yet those of another, or requests without their answers.
        """
        ...

    def requests(self, served: ServedEndpoint, deployment: str, first: int, last: int) -> Iterator[bytes]:
        """The bodies of the requests to *deployment* in these minutes, in the order of their files, as JSON."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMinute:
    """As DeploymentMinute, for the requests of one *client*, which is the digest of who called and with what."""

    deployment: str
    minute: int
    client: str
    requests: int
    bad: int
    slow: int | None = None


class ClientFigures(Protocol):
    """The counts of an endpoint's requests by client, for where requests of a client stay on one deployment."""

    def clients(
        self, served: ServedEndpoint, first: int, last: int, slow_over_ms: float | None = None
    ) -> Iterator[ClientMinute]: ...
