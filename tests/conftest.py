"""What holds for every test: properties are judged by what they find, never by how long one example takes.

The tests that share one local cloud come first: they are the longest chain, and other workers do the rest beside it.
"""

import gc

import pytest
from hypothesis import HealthCheck, settings

from tests.amounts import WHOLE

gc.disable()  # Collecting makes millions of objects and hardly any garbage.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("short", UNTIMED, max_examples=30)
settings.register_profile("whole", UNTIMED, max_examples=100)
settings.load_profile("whole" if WHOLE else "short")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=_rank)
    if not WHOLE:
        left_out = [item for item in items if item.get_closest_marker("proof")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("proof")]


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the garbage collector need not look through it again."""
    gc.collect()
    gc.freeze()
    gc.enable()


def _rank(item: pytest.Item) -> int:
    group = item.get_closest_marker("xdist_group")
    return 2 if group is None else 0 if group.args[0] == "onemachine" else 1
