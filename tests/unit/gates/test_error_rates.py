"""The benchmarks of the gate's error rates, in short: fixed seeds, so that they cannot fail by luck."""

import pytest

from bench import gate_holdouts as holdouts
from bench.gate_statistics import WORLDS, limit, shares
from tests.amounts import amount

pytestmark = pytest.mark.long
SIMULATIONS, FEWER, ROWS = amount(40, 200), amount(20, 60), 120
GROUPED = [world for world in holdouts.GROUPED if world.size == 20 and world.name == "normal"]
SMALL = [world for world in holdouts.SINGLE if world.size == 100 and world.name != "normal"]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world.metric} {world.name}")
def test_luck_rarely_passes_and_progress_passes_more_often(world):
    by_luck = shares(world, ROWS, SIMULATIONS, world.noise)["pass"]
    better = shares(world, ROWS, SIMULATIONS, world.better)["pass"]

    assert by_luck <= limit(SIMULATIONS)
    assert better > by_luck


@pytest.mark.parametrize("world", [*GROUPED, *SMALL], ids=lambda world: f"{world.metric} {world.name} {world.size}")
def test_luck_rarely_passes_rows_in_groups_and_the_newer_metrics(world):
    assert holdouts.passes(world, FEWER) <= limit(FEWER)


def test_twenty_groups_of_ten_rows_do_not_pass_as_two_hundred_rows():
    """21 % of equal models passed (the issue's figure), where 2.5 % are promised."""
    (world,) = (world for world in GROUPED if world.metric == "mae")

    assert holdouts.passes(world, SIMULATIONS, before=holdouts.UNBOUNDED) > 0.1
    assert holdouts.passes(world, SIMULATIONS) <= limit(SIMULATIONS)
    assert holdouts.passes(world, 50, world.better) > 0.3


@pytest.mark.parametrize("world", holdouts.FEW, ids=lambda world: f"{world.metric} {world.name}")
def test_one_positive_row_passes_nobody(world):
    assert holdouts.passes(world, FEWER) <= limit(FEWER)


def test_rare_large_losses_that_matter_are_waited_for():
    told = [world for world in holdouts.RARE if world.options and world.size in (100, 1000)]

    assert all(holdouts.passes(world, FEWER) <= limit(FEWER) for world in told)


def test_twenty_slices_hold_equal_models_rarely_and_better_ones_not():
    equal = [holdouts.sliced(seed, 20, 1.0, "no_harm") for seed in range(12)]
    better = [holdouts.sliced(seed, 20, 0.9, "no_harm") for seed in range(6)]

    assert equal.count("fail") <= 1
    assert better.count("pass") >= 5
