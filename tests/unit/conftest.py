"""A contract, files, and reader processes that end with the test."""

from collections.abc import Callable, Iterator

import pytest

from shared.adapters.reader.limits import ReaderLimits
from shared.adapters.reader.pool import Readers


@pytest.fixture
def pools() -> Iterator[Callable[..., Readers]]:
    """Makes pools with the limits that a test asks for."""
    opened: list[Readers] = []

    def make(**limits: float) -> Readers:
        opened.append(Readers(ReaderLimits(**limits)))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for pool in opened:
        pool.close()
