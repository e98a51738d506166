"""The benchmark of the gate's error rates, in short: fixed seeds, so that it cannot fail by luck."""

import pytest

from bench.gate_statistics import WORLDS, limit, shares

SIMULATIONS, ROWS = 200, 120


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world.metric} {world.name}")
def test_luck_rarely_passes_and_progress_passes_more_often(world):
    by_luck = shares(world, ROWS, SIMULATIONS, world.noise)["pass"]
    better = shares(world, ROWS, SIMULATIONS, world.better)["pass"]

    assert by_luck <= limit(SIMULATIONS)
    assert better > by_luck
