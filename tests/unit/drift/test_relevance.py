"""Relevance: the same numbers as scikit-learn's, false discoveries controlled, reproducible, and its own drift seen."""

import numpy as np
import pytest

from shared.domain.drift.association import (
    bin_numbers,
    chi_squared_of,
    cross_table,
    f_of_groups,
    f_of_numbers,
    information_of,
    moments_of_statistic,
)
from shared.domain.drift.reference import parse_relevance
from shared.domain.drift.relevance import RelevanceError, relevance
from shared.domain.drift.relevance_drift import Change, compare_relevance
from tests.amounts import amount
from tests.peers import Peer, with_peers

pytestmark = with_peers
selection, metrics, stats = Peer("sklearn.feature_selection"), Peer("sklearn.metrics"), Peer("scipy.stats")

ROWS = 600


@pytest.fixture
def chance():
    return np.random.default_rng(7)


def world(chance, rows=ROWS, strength=1.0):
    """One column that tells linearly, one that tells by its square, a category that tells, and five that do not."""
    columns = {f"noise{number}": chance.normal(size=rows) for number in range(5)}
    linear, curved = chance.normal(size=rows), chance.normal(size=rows)
    group = chance.choice(["a", "b", "c"], rows)
    target = strength * linear + curved**2 + (group == "a") * 1.5 + chance.normal(size=rows)
    return {"linear": linear, "curved": curved, "group": group, **columns, "target": target}


def test_f_between_numbers_is_that_of_scikit_learn_on_ranks(chance):
    first = chance.normal(size=(200, 3))
    second = first[:, 0] + chance.normal(size=200)
    theirs = selection.f_regression(
        np.column_stack([stats.rankdata(column) for column in first.T]), stats.rankdata(second)
    )

    for at in range(3):
        ours = f_of_numbers(first[:, at], second)
        assert (ours.statistic, ours.p_value) == pytest.approx((theirs[0][at], theirs[1][at]), rel=1e-9)


def test_f_of_groups_is_that_of_scikit_learn_on_ranks(chance):
    classes = chance.integers(0, 4, 300)
    numbers = chance.normal(size=(300, 2)) + classes[:, None] * [0.4, 0.0]
    theirs = selection.f_classif(np.column_stack([stats.rankdata(column) for column in numbers.T]), classes)

    for at in range(2):
        ours = f_of_groups(classes, numbers[:, at])
        assert (ours.statistic, ours.p_value) == pytest.approx((theirs[0][at], theirs[1][at]), rel=1e-9)


def test_chi_squared_is_that_of_scikit_learn_summed_over_the_categories(chance):
    category, classes = chance.integers(0, 5, 400), chance.integers(0, 3, 400)
    theirs = selection.chi2(np.eye(5)[category], classes)[0].sum()

    assert chi_squared_of(cross_table(category, classes)).statistic == pytest.approx(theirs, rel=1e-9)


def test_information_is_that_of_scikit_learn_on_the_same_bins(chance):
    first = chance.normal(size=500)
    second = first + chance.normal(size=500)
    codes = bin_numbers(first, 5), bin_numbers(second, 5)

    assert information_of(cross_table(*codes)) == pytest.approx(metrics.mutual_info_score(*codes), rel=1e-9)


def test_the_most_telling_are_those_of_scikit_learns_nearest_neighbours(chance):
    columns = {name: each for name, each in world(chance, 2000).items() if name != "group"}
    inputs = np.column_stack([each for name, each in columns.items() if name != "target"])
    theirs = selection.mutual_info_regression(inputs, columns["target"], random_state=0)
    ours = {each.name: each.information for each in relevance(columns, "target", resamples=2).features}

    names = [name for name in columns if name != "target"]
    assert set(sorted(names, key=lambda name: -ours[name])[:2]) == {names[at] for at in np.argsort(-theirs)[:2]}


def test_what_tells_is_selected_and_what_does_not_is_not(chance):
    found = relevance(world(chance), "target", alpha=0.01, resamples=30)

    assert set(found.selected) == {"linear", "curved", "group"}
    assert all(each.stability > 0.9 for each in found.features if each.selected)
    assert all(each.stability < 0.2 for each in found.features if not each.selected)


def test_a_class_as_the_target(chance):
    columns = world(chance)
    columns["target"] = np.where(columns["target"] > 1, "high", "low")

    assert set(relevance(columns, "target", alpha=0.01, resamples=5).selected) == {"linear", "curved", "group"}


@pytest.mark.long
def test_false_discoveries_are_as_rare_as_alpha_says():
    draws = amount(40, 100)
    found = 0
    for seed in range(draws):
        chance = np.random.default_rng(seed)
        columns = {f"noise{number}": chance.normal(size=80) for number in range(8)} | {"y": chance.normal(size=80)}
        found += bool(relevance(columns, "y", alpha=0.1, resamples=0).selected)

    assert found / draws <= 0.1 + 3 * (0.1 * 0.9 / draws) ** 0.5


def test_the_same_seed_gives_the_same_and_another_one_another_spread(chance):
    columns = world(chance)
    first, again, other = (relevance(columns, "target", resamples=20, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert [each.error for each in first.features] != [each.error for each in other.features]


def test_missing_values_are_left_out_column_by_column(chance):
    columns = world(chance)
    columns["linear"][:100] = np.nan
    columns["group"] = np.where(np.arange(ROWS) < 50, "", columns["group"])
    rows = {each.name: each.rows for each in relevance(columns, "target", resamples=2).features}

    assert (rows["linear"], rows["group"], rows["noise0"]) == (ROWS - 100, ROWS - 50, ROWS)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"x": [1.0] * 60}, "target 'y' is none of the 1 columns; use the name of a column"),
        ({"x": [1.0] * 60, "y": [1.0] * 60}, "has one value in all rows"),
        ({"x": [1.0] * 10, "y": list(range(10))}, "at least 50 rows are needed"),
        ({"x": [1.0] * 59, "y": list(range(60))}, "column 'x' has 59 rows and the target 60"),
    ],
)
def test_what_cannot_be_computed_is_refused_by_name(columns, said):
    with pytest.raises(RelevanceError, match=said):
        relevance(columns, "y")


def test_a_constant_column_tells_nothing(chance):
    columns = world(chance) | {"constant": np.ones(ROWS)}
    found = {each.name: each for each in relevance(columns, "target", resamples=5).features}

    assert (found["constant"].information, found["constant"].selected, found["constant"].f) == (0.0, False, None)


def test_a_column_that_tells_less_than_before_has_changed(chance):
    before, after, faded = (
        relevance(world(chance, strength=strength), "target", resamples=30) for strength in (1.5, 1.5, 0.3)
    )

    assert not [each for each in compare_relevance(before, after) if each.change is Change.CHANGED]
    changed = [each for each in compare_relevance(before, faded) if each.change is Change.CHANGED]
    assert changed[0].name == "linear"
    assert changed[0].difference < 0


def test_few_rows_leave_a_change_undecided(chance):
    before = relevance(world(chance), "target", resamples=20)
    after = relevance(world(chance, 60), "target", resamples=20)
    said = {each.name: each.change for each in compare_relevance(before, after)}

    assert said["noise0"] is Change.UNDECIDED


def test_relevance_of_another_target_or_other_bins_is_not_compared(chance):
    columns = world(chance)
    with pytest.raises(ValueError, match="cannot be compared"):
        compare_relevance(*(relevance(columns, "target", bins=bins, resamples=2) for bins in (5, 7)))


def test_relevance_survives_json(chance):
    import json
    from dataclasses import asdict

    found = relevance(world(chance), "target", resamples=3)

    assert parse_relevance(json.loads(json.dumps(asdict(found)))) == found


NOISE = {
    "log-normal columns, 2 % positives": (lambda chance: chance.lognormal(0, 1.5, 500), 0.02),
    "flags of 1 %, 2 % positives": (lambda chance: (chance.random(500) < 0.01).astype(float), 0.02),
    "texts of 100 levels, 2 % positives": (lambda chance: chance.integers(0, 100, 500).astype(str), 0.02),
    "heavy tails": (lambda chance: chance.standard_t(2, 500), None),
}


@pytest.mark.long
@pytest.mark.parametrize("name", NOISE)
def test_noise_is_seldom_selected_however_it_is_distributed(chance, name):
    """The short version of bench/drift_statistics.py: ten columns of pure noise, alpha 0.05."""
    draw, positives = NOISE[name]
    alarms, draws = 0, amount(20, 60)
    for _ in range(draws):
        target = chance.standard_t(2, 500) if positives is None else (chance.random(500) < positives).astype(float)
        columns = {f"noise{number}": draw(chance) for number in range(10)}
        alarms += bool(relevance(columns | {"target": target}, "target", resamples=0).selected)

    assert alarms / draws <= 0.05 + 3 * (0.05 * 0.95 / draws) ** 0.5


@pytest.mark.parametrize("shape", [(2, 40), (3, 7), (12, 2)])
def test_the_moments_of_the_statistic_are_those_of_all_tables_with_the_margins(chance, shape):
    rows, columns = chance.integers(0, shape[0], 200), chance.integers(0, shape[1], 200)
    table = cross_table(rows, columns)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    tables = [cross_table(rows, chance.permutation(columns)) for _ in range(4000)]
    statistics = [((other - expected) ** 2 / expected).sum() for other in tables]
    mean, variance = moments_of_statistic(table)

    assert statistics[0] == pytest.approx(stats.chi2_contingency(tables[0], correction=False).statistic)
    assert np.mean(statistics) == pytest.approx(mean, rel=0.02)
    assert np.var(statistics) == pytest.approx(variance, rel=0.15)
