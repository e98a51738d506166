"""One number for each key, of any number of rows, in 24 bytes a row: the keys' digests, sorted, and the numbers.

It keeps no key and no line. Two keys are the same where 128 bits of their digests are.
"""

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BYTES = 16


class KeyedColumn:
    """*repeats* counts the keys that were given more than once, of which the first counts."""

    def __init__(self, pairs: Iterable[tuple[str, float]]) -> None:
        import numpy as np

        digests, values = bytearray(), array("d")
        for key, value in pairs:
            digests += _digest(key)
            values.append(value)
        names = np.frombuffer(digests, dtype=f"S{_BYTES}")
        # Stable, since of a repeated key the first row counts: `searchsorted` finds the leftmost of equal digests.
        order = np.argsort(names, kind="stable")
        self._names = names[order]
        self.values: NDArray[Any] = np.frombuffer(values, dtype=np.float64)[order]
        self.repeats = int((self._names[1:] == self._names[:-1]).sum())

    def __len__(self) -> int:
        return len(self._names)

    def places(self, keys: Sequence[str]) -> "NDArray[Any]":
        """Where each of *keys* is in `values`, -1 where it is not."""
        import numpy as np

        digests = np.array([_digest(key) for key in keys], dtype=f"S{_BYTES}")
        if not len(self):
            return np.full(len(digests), -1)
        # `searchsorted` gives the length for a digest behind the last one, which is no place.
        positions = np.minimum(np.searchsorted(self._names, digests), len(self) - 1)
        return np.where(self._names[positions] == digests, positions, -1)


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=_BYTES).digest()
