"""Distribution tests: conservative on null data, able to see a shift, the same however the data is split."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.adapters.tables.measuring import measure, profile
from shared.domain.data.data_check import compare, judge_data
from shared.domain.data.reference_profile import parse_profile
from shared.domain.statistics import counts as statistics
from tests.amounts import amount
from tests.data_contracts import parse_contract
from tests.peers import Peer, with_peers
from tests.unit.data.conftest import table

pytestmark = with_peers
stats = Peer("scipy.stats")

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
    report = judge_data(measure([table("a", data)], CONTRACT, reference), CONTRACT, reference)

    assert report.outcome == "failed"
    assert report.summary[0].startswith("distribution: column x is distributed differently from the reference")


def test_a_shift_below_the_effect_that_counts_passes_however_many_rows_show_it(reference):
    data = csv_of(*drawn(np.random.default_rng(2), 5000, shift=0.15))
    rule = replace(CONTRACT.distribution, alpha=0.01)
    (comparison, _) = compare(measure([table("a", data)], CONTRACT, reference), rule, reference)

    assert (comparison.outcome, comparison.adjusted_p < rule.alpha) == ("pass", True)
    assert comparison.effect < rule.effect


def test_no_value_at_all_is_inconclusive_where_no_minimum_is_asked_for(reference):
    rule = replace(CONTRACT.distribution, minimum_sample=0)
    comparisons = compare(measure([table("a", b"x,kind\n")], CONTRACT, reference), rule, reference)

    assert [comparison.outcome for comparison in comparisons] == ["inconclusive"] * 2


@pytest.mark.parametrize(("limit", "outcome"), [(0.1, "fail"), (9, "pass")])
def test_a_limit_of_the_stability_index_must_be_reached_too(reference, limit, outcome):
    data = csv_of(*drawn(np.random.default_rng(2), 500, shift=0.5))
    rule = replace(CONTRACT.distribution, psi_limit=limit)

    assert compare(measure([table("a", data)], CONTRACT, reference), rule, reference)[0].outcome == outcome


def test_false_alarms_on_null_data_are_at_most_alpha():
    """500 independent pairs; two standard errors of room above alpha = 0.05."""
    chance = np.random.default_rng(20261124)
    alarms = 0
    for _ in range(500):
        edges = np.sort(chance.normal(size=300))
        cells = np.bincount(np.searchsorted(edges, chance.normal(size=200)), minlength=301)
        own = np.bincount(np.searchsorted(edges, edges), minlength=301)
        counts = chance.multinomial(400, [0.5, 0.3, 0.2]), chance.multinomial(150, [0.5, 0.3, 0.2])
        tested = [statistics.kolmogorov_smirnov(own, cells), statistics.homogeneity(*counts)]
        alarms += min(statistics.benjamini_hochberg([each.p_value for each in tested])) <= 0.05

    assert alarms / 500 <= 0.05 + 2 * (0.05 * 0.95 / 500) ** 0.5


@given(st.integers(0, 10_000), st.integers(30, 300), st.floats(-1, 1))
@settings(max_examples=amount(10, 40), deadline=None)
def test_the_statistic_is_that_of_scipy_when_every_value_is_a_breakpoint(seed, count, shift):
    chance = np.random.default_rng(seed)
    first, second = chance.normal(size=200), chance.normal(shift, 1, count)
    edges = np.unique(np.concatenate([first, second]))
    cells = [np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in (first, second)]

    assert statistics.kolmogorov_smirnov(*cells).statistic == pytest.approx(stats.ks_2samp(first, second).statistic)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(1, 59))
@settings(max_examples=amount(10, 40), deadline=None)
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


@pytest.mark.parametrize(
    ("reference", "window"),
    [
        ([5000, 5000, 0], [50, 0, 50]),  # Half of the rows are a category that nobody knows.
        ([10_000, 0], [0, 200]),  # A constant becomes another one.
        ([9900, 100], [70, 30]),  # A flag goes from 1 % to 30 %.
        ([10_000, 0], [60, 40]),  # Values go missing.
        ([500, *[0] * 50], [50, *[1] * 50]),  # Fifty new categories, once each.
    ],
)
def test_what_sparse_categories_show_is_not_pooled_away(reference, window):
    assert statistics.homogeneity(reference, window).p_value < 1e-8


def test_one_category_in_both_is_the_same_distribution():
    assert statistics.homogeneity([300, 0], [50, 0]) == statistics.Tested(statistic=0.0, p_value=1.0)


@given(st.lists(st.integers(0, 400), min_size=4, max_size=4))
@settings(max_examples=amount(40, 200), deadline=None)
def test_the_exact_test_is_that_of_scipy(counts):
    table = np.array(counts, dtype=float).reshape(2, 2)
    assume(table.sum(axis=0).all() and table.sum(axis=1).all())

    assert statistics.fisher_irwin(table) == pytest.approx(stats.fisher_exact(table.astype(int)).pvalue, rel=1e-6)


def test_large_counts_take_the_n_minus_1_chi_squared():
    table = np.array([[30_000.0, 30_000.0], [30_500.0, 29_500.0]])

    assert statistics.fisher_irwin(table) == pytest.approx(stats.fisher_exact(table.astype(int)).pvalue, rel=0.05)


@pytest.mark.parametrize("categories", [2, 30])
def test_rare_categories_make_no_more_false_alarms_than_alpha(categories):
    """The short version of bench/drift_statistics.py: a reference of 500 rows, a window of 60, a long tail."""
    chance, shares = np.random.default_rng(14), 1 / np.arange(1, categories + 1) ** 3
    p_values = [
        statistics.homogeneity(*(chance.multinomial(rows, shares / shares.sum()) for rows in (500, 60))).p_value
        for _ in range(400)
    ]

    assert sum(p <= 0.05 for p in p_values) / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5


def test_what_is_smaller_than_anything_known_has_a_cell_of_its_own():
    known = np.where(np.arange(1000) % 10 < 6, 0.0, np.arange(1000.0))
    reference = profile([table("train.csv", csv_of(known, ["a"] * 1000))], CONTRACT)
    coded = csv_of(np.where(known == 0, -999.0, known)[:200], ["a"] * 200)

    assert outcomes(coded, reference)["x"] == "fail"


def test_a_profile_of_version_1_is_read_with_a_cell_below_its_smallest_value():
    column = {"kind": "numeric", "breakpoints": [0.0, 1.0], "cells": [60, 40, 0]}
    read = parse_profile({"version": 1, "rows": 100, "columns": {"x": column}}).columns["x"]

    assert (read.breakpoints[0] < 0.0, read.breakpoints[1:], read.cells) == (True, (0.0, 1.0), (0, 60, 40, 0))
