"""Distribution tests: conservative on null data, able to see a shift, the same however the data is split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from shared.adapters.arrow_tables import measure, profile
from shared.domain import statistics
from shared.domain.data_check import compare, judge
from shared.domain.data_contract import parse_contract
from shared.domain.reference_profile import parse_profile
from tests.unit.data.conftest import table

CONTRACT = parse_contract(
    {
        "format": "csv",
        "columns": [{"name": "x", "type": "number"}, {"name": "kind", "type": "string"}],
        "distribution": {"reference": "r.json", "alpha": 0.05, "minimum_sample": 50, "columns": ["x", "kind"]},
    }
)


def csv_of(values, kinds):
    rows = "\n".join(f"{value!r},{kind}" for value, kind in zip(values.tolist(), kinds, strict=True))
    return f"x,kind\n{rows}\n".encode()


def drawn(chance, count, shift=0.0):
    return chance.normal(shift, 1, count), chance.choice(["a", "b", "c"], count)


@pytest.fixture(scope="module")
def reference():
    return profile([table("train.csv", csv_of(*drawn(np.random.default_rng(1), 3000)))], CONTRACT)


def outcomes(data, reference):
    return {
        each.column: each.outcome
        for each in compare(measure([table("a", data)], CONTRACT, reference), CONTRACT.distribution, reference)
    }


def test_a_profile_survives_json(reference):
    assert parse_profile(reference.to_dict()) == reference


def test_a_shift_is_found_and_small_samples_are_inconclusive(reference):
    shifted = csv_of(*drawn(np.random.default_rng(2), 500, shift=0.5))
    few = csv_of(*drawn(np.random.default_rng(3), 20))

    assert outcomes(shifted, reference) == {"x": "fail", "kind": "pass"}
    assert outcomes(few, reference) == {"x": "inconclusive", "kind": "inconclusive"}


def test_a_failure_is_said_with_its_numbers(reference):
    data = csv_of(*drawn(np.random.default_rng(2), 500, shift=0.5))
    report = judge(measure([table("a", data)], CONTRACT, reference), CONTRACT, reference)

    assert report.outcome == "failed"
    assert report.summary[0].startswith("distribution: column x is distributed differently from the reference")


def test_false_alarms_on_null_data_are_at_most_alpha():
    """500 independent pairs; two standard errors of room above alpha = 0.05."""
    chance = np.random.default_rng(20261124)
    alarms = 0
    for _ in range(500):
        edges = np.sort(chance.normal(size=300))
        cells = np.bincount(np.searchsorted(edges, chance.normal(size=200)), minlength=301)
        own = np.bincount(np.searchsorted(edges, edges), minlength=301)
        counts = chance.multinomial(400, [0.5, 0.3, 0.2]), chance.multinomial(150, [0.5, 0.3, 0.2])
        tested = [statistics.kolmogorov_smirnov(own, cells), statistics.chi_squared(*counts)]
        alarms += min(statistics.benjamini_hochberg([each.p_value for each in tested])) <= 0.05

    assert alarms / 500 <= 0.05 + 2 * (0.05 * 0.95 / 500) ** 0.5


@given(st.integers(0, 10_000), st.integers(30, 300), st.floats(-1, 1))
@settings(max_examples=40, deadline=None)
def test_the_statistic_is_that_of_scipy_when_every_value_is_a_breakpoint(seed, count, shift):
    chance = np.random.default_rng(seed)
    first, second = chance.normal(size=200), chance.normal(shift, 1, count)
    edges = np.unique(np.concatenate([first, second]))
    cells = [np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in (first, second)]

    assert statistics.kolmogorov_smirnov(*cells).statistic == pytest.approx(ks_2samp(first, second).statistic)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(1, 59))
@settings(max_examples=40, deadline=None)
def test_how_the_rows_are_split_over_files_changes_no_count(numbers, cut):
    values, kinds = np.array(numbers, dtype=float), ["a"] * len(numbers)
    data = csv_of(values, kinds)
    made = profile([table("train.csv", data)], CONTRACT)
    parts = [csv_of(values[part], kinds[part]) for part in (slice(None, cut), slice(cut, None)) if len(values[part])]
    whole, split = (
        measure([table(str(n), part) for n, part in enumerate(some)], CONTRACT, made) for some in ([data], parts)
    )

    assert (whole.rows, whole.tallies) == (split.rows, split.tallies)


def test_benjamini_hochberg_is_the_published_example():
    """Benjamini and Hochberg (1995), section 3.2: four of fifteen hypotheses are rejected at 0.05."""
    p_values = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]

    assert sum(p <= 0.05 for p in statistics.benjamini_hochberg(p_values)) == 4


def test_power_grows_with_the_sample():
    shifts = [statistics.detectable_shift(3000, m, 0.01, 0.8) for m in (100, 400, 1600)]

    assert shifts == sorted(shifts, reverse=True)
