"""Tails and quantiles agree with exact sums of fifty digits, and with scipy wherever scipy is itself exact enough."""

import math
from decimal import Decimal, localcontext
from importlib import import_module
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from shared.domain.statistics import distributions
from tests.amounts import amount
from tests.peers import Peer, with_peers

pytestmark = with_peers
special = Peer("scipy.special")
CASES = amount(250, 20_000)


def scipy_stats() -> Any:
    return import_module("scipy.stats")


def apart(number: float, truth: float) -> float:
    """The difference as a share of *truth*."""
    return abs(number - truth) / abs(truth) if truth else abs(number)


def drawn(chance: np.random.Generator, low: float, high: float) -> float:
    """Of all sizes from *low* to *high* alike."""
    return float(math.exp(chance.uniform(math.log(low), math.log(high))))


def gamma_above_exactly(shape: int, x: float) -> float:
    """A gamma variable of a whole shape is above x where a Poisson process has fewer events until then."""
    with localcontext(prec=50):
        part = total = Decimal(1)
        for number in range(1, shape):
            part *= Decimal(x) / number
            total += part
        return float(total * (-Decimal(x)).exp())


def f_above_exactly(between: int, within: float, statistic: float) -> float:
    """The incomplete beta function is a finite sum where half of the degrees of freedom *between* is whole."""
    with localcontext(prec=50):
        explained = Decimal(between) * Decimal(statistic)
        share, half = explained / (explained + Decimal(within)), Decimal(within) / 2
        part = total = Decimal(1)
        for number in range(1, between // 2):
            part *= (half + number - 1) / number * share
            total += part
        return float(total * (half * (1 - share).ln()).exp())


def test_gamma_tails_are_exact_sums() -> None:
    chance = np.random.default_rng(1)
    for _ in range(CASES // 5):
        shape = int(drawn(chance, 1, 1500))
        x = max(0.01, shape + chance.normal(0, 12) * math.sqrt(shape))
        truth = gamma_above_exactly(shape, x)
        assert apart(distributions.gamma_above(shape, x), truth) < 1e-12, (shape, x)
        assert abs(distributions.gamma_below(shape, x) - (1 - truth)) < 1e-14, (shape, x)


def test_f_tails_are_exact_sums_for_a_million_rows_too() -> None:
    chance = np.random.default_rng(2)
    for _ in range(CASES // 5):
        between, within = 2 * int(drawn(chance, 1, 200)), drawn(chance, 1, 2e6)
        statistic = drawn(chance, 1e-2, 30)
        truth = f_above_exactly(between, within, statistic)
        if truth > 1e-290:
            assert apart(distributions.f_above(between, within, statistic), truth) < 1e-12, (between, within, statistic)


def test_gamma_tails_are_scipys() -> None:
    """Its series ends after 2,000 steps, so that shapes beyond some ten thousand are not compared here."""
    chance = np.random.default_rng(3)
    for _ in range(CASES):
        shape = drawn(chance, 0.05, 1e4)
        near = max(1e-6, shape + chance.normal(0, 8) * math.sqrt(shape))
        x = near if chance.random() < 0.7 else drawn(chance, 1e-8, 1e3)
        for ours, theirs in ((distributions.gamma_above, "gammaincc"), (distributions.gamma_below, "gammainc")):
            truth = float(getattr(special, theirs)(shape, x))
            if truth > 1e-250:
                assert apart(ours(shape, x), truth) < 1e-10, (theirs, shape, x)


def test_f_tails_are_scipys() -> None:
    chance = np.random.default_rng(4)
    for _ in range(CASES):
        between, within, statistic = chance.integers(1, 300), drawn(chance, 1, 1e6), drawn(chance, 1e-6, 300)
        truth = float(special.fdtrc(between, within, statistic))
        if truth > 1e-250:
            assert apart(distributions.f_above(between, within, statistic), truth) < 1e-11, (between, within, statistic)


def test_students_quantiles_are_scipys() -> None:
    chance = np.random.default_rng(5)
    for _ in range(CASES):
        freedom, below = drawn(chance, 1, 1e6), chance.uniform(0.5005, 0.9999)
        truth = float(scipy_stats().t.ppf(below, freedom))
        assert apart(distributions.student_quantile(freedom, below), truth) < 1e-11, (freedom, below)


@pytest.mark.parametrize("below", [0.6, 0.975, 0.9995, 1 - 1e-9])
def test_students_quantiles_in_closed_form(below: float) -> None:
    cauchy = math.tan(math.pi * (below - 0.5))
    two = (2 * below - 1) / math.sqrt(2 * below * (1 - below))

    assert apart(distributions.student_quantile(1, below), cauchy) < 1e-9 * below / (1 - below) ** 0.5
    assert apart(distributions.student_quantile(2, below), two) < 1e-10
    assert apart(distributions.student_quantile(1e12, below), NormalDist().inv_cdf(below)) < 1e-9
    assert distributions.student_quantile(7, 1 - below) == -distributions.student_quantile(7, 1 - (1 - below))


def test_the_ends_of_students_quantiles() -> None:
    assert distributions.student_quantile(3, 0.5) == 0
    assert distributions.student_quantile(3, 1.0) == math.inf


def test_kolmogorovs_distribution_is_scipys_both_ways() -> None:
    chance = np.random.default_rng(6)
    for _ in range(CASES):
        x, above = chance.uniform(0.02, 18), drawn(chance, 1e-250, 0.999)
        assert apart(distributions.kolmogorov_above(x), float(special.kolmogorov(x))) < 1e-12, x
        assert apart(distributions.kolmogorov_exceeded(above), float(special.kolmogi(above))) < 1e-12, above
    assert (distributions.kolmogorov_above(0), distributions.kolmogorov_exceeded(1)) == (1, 0)


def test_chi_squared_quantiles_are_scipys() -> None:
    chance = np.random.default_rng(7)
    for _ in range(CASES // 2):
        freedom, above = int(chance.integers(1, 3000)), drawn(chance, 1e-200, 0.95)
        truth = float(special.chdtri(freedom, above))
        assert apart(distributions.chi_squared_exceeded(freedom, above), truth) < 1e-11, (freedom, above)


def test_noncentral_chi_squared_is_scipys_both_ways() -> None:
    chance = np.random.default_rng(8)
    for _ in range(CASES // 10):
        freedom, shift = int(chance.integers(1, 500)), drawn(chance, 0.01, 2000)
        x = max(0.5, freedom + shift + chance.normal(0, 3) * math.sqrt(2 * freedom + 4 * shift))
        truth = float(scipy_stats().ncx2.cdf(x, freedom, shift))
        assert abs(distributions.noncentral_chi_squared_below(freedom, shift, x) - truth) < 1e-12, (freedom, shift, x)
        beyond, below = float(special.chdtri(freedom, drawn(chance, 1e-15, 0.1))), chance.uniform(0.01, 0.5)
        found = distributions.noncentrality_below(freedom, beyond, below)
        assert apart(found, float(special.chndtrinc(beyond, freedom, below))) < 1e-9, (freedom, beyond, below)
    assert distributions.noncentrality_below(3, 1.0, 0.9) == 0


def test_the_normal_distribution_is_scipys() -> None:
    for z in np.linspace(-37, 8, CASES):
        assert apart(distributions.normal_below(z), float(special.ndtr(z))) < 1e-11, z


def test_a_table_of_ten_thousand_terms_has_its_exact_p_value() -> None:
    """Fisher and Irwin's sum, where factorials of a million rows lose half of a double's digits."""
    from shared.domain.statistics.counts import fisher_irwin

    chance = np.random.default_rng(9)
    for _ in range(CASES // 25):
        rows = int(drawn(chance, 20, 1e6))
        table = np.array([[int(chance.integers(1, 60)), rows], [int(chance.integers(1, 60)), rows]], dtype=float)
        truth = float(scipy_stats().fisher_exact(table)[1])
        assert apart(fisher_irwin(table), truth) < 1e-7, table
