"""Two models' outputs side by side: exact figures, and the same however the rows are cut into chunks."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import decode, encode
from shared.domain.metrics.agreement import WORST, Agreement, OutputComparison
from shared.domain.metrics.catalogue import MetricError
from shared.domain.metrics.outputs import LabelOutputs, Numbers, edges_of
from tests.peers import with_peers

pytestmark = with_peers


def numbers(rows=5000, seed=1):
    chance = np.random.default_rng(seed)
    champion = chance.normal(size=rows)
    return champion, champion + chance.normal(0.1, 0.05, rows)


def compared(champion, challenger, cuts=(), slices=None, tolerance=0.1):
    """Chunks are added to two comparisons in turn, which are then merged."""
    edges = edges_of(np.concatenate([champion, challenger]))
    sides = [OutputComparison(Numbers(edges, tolerance)) for _ in range(2)]
    places = [0, *cuts, len(champion)]
    for at, (start, stop) in enumerate(itertools.pairwise(places)):
        if start < stop:
            some = slice(start, stop)
            masks = {name: mask[some] for name, mask in (slices or {}).items()}
            sides[at % 2].add(range(start, stop), champion[some], challenger[some], masks)
    sides[0].merge(sides[1])
    return sides[0].result()


def test_every_figure_is_that_of_all_rows_at_once():
    champion, challenger = numbers()

    from scipy import stats

    found = compared(champion, challenger, cuts=(1000, 1001, 4000))

    shift = challenger - champion
    interval = stats.norm.interval(0.95, shift.mean(), stats.sem(shift))
    assert found.rows == 5000
    assert found.agreement == pytest.approx(np.mean(abs(shift) <= 0.1))
    assert (found.mean_shift, found.low, found.high) == pytest.approx((shift.mean(), *interval))
    assert found.distance == pytest.approx(stats.ks_2samp(champion, challenger).statistic, abs=2 / 1024)
    probabilities = [int(name[1:]) / 100 for name in found.shifts]
    expected = np.quantile(challenger, probabilities) - np.quantile(champion, probabilities)
    assert list(found.shifts.values()) == pytest.approx(expected, abs=0.01)


def test_the_worst_rows_are_those_farthest_apart():
    champion, challenger = numbers()

    found = compared(champion, challenger, cuts=(7, 2500)).worst

    apart = abs(challenger - champion)
    assert [int(row.key) for row in found] == np.argsort(-apart)[:WORST].tolist()
    assert [row.disagreement for row in found] == pytest.approx(np.sort(apart)[::-1][:WORST])
    assert float(found[0].challenger) == challenger[int(found[0].key)]


@given(st.lists(st.integers(0, 300), max_size=6).map(sorted))
def test_chunks_do_not_matter(cuts):
    champion, challenger = numbers(300)
    masks = {"even": np.arange(300) % 2 == 0}

    whole, parts = (compared(champion, challenger, each, masks) for each in ((), cuts))

    assert parts.shifts == whole.shifts
    assert (parts.distance, parts.agreement) == (whole.distance, whole.agreement)
    assert sorted(row.key for row in parts.worst) == sorted(row.key for row in whole.worst)
    assert (parts.mean_shift, parts.low, parts.high) == pytest.approx((whole.mean_shift, whole.low, whole.high))
    assert parts.slices["even"].low == pytest.approx(whole.slices["even"].low)


def test_slices_show_what_the_whole_hides():
    champion = np.zeros(1000)
    challenger = np.where(np.arange(1000) < 50, 1.0, 0.0)
    masks = {"site=north": np.arange(1000) < 50, "site=south": np.arange(1000) >= 50, "site=west": np.zeros(1000, bool)}

    found = compared(champion, challenger, slices=masks)

    assert found.agreement == 0.95
    assert {name: each.agreement for name, each in found.slices.items()} == {"site=north": 0.0, "site=south": 1.0}
    assert found.slices["site=north"].mean_shift == 1.0


def test_labels_agree_where_they_are_equal():
    comparison = OutputComparison(LabelOutputs())
    comparison.add(["a1", "a2", "a3"], ["cat", "dog", "dog"], ["cat", "dog", "cat"])
    comparison.add(["a4"], ["dog"], ["owl"])

    found = comparison.result()

    assert (found.rows, found.agreement, found.mean_shift, found.distance) == (4, 0.5, 0.0, 0.5)
    assert found.shifts == {"cat": 0.25, "dog": -0.5, "owl": 0.25}
    assert [(row.key, row.champion, row.challenger) for row in found.worst] == [
        ("a3", "dog", "cat"),
        ("a4", "dog", "owl"),
    ]


def test_agreement_is_plain_json():
    found = compared(*numbers(), slices={"all": np.ones(5000, bool)})

    assert decode(Agreement, encode(found)) == found


def test_memory_does_not_grow_with_the_rows():
    comparison = OutputComparison(Numbers(edges_of(np.arange(100.0)), 0.1))
    chunk = np.arange(10_000.0)

    def add(times):
        for _ in range(times):
            comparison.add(range(10_000), chunk, chunk + 1)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        early, late = add(3), add(100)
    finally:
        tracemalloc.stop()
    assert late - early < 50_000


def test_missing_outputs_are_refused_and_nothing_is_counted():
    comparison = OutputComparison(Numbers([0.0], 0.1))

    with pytest.raises(MetricError, match="challenger has 1 missing and 0 infinite values in 2 rows"):
        comparison.add(["a", "b"], [1.0, 2.0], [1.0, math.nan])
    with pytest.raises(ValueError, match="no row was compared"):
        comparison.result()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda: Numbers([]), "must be finite and rise"),
        (lambda: Numbers([1.0, 1.0]), "must be finite and rise"),
        (lambda: Numbers([1.0], -1), "tolerance -1 must be 0 or more"),
        (lambda: Numbers([1.0], math.nan), "tolerance nan must be 0 or more"),
        (lambda: Numbers([1.0]).merge(Numbers([2.0])), "cannot be merged"),
        (lambda: OutputComparison(LabelOutputs()).add(["a"], ["x"], ["x"], {"s": [1]}), "give 1 times true or false"),
    ],
)
def test_what_does_not_fit_is_refused(broken, said):
    with pytest.raises(ValueError, match=said):
        broken()
