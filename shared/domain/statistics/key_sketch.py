"""What share of one table's keys another table has, from a thousand keys of each: 16 kB of any number of rows.

A sketch has the smallest hashes of a table's keys (Broder 1997). Below the smaller of two sketches' limits both are
complete, so the keys below it are a random sample of both tables. It holds no key.
"""

import hashlib
import heapq
from collections.abc import Iterable

SIZE = 1024
_BITS = 64


class KeySketch:
    """The *SIZE* smallest hashes of the keys that were added, each once."""

    def __init__(self, hashes: Iterable[int] = ()) -> None:
        self._hashes = set(hashes)
        self._largest_first = [-value for value in self._hashes]
        heapq.heapify(self._largest_first)

    def add_all(self, keys: Iterable[str]) -> None:
        """Count *keys* in."""
        size = _BITS // 8
        largest = self._largest.to_bytes(size, "big")
        for key in keys:
            # A cryptographic hash: with a weak one, keys that count up (customer 1, 2, 3 ...) would not be a random
            # sample. Nearly all are too large, which their bytes show as well as their numbers.
            digest = hashlib.blake2b(key.encode(), digest_size=size).digest()
            if digest <= largest:
                self._keep(int.from_bytes(digest, "big"))
                largest = self._largest.to_bytes(size, "big")

    def _keep(self, value: int) -> None:
        if value in self._hashes:
            return
        self._hashes.add(value)
        if len(self._hashes) <= SIZE:
            heapq.heappush(self._largest_first, -value)
        else:
            self._hashes.remove(-heapq.heappushpop(self._largest_first, -value))

    @property
    def _largest(self) -> int:
        """Every key of the table with a hash up to it is in the sketch."""
        return -self._largest_first[0] if len(self._hashes) >= SIZE else 2**_BITS - 1

    def share_in(self, sketch: "KeySketch") -> float:
        """The share of this table's keys that *sketch*'s has: exact up to SIZE keys in both, else within 0.05 or so.

        1 where none can be compared, since this table is then a small part of what the other one has.
        """
        limit = min(self._largest, sketch._largest)
        comparable = {value for value in self._hashes if value <= limit}
        return len(comparable & sketch._hashes) / len(comparable) if comparable else 1.0

    def to_list(self) -> list[str]:
        """Plain JSON, in order; `parse_sketch` reads it back."""
        return [f"{value:016x}" for value in sorted(self._hashes)]


def parse_sketch(hashes: Iterable[str]) -> KeySketch:
    """The sketch of which `to_list` gave *hashes*."""
    return KeySketch(int(value, 16) for value in hashes)
