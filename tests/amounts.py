"""How much of a long proof runs: `make test` runs a short form of it, and `make proofs` the whole.

A test with a short form has the marker `long`, unless it is a property: every property runs with fewer examples.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

WHOLE = "SIGNALBOX_PROOFS" in os.environ
_Case = TypeVar("_Case")


def amount(short: int, whole: int) -> int:
    """How many examples, draws or repetitions run."""
    return whole if WHOLE else short


def sample(cases: Sequence[_Case], short: int) -> Sequence[_Case]:
    """All *cases*, or *short* of them that are spread evenly over the whole, the last one included."""
    if WHOLE or short >= len(cases):
        return cases
    return [cases[(at + 1) * len(cases) // short - 1] for at in range(short)]
