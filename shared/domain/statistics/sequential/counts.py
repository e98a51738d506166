"""Counts of the two arms, by minute, and how requests become units that are counted.

A unit is a request, or a client where a client's requests stay on one arm. Not here: what the counts say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from shared.domain.failures import Refused

MOST_UNITS = 2_000_000  # Of an arm in a block: 33,000 requests a second. An endpoint of Azure ML answers 500.


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteCounts:
    """The units of both arms in one *minute* (whole minutes since 1970, UTC), and how many of them were bad.

    Raises Refused for what is no count: NaN, a fraction, a negative number, more than a minute can have, more bad units
    than units. A minute that nobody measured has no MinuteCounts; one with zeros was measured.
    """

    minute: int
    canary: int
    champion: int
    canary_bad: int
    champion_bad: int

    def __post_init__(self) -> None:
        _check_whole(self)
        if self.canary_bad > self.canary or self.champion_bad > self.champion:
            raise Refused(f"minute {self.minute} has more bad units than units: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCounts:
    """Inputs that both arms answered in one *minute* of a replay, by which arms were bad."""

    minute: int
    pairs: int
    canary_only: int
    champion_only: int

    def __post_init__(self) -> None:
        _check_whole(self)
        if self.canary_only + self.champion_only > self.pairs:
            raise Refused(f"minute {self.minute} has more bad pairs than pairs: {self}")

    def plus(self, other: "PairCounts") -> "PairCounts":
        """Both together, as of this minute."""
        return PairCounts(
            minute=self.minute,
            pairs=self.pairs + other.pairs,
            canary_only=self.canary_only + other.canary_only,
            champion_only=self.champion_only + other.champion_only,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareCounts:
    """All units of both arms in one *minute* in which the canary should have had *percent* of them."""

    minute: int
    canary: int
    champion: int
    percent: int

    def __post_init__(self) -> None:
        _check_whole(self)
        if self.percent > 100:
            raise Refused(f"minute {self.minute} has a share of {self.percent} %")


def _check_whole(counts: MinuteCounts | PairCounts | ShareCounts) -> None:
    for field in fields(counts):
        value = getattr(counts, field.name)
        # A bool is an int, and NaN and 3.0 are none.
        if type(value) is not int or value < 0:
            raise Refused(f"{field.name} of minute {counts.minute} must be a whole number from 0 up, and is {value!r}")
        # The likelihoods take a step for each unit: nonsense must not keep a host busy for days.
        if field.name != "minute" and value > MOST_UNITS:
            raise Refused(
                f"{field.name} of minute {counts.minute} is {value}: nothing has over {MOST_UNITS} in a block"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRequest:
    """One request as a traffic log has it; *client* names the connection or the caller."""

    minute: int
    client: str
    is_canary: bool
    is_bad: bool


def counts_by_minute(blocks: Iterable[MinuteCounts]) -> tuple[MinuteCounts, ...]:
    """One block a minute, in order: parts of the same minute, such as those of several instances, are added up."""
    sums: dict[int, list[int]] = {}
    for block in blocks:
        parts = sums.setdefault(block.minute, [0, 0, 0, 0])
        for at, count in enumerate(_four(block)):
            parts[at] += count
    return tuple(_minute(minute, sums[minute]) for minute in sorted(sums))


def _four(block: MinuteCounts) -> tuple[int, int, int, int]:
    return block.canary, block.champion, block.canary_bad, block.champion_bad


def _minute(minute: int, counts: Sequence[int]) -> MinuteCounts:
    canary, champion, canary_bad, champion_bad = counts
    return MinuteCounts(
        minute=minute, canary=canary, champion=champion, canary_bad=canary_bad, champion_bad=champion_bad
    )


def _single(is_canary: bool, is_bad: bool) -> tuple[int, int, int, int]:
    return int(is_canary), int(not is_canary), int(is_canary and is_bad), int(is_bad and not is_canary)


def count_clients(
    requests: Sequence[UnitRequest], counted_clients: frozenset[str]
) -> tuple[tuple[MinuteCounts, ...], frozenset[str]]:
    """Every client once: in its first minute, bad if any of its requests on that arm in *requests* was.

    *requests* are all of one look. Clients of *counted_clients* were counted by earlier looks, and are left out: a
    client's requests depend on each other, in the next look as well. Returns the blocks, and all clients counted so
    far. A client on both arms counts on the one of its first request (the champion's, if one minute has both).
    """
    first: dict[str, tuple[int, bool]] = {}
    for request in requests:
        arrival = (request.minute, request.is_canary)
        if request.client not in counted_clients:
            first[request.client] = min(first.get(request.client, arrival), arrival)
    bad_clients = {(request.client, request.is_canary) for request in requests if request.is_bad}
    blocks = counts_by_minute(
        _minute(minute, _single(is_canary, (client, is_canary) in bad_clients))
        for client, (minute, is_canary) in first.items()
    )
    return blocks, counted_clients | first.keys()
