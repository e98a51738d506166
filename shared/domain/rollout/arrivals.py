"""Which arrivals of a batch endpoint the new version scores during a rollout, and how two outputs of one compare.

An arrival keeps its side while the share grows. Not here: who asks, and what a look makes of the pairs.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappush, heappushpop

_HUNDRED = 100
_LONGEST_LINE = 64 * 1024


def is_chosen(deployment: str, key: str, percent: int) -> bool:
    """Whether the arrival *key* is among the *percent* that *deployment* scores.

    The hash has the deployment in it, so that another rollout begins with other arrivals.
    """
    digest = hashlib.sha256(f"{deployment}\n{key}".encode()).digest()
    # Of 2**64 values the remainders of 100 are equally likely to within 1 in 10**17.
    return int.from_bytes(digest[:8]) % _HUNDRED < percent


def rival(shares: Mapping[str, int], default: str) -> tuple[str, int] | None:
    """The deployment that is on its way beside *default*, and its percent; None where not two share the traffic."""
    others = [(name, share) for name, share in shares.items() if name != default and share]
    return others[0] if len(others) == 1 and shares.get(default) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSample:
    """The outputs of those rows of one arrival whose hashes are the lowest, by hash.

    *repeated* are rows that were written more than once, which nobody can tell apart. All rows up to the hash *through*
    are in the sample, if they were written at all.
    """

    outputs: dict[bytes, str]
    repeated: frozenset[bytes]
    through: bytes


def sample_outputs(lines: Iterable[str], most: int, *, field: int = -1, delimiter: str = " ") -> OutputSample:
    """At most *most* rows of *lines*, always the same ones, in whatever order they were written.

    A row is what stands beside the output *field* (from 1, -1 the last); the lines have no header. A line that is too
    long, or has no other field, is left out.
    """
    lowest: list[tuple[int, bytes]] = []  # The highest hash first, by its negated number.
    outputs, repeated, through = dict[bytes, str](), set[bytes](), b"\xff" * 16
    for cells in csv.reader((line for line in lines if len(line) <= _LONGEST_LINE), delimiter=delimiter):
        place = field - 1 if field > 0 else len(cells) - 1
        if len(cells) < 2 or place >= len(cells):
            continue
        row = hashlib.sha256("\n".join(cells[:place] + cells[place + 1 :]).encode()).digest()[:16]
        if row in outputs:
            repeated.add(row)
        elif row < through or len(lowest) < most:
            outputs[row] = cells[place]
            item = (-int.from_bytes(row), row)
            if len(lowest) < most:
                heappush(lowest, item)
            else:
                _, dropped = heappushpop(lowest, item)
                outputs.pop(dropped, None)
                repeated.discard(dropped)
            through = lowest[0][1] if len(lowest) == most else through
    return OutputSample(outputs=outputs, repeated=frozenset(repeated), through=through)


def pairs_of(canary: OutputSample, champion: OutputSample) -> Iterator[tuple[str | None, str | None]]:
    """The outputs of both versions for each row that both samples cover; None where a version has left a row out."""
    through, unclear = min(canary.through, champion.through), canary.repeated | champion.repeated
    for row in sorted((canary.outputs.keys() | champion.outputs.keys()) - unclear):
        if row <= through:
            yield canary.outputs.get(row), champion.outputs.get(row)
