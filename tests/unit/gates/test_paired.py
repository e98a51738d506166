"""Paired intervals: exact where they can be, mirrored, the same as scipy's, and honest about missing rows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.metrics.catalogue import METRICS, MetricError, metric_named, value_of
from shared.domain.metrics.paired import compare, rows_needed
from shared.domain.statistics import bootstrap
from shared.domain.statistics.proportions import score_interval
from shared.domain.statistics.ranks import area_difference
from tests.amounts import amount, sample
from tests.peers import Peer, with_peers

pytestmark = with_peers
known, optimize, stats = Peer("sklearn.metrics"), Peer("scipy.optimize"), Peer("scipy.stats")

PEERS = {
    "mae": known.mean_absolute_error,
    "rmse": known.root_mean_squared_error,
    "r2": known.r2_score,
    "log_loss": known.log_loss,
    "brier": known.brier_score_loss,
    "accuracy": known.accuracy_score,
    "recall": known.recall_score,
    "precision": known.precision_score,
    "f1": known.f1_score,
    "auc": known.roc_auc_score,
}
PEERS |= {
    "mape": known.mean_absolute_percentage_error,
    "smape": lambda truth, model: np.mean(2 * abs(model - truth) / (abs(model) + abs(truth))),
    "pinball@0.9": lambda truth, model: known.mean_pinball_loss(truth, model, alpha=0.9),
    "multiclass_log_loss": known.log_loss,
    "macro_f1": lambda truth, model: known.f1_score(truth, model, average="macro"),
    "weighted_f1": lambda truth, model: known.f1_score(truth, model, average="weighted"),
    "balanced_accuracy": known.balanced_accuracy_score,
    "mcc": known.matthews_corrcoef,
    "average_precision": known.average_precision_score,
    "ndcg": lambda truth, model: mean_ndcg(truth, model, None),
    "ndcg@5": lambda truth, model: mean_ndcg(truth, model, 5),
}
ALL = (*METRICS, "pinball@0.9", "ndcg@5")
NUMBERS = ("mae", "rmse", "r2", "mape", "smape", "pinball@0.9")
LABELS = ("accuracy", "recall", "precision", "f1")
SEVERAL = ("macro_f1", "weighted_f1", "balanced_accuracy", "mcc")


def mean_ndcg(truth, scores, depth):
    queries = groups_of("ndcg", len(truth))
    parts = [([truth[queries == each]], [scores[queries == each]]) for each in np.unique(queries)]
    return np.mean([known.ndcg_score(*part, k=depth) for part in parts])


def groups_of(metric, n):
    """Queries of four rows or five, for the metrics that need them."""
    return np.arange(n) % max(2, n // 4) if metric.startswith("ndcg") else None


def columns(metric, n=400, seed=1):
    """Truth, champion and a challenger that is a little better."""
    chance = np.random.default_rng(seed)
    truth = chance.normal(size=n)
    first, second = (truth + noise * chance.standard_t(5, n) for noise in (1.0, 0.8))
    if metric.startswith("ndcg"):
        return np.floor(abs(truth) * 2), np.round(abs(first), 1), np.round(abs(second), 1)
    if metric in SEVERAL:
        return tuple(np.digitize(each, (-0.5, 0.7)) for each in (truth, first, second))
    if metric == "multiclass_log_loss":
        scores = [np.exp(np.stack([-each, np.zeros(n), each], axis=1)) for each in (first, second)]
        return np.digitize(truth, (-0.5, 0.7)), *(each / each.sum(axis=1, keepdims=True) for each in scores)
    if metric in NUMBERS:
        return truth, first, second
    truth = (truth > 0.3).astype(float)
    if metric in LABELS:
        return truth, (first > 0.3).astype(float), (second > 0.3).astype(float)
    return truth, 1 / (1 + np.exp(-first)), 1 / (1 + np.exp(-second))


@pytest.mark.parametrize("metric", ALL)
def test_values_are_those_that_are_known(metric):
    truth, champion, challenger = columns(metric)

    found = compare(metric, truth, champion, challenger, groups=groups_of(metric, 400), resamples=99)

    expected = [PEERS[metric](truth, model) for model in (champion, challenger)]
    assert [found.champion, found.challenger] == pytest.approx(expected, abs=1e-12)
    assert found.estimate == pytest.approx((1 if metric_named(metric).higher_is_better else -1) * np.diff(expected)[0])
    assert found.low < found.estimate < found.high


@pytest.mark.parametrize("metric", ALL)
def test_swapping_the_models_mirrors_the_interval(metric):
    truth, champion, challenger = columns(metric)

    groups = groups_of(metric, 400)
    there = compare(metric, truth, champion, challenger, groups=groups)
    back = compare(metric, truth, challenger, champion, groups=groups)

    assert (there.estimate, there.low, there.high) == pytest.approx((-back.estimate, -back.high, -back.low), rel=1e-6)


@pytest.mark.parametrize("metric", ALL)
def test_the_same_columns_and_seed_give_the_same_interval(metric):
    groups = groups_of(metric, 400)

    assert compare(metric, *columns(metric), groups=groups, seed=3) == compare(
        metric, *columns(metric), groups=groups, seed=3
    )


@pytest.mark.parametrize("metric", ALL)
def test_equal_predictions_are_no_improvement(metric):
    truth, champion, _ = columns(metric)

    found = compare(metric, truth, champion, champion, groups=groups_of(metric, 400))

    assert found.estimate == 0
    assert found.low <= 0 <= found.high


@pytest.mark.parametrize("metric", ALL)
@settings(max_examples=amount(4, 15))
@given(seed=st.integers(0, 2**32), n=st.integers(5, 80), confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_more_confidence_never_shortens_an_interval(metric, seed, n, confidence):
    given = columns(metric, n, seed)
    if given[0].min() == given[0].max():
        return
    groups = groups_of(metric, n)
    wide, narrow = (
        compare(metric, *given, groups=groups, confidence=each, resamples=199) for each in (0.995, confidence)
    )

    assert wide.low <= narrow.low <= narrow.high <= wide.high
    assert all(math.isfinite(end) for end in (wide.low, wide.high))


@pytest.mark.parametrize("tails", ["heavy", "none"])
@pytest.mark.parametrize("n", [300, 20_000])
def test_resampling_has_the_distribution_of_the_ordinary_bootstrap(n, tails):
    """Below and above the number of rows that are drawn one by one, for a ratio of two columns."""
    chance = np.random.default_rng(n)
    heavy = chance.lognormal(0, 1.5, n), chance.standard_t(2.5, n) ** 2
    rows = np.array(heavy if tails == "heavy" else chance.uniform(1, 2, (2, n)))
    centre = rows.mean(axis=1)

    drawn = bootstrap.resample(rows - centre[:, None], 2000, np.random.default_rng(1)).means + centre
    peer = stats.bootstrap(
        tuple(rows),
        lambda x, y, axis: np.sqrt(x.mean(axis=axis) / y.mean(axis=axis)),
        paired=True,
        vectorized=True,
        n_resamples=2000,
        method="percentile",
        batch=100,
        rng=np.random.default_rng(2),
    )

    assert stats.ks_2samp(np.sqrt(drawn[:, 0] / drawn[:, 1]), peer.bootstrap_distribution).pvalue > 0.01


@pytest.mark.long
@pytest.mark.parametrize("metric", sample(["mae", "rmse", "r2", "f1"], 2))
def test_many_rows_give_the_interval_of_the_percentile_bootstrap(metric):
    truth, champion, challenger = columns(metric, 20_000)
    one = METRICS[metric]
    first, second, shared = one.parts(truth, champion), one.parts(truth, challenger), one.truth_parts(truth)
    sign = 1 if one.higher_is_better else -1

    def difference(*resampled, axis):
        means = [each.mean(axis=axis) for each in resampled]
        own, rest = len(first), means[2 * len(first) :]
        return sign * (one.formula(*means[own : 2 * own], *rest) - one.formula(*means[:own], *rest))

    peer = stats.bootstrap(
        (*first, *second, *shared),
        difference,
        paired=True,
        vectorized=True,
        n_resamples=2000,
        method="percentile",
        batch=100,
        rng=np.random.default_rng(2),
    ).confidence_interval
    found = compare(metric, truth, champion, challenger)

    assert (found.low, found.high) == pytest.approx((peer.low, peer.high), abs=0.1 * (peer.high - peer.low))


def test_delong_is_the_sum_over_all_pairs():
    """The definition of 1988, in O(n squared), with ties."""
    chance = np.random.default_rng(5)
    truth = (chance.random(120) < 0.3).astype(float)
    models = [np.round(truth + chance.normal(size=120), 1) for _ in range(2)]
    wins = [np.heaviside(model[truth == 1][:, None] - model[truth == 0][None, :], 0.5) for model in models]
    found, spared = (np.array([each.mean(axis=axis) for each in wins]) for axis in (1, 0))
    covariance = np.cov(found) / found.shape[1] + np.cov(spared) / spared.shape[1]

    areas = area_difference(truth, *models)

    assert [areas.champion, areas.challenger] == pytest.approx([each.mean() for each in wins])
    assert areas.error**2 == pytest.approx(np.array([-1, 1]) @ covariance @ np.array([-1, 1]))


@pytest.mark.parametrize(("gained", "lost", "n"), [(1, 1, 14), (3, 0, 50), (21, 12, 44), (400, 380, 10_000)])
def test_the_ends_of_a_score_interval_are_just_rejected(gained, lost, n):
    """Against the score test written down from the likelihood, maximised numerically."""

    def statistic(change):
        def surprise(only_first):
            cells = np.array([only_first + change, only_first, 1 - 2 * only_first - change])
            return -np.sum(np.array([gained, lost, n - gained - lost]) * np.log(np.maximum(cells, 1e-300)))

        bounds = (max(0.0, -change), (1 - change) / 2)
        only_first = optimize.minimize_scalar(surprise, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
        return (gained - lost - n * change) / math.sqrt(n * (2 * only_first + change - change**2))

    low, high = score_interval(gained, lost, n, 0.95)

    assert [statistic(low), statistic(high)] == pytest.approx([1.96, -1.96], abs=1e-3)


def test_no_disagreement_is_no_proof():
    """The score equation solved by hand: z^2 / (n + z^2)."""
    assert score_interval(0, 0, 50, 0.95) == pytest.approx((-0.0713, 0.0713), abs=5e-5)


@pytest.mark.parametrize(
    ("metric", "changed", "said"),
    [
        ("rsme", {}, "metric 'rsme' is not known: use one of mae"),
        ("mae", {"challenger": [1.0, math.nan, math.inf]}, "challenger has 1 missing and 1 infinite values in 3 rows"),
        ("mae", {"champion": [1.0, None, None]}, "champion has 2 missing"),
        ("accuracy", {"champion": ["a", None, "b"]}, "champion has 1 missing"),
        ("mae", {"champion": [1.0, 2.0]}, r"champion has shape \(2,\), it needs \(3,\)"),
        ("mae", {"truth": [], "champion": [], "challenger": []}, r"truth has shape \(0,\)"),
        ("brier", {"champion": [0.5, 2.0, 1.0]}, "1 of 3 values of champion are not from 0 to 1"),
        ("auc", {"truth": [0, 1, 2]}, "1 of 3 values of truth are not 0 or 1"),
        ("auc", {"truth": [1, 1, 1]}, "every row of truth is 1"),
        ("f1", {"challenger": [0, 0.5, 1]}, "1 of 3 values of challenger are not 0 or 1"),
        ("r2", {"truth": [2, 2, 2]}, "every row of truth is 2"),
    ],
)
def test_columns_that_cannot_be_compared_are_refused(metric, changed, said):
    given = {"truth": [0, 1, 1], "champion": [0, 1, 0], "challenger": [0, 1, 1], **changed}

    with pytest.raises(MetricError, match=said):
        compare(metric, *given.values())


@pytest.mark.parametrize("given", [{"confidence": 1.0}, {"confidence": 0.2}, {"resamples": 10}])
def test_settings_out_of_range_are_refused(given):
    with pytest.raises(MetricError, match=f"{next(iter(given))} .* must be at least"):
        compare("mae", [1, 2], [1, 2], [2, 2], **given)


def test_labels_may_be_texts_of_any_number_of_classes():
    found = compare("accuracy", ["a", "b", "c", "c"], ["a", "b", "a", "a"], ["a", "b", "c", "c"])

    assert (found.champion, found.challenger, found.n) == (0.5, 1.0, 4)


@pytest.mark.long
def test_the_rows_needed_decide():
    """As many rows as are said to be needed, drawn from those seen, decide about the stated share of comparisons."""
    seen = columns("mae", 400)
    needed = rows_needed(compare("mae", *seen), 0.2, power=0.8)
    assert needed is not None

    picked = [np.random.default_rng(seed).integers(400, size=needed) for seed in range(amount(80, 200))]
    found = [compare("mae", *(column[rows] for column in seen), resamples=199) for rows in picked]

    assert np.mean([each.low > 0.2 or each.high < 0.2 for each in found]) == pytest.approx(0.8, abs=0.1)


def test_no_number_of_rows_tells_equal_values_apart():
    found = compare("mae", [1.0, 2.0, 4.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0])

    assert rows_needed(found, 0.0) is None


@pytest.mark.parametrize("metric", ALL)
def test_groups_of_one_row_are_about_the_rows_themselves(metric):
    if metric.startswith("ndcg"):
        return
    alone = compare(metric, *columns(metric))
    grouped = compare(metric, *columns(metric), groups=range(400))

    assert (grouped.groups, grouped.support) == (400, alone.support)
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=0.1)


@pytest.mark.parametrize("metric", ALL)
def test_rows_that_are_there_four_times_say_no_more_than_once(metric):
    """Four copies of each row are as many groups as there were rows: the interval stays."""
    if metric.startswith("ndcg"):
        return
    given = columns(metric, 200)
    once, again = compare(metric, *given), compare(metric, *(np.repeat(each, 4, axis=0) for each in given))
    grouped = compare(
        metric, *(np.repeat(each, 4, axis=0) for each in given), groups=np.repeat(np.arange(200), 4), seed=1
    )

    assert grouped.n == 4 * once.n
    assert again.high - again.low < 0.6 * (once.high - once.low)
    assert grouped.high - grouped.low == pytest.approx(once.high - once.low, rel=0.12)
    assert rows_needed(grouped, grouped.low) < 4 * 200


def test_the_influence_of_a_row_is_the_derivative_of_the_metric_by_its_weight():
    """Against scikit-learn with a little more, and a little less, weight on one row."""
    for metric in (*SEVERAL, "average_precision"):
        truth, model, _ = columns(metric, 120)
        options = {"macro_f1": {"average": "macro"}, "weighted_f1": {"average": "weighted"}}.get(metric, {})
        peer = known.f1_score if options else PEERS[metric]
        influence = METRICS[metric].influence(truth, model)
        for row in range(0, 120, 10):
            weights = np.ones((2, 120))
            weights[:, row] += (0.01, -0.01)
            more, less = (peer(truth, model, sample_weight=each, **options) for each in weights)
            assert influence.rows[row] / 120 == pytest.approx((more - less) / 0.02, rel=1e-2, abs=1e-6)


@pytest.mark.parametrize("constant", [0.1, 0.7, 123.456])
def test_r2_of_a_constant_truth_is_an_error_however_its_mean_rounds(constant):
    with pytest.raises(MetricError, match="r2: every row of truth is"):
        value_of("r2", [constant] * 7, range(7))


def test_one_positive_row_leaves_an_interval_within_the_metrics_range():
    truth = np.zeros(1000)
    truth[3] = 1
    found = compare("f1", truth, np.zeros(1000), truth)

    assert (found.high, found.support) == (1, {"positive": 1, "predicted positive": 1})


def test_two_perfect_orders_of_one_positive_row_are_not_proven_alike():
    truth, chance = np.r_[1.0, np.zeros(199)], np.random.default_rng(1)
    found = compare("auc", truth, truth + 0.5 * chance.random(200), truth + 0.5 * chance.random(200))

    assert (found.champion, found.challenger, found.support["positive"]) == (1, 1, 1)
    assert found.low < -0.9


@pytest.mark.parametrize(
    ("metric", "changed", "said"),
    [
        ("mape", {}, "mape: 1 of 3 values of truth are 0: a share of 0 is not defined; use smape or mae"),
        ("pinball@1.5", {}, "needs a quantile between 0 and 1: write pinball@0.9"),
        ("pinball", {}, "needs a quantile between 0 and 1: write pinball@0.9"),
        ("ndcg@0", {}, "needs a number of places from 1: write ndcg@10"),
        ("ndcg", {}, "ndcg compares rows within a query: name its column as `group` of the hold-out"),
        ("ndcg", {"truth": [0, -1, 1]}, "1 of 3 values of truth are not 0 or more"),
        ("mcc", {"truth": [1, 1, 1]}, "mcc: every row of truth is 1: give rows of several classes"),
        ("multiclass_log_loss", {}, r"champion has shape \(3,\), it needs \(3, at least 2\): one probability for each"),
        ("multiclass_log_loss", {"champion": [[1, 0], [0.7, 0.7], [0, 1]]}, "1 of 3 .* not probabilities that sum to"),
        ("multiclass_log_loss", {"champion": [[1, 0], [0, 1], [2, -1]]}, "1 of 3 values of champion are not from 0"),
        ("multiclass_log_loss", {"champion": [[1, 0], [0, 1], [1, math.nan]]}, "champion, class 1 has 1 missing"),
        ("multiclass_log_loss", {"truth": [0, 0.5, 1]}, "1 of 3 values of truth are not the number of a class"),
    ],
)
def test_degenerate_columns_are_refused_in_plain_words(metric, changed, said):
    given = {"truth": [0, 1, 1], "champion": [0, 1, 0], "challenger": [0, 1, 1], **changed}

    with pytest.raises(MetricError, match=said):
        compare(metric, *given.values())


def test_groups_that_are_not_one_a_row_are_refused():
    with pytest.raises(MetricError, match="mae: groups has 2 values for 3 rows: give one a row"):
        compare("mae", [1, 2, 3], [1, 2, 3], [2, 2, 3], groups=[1, 2])


def test_what_has_no_value_of_its_own_is_defined():
    assert value_of("smape", [0, 2], [0, 2]) == 0
    assert value_of("smape", [0, 2], [1, 2]) == 1
    assert value_of("mcc", [0, 1, 1], [1, 1, 1]) == 0
    assert value_of("macro_f1", ["a", "b"], ["a", "z"]) == 0.5  # A class that no row has is a mistake, no class.
    assert value_of("average_precision", [1, 0, 0, 0], [1, 1, 1, 1]) == 0.25  # Ties come together.
    assert value_of("ndcg", [0, 0, 1, 1], [1, 2, 3, 4], np.array([0, 0, 1, 1])) == 0.5  # Nothing relevant: 0.
