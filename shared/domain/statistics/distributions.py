"""The tails and quantiles that the tests of this folder need: gamma, beta, Student's t, chi-squared, F, Kolmogorov.

They stand here since scipy, of which the app would need nothing else, is a quarter of what a package may weigh
(docs/decisions/0035-what-the-package-weighs.md). tests/unit/statistics compares them with scipy over wide ranges: tails
and quantiles agree to 1e-11 of their value, down to tails of 1e-290. They are of single numbers, and import nothing.

Sources: Press et al. (2007), sections 6.2-6.4, for the series and the continued fractions; Loader (2000), "Fast and
accurate computation of binomial probabilities", for the terms before them, which keep their digits where a difference
of logarithms of gamma functions would lose them; Chandrupatla (1997) for the search.
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

_EPSILON = 2.0**-53
_SMALLEST = 1e-300  # Stands for 0 where a continued fraction divides.
_MOST_STEPS = 1_000_000  # They grow with the root of the arguments: reached beyond any number of rows.
_HALVINGS = 200
_LEAST = 5e-324
_LOWEST = -690.0  # Logarithms of what a double holds.
_ROOT_OF_TWO_PI = math.sqrt(2 * math.pi)
# Stirling's series: B(2k) / (2k (2k - 1)).
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_STIRLING_FROM = 16.0


def normal_below(z: float) -> float:
    """How likely a standard normal is below *z*."""
    return math.erfc(-z / math.sqrt(2)) / 2


def gamma_above(shape: float, x: float) -> float:
    """How likely a gamma variable of *shape* and scale 1 is above *x*: the regularised upper incomplete gamma."""
    if x <= 0:
        return 1.0
    return 1 - _gamma_series(shape, x) if x < shape + 1 else _gamma_fraction(shape, x)


def gamma_below(shape: float, x: float) -> float:
    """How likely it is below *x*."""
    if x <= 0:
        return 0.0
    return _gamma_series(shape, x) if x < shape + 1 else 1 - _gamma_fraction(shape, x)


def chi_squared_above(freedom: float, statistic: float) -> float:
    return gamma_above(freedom / 2, statistic / 2)


def chi_squared_exceeded(freedom: float, chance: float) -> float:
    """The value that a chi-squared variable exceeds with *chance*."""
    return _falling_root(lambda x: chi_squared_above(freedom, x), chance, around=freedom)


def f_above(between: float, within: float, statistic: float) -> float:
    """How likely F with *between* and *within* degrees of freedom is above *statistic*."""
    if statistic <= 0:
        return 1.0
    explained = between * statistic
    total = explained + within
    return _beta_below(within / 2, between / 2, within / total, explained / total)


def student_above(freedom: float, t: float) -> float:
    """How likely Student's t is above *t*, of at least 0."""
    return f_above(1, freedom, t * t) / 2


@lru_cache
def student_quantile(freedom: float, chance: float) -> float:
    """What Student's t is below with *chance*."""
    if chance < 1 / 2:
        return -student_quantile(freedom, 1 - chance)
    if chance == 1 / 2:
        return 0.0
    return math.inf if chance >= 1 else _falling_root(lambda t: student_above(freedom, t), 1 - chance, around=1.0)


def kolmogorov_above(x: float) -> float:
    """How likely Kolmogorov's limit of the scaled distance is above *x* (Smirnov 1948)."""
    if x < 1:
        return 1 - _kolmogorov_below(x)
    return 2 * math.fsum((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 8))


def kolmogorov_exceeded(chance: float) -> float:
    """The distance that Kolmogorov's limit exceeds with *chance*."""
    return _falling_root(kolmogorov_above, chance, around=1.0)


def _kolmogorov_below(x: float) -> float:
    """The other series of the same theta function, of which two terms suffice below 1."""
    if x <= 0:
        return 0.0
    return _ROOT_OF_TWO_PI / x * math.fsum(math.exp(-((k * math.pi / x) ** 2) / 8) for k in (1, 3, 5, 7))


def noncentral_chi_squared_below(freedom: float, noncentrality: float, x: float) -> float:
    """How likely a noncentral chi-squared variable is below *x*: chi-squared ones, weighted as Poisson's law has it.

    The sum goes both ways from the largest weight until weights add nothing; neighbours follow from each other.
    """
    mean, half = noncentrality / 2, x / 2
    middle = math.floor(mean)
    shape = freedom / 2 + middle
    heaviest = math.exp(-mean) if middle == 0 else _gamma_term(middle, mean)
    first_below, first_term = gamma_below(shape, half), _gamma_term(shape, half)
    total = heaviest * first_below

    weight, below, term = heaviest, first_below, first_term
    for number in range(middle + 1, middle + _MOST_STEPS):
        below = max(0.0, below - term)
        term *= half / (freedom / 2 + number)
        weight *= mean / number
        total += weight * below
        if weight < _EPSILON * total or below == 0:
            break

    weight, below, term = heaviest, first_below, first_term
    for number in range(middle, 0, -1):
        term *= (freedom / 2 + number) / half
        below += term
        weight *= number / mean
        total += weight * below
        if weight < _EPSILON * total:
            break
    return min(1.0, total)


@lru_cache
def noncentrality_below(freedom: float, x: float, chance: float) -> float:
    """The noncentrality with which a chi-squared variable is below *x* with *chance*; 0 where it never is so likely."""
    return _falling_root(lambda shift: noncentral_chi_squared_below(freedom, shift, x), chance, around=x)


def _gamma_term(shape: float, x: float) -> float:
    """x to the power of *shape*, over e to the *x* and the gamma function of *shape* + 1."""
    far = shape * _above_logarithm(x / shape, (x - shape) / shape)
    return math.exp(-far - _stirling_rest(shape)) / (_ROOT_OF_TWO_PI * math.sqrt(shape))


def _above_logarithm(ratio: float, excess: float) -> float:
    """*excess* less the logarithm of *ratio*, which is 1 + *excess*: about half its square near 0."""
    if not -0.4 < excess < 0.6:
        return excess - math.log(ratio)
    part = excess / (2 + excess)
    square = part * part
    rest, power, odd = 0.0, part * square, 3
    while abs(power) > _EPSILON * abs(rest) * odd:
        rest, power, odd = rest + power / odd, power * square, odd + 2
    return excess * part - 2 * rest


def _stirling_rest(x: float) -> float:
    """What Stirling's formula leaves of the logarithm of the gamma function."""
    if x < _STIRLING_FROM:
        return math.lgamma(x) - (x - 0.5) * math.log(x) + x - math.log(_ROOT_OF_TWO_PI)
    return math.fsum(part / x ** (2 * number + 1) for number, part in enumerate(_STIRLING))


def _gamma_series(shape: float, x: float) -> float:
    part = total = 1.0
    for number in range(1, _MOST_STEPS):
        part *= x / (shape + number)
        total += part
        if part < _EPSILON * total:
            break
    return total * _gamma_term(shape, x)


def _gamma_fraction(shape: float, x: float) -> float:
    def coefficients() -> Iterator[tuple[float, float]]:
        for number in range(1, _MOST_STEPS):
            yield -number * (number - shape), x + 1 - shape + 2 * number

    return shape * _gamma_term(shape, x) / _continued_fraction(x + 1 - shape, coefficients())


def _beta_below(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function at *x*; *rest* is 1 - x with all its digits."""
    if x <= 0 or rest <= 0:
        return float(x > 0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_fraction(b, a, rest, x)
    return _beta_fraction(a, b, x, rest)


def _beta_fraction(a: float, b: float, x: float, rest: float) -> float:
    """The even part of the usual fraction, as DiDonato and Morris (1992) write it: a small *rest* keeps its digits."""
    both, distance = a + b, x * b - rest * a

    def denominator(number: int) -> float:
        behind = (a + number) * (1 - distance + number * (1 + rest)) / (a + 2 * number + 1)
        return number + number * (b - number) * x / (a + 2 * number - 1) + behind if number else behind

    def coefficients() -> Iterator[tuple[float, float]]:
        for number in range(1, _MOST_STEPS):
            root = x / (a + 2 * number - 1)
            yield (a + number - 1) * (both + number - 1) * number * (b - number) * root * root, denominator(number)

    # x^a (1 - x)^b / B(a, b) by the distance from the mean, where the logarithms of both powers cancel.
    far = a * _above_logarithm(x * both / a, distance / a) + b * _above_logarithm(rest * both / b, -distance / b)
    remainder = _stirling_rest(both) - _stirling_rest(a) - _stirling_rest(b)
    term = math.sqrt(a * b / both) / _ROOT_OF_TWO_PI * math.exp(remainder - far)
    return term / _continued_fraction(denominator(0), coefficients())


def _continued_fraction(first: float, coefficients: Iterator[tuple[float, float]]) -> float:
    """*first* + a1 / (b1 + a2 / (b2 + ...)), until a step changes nothing (Lentz's method, as Thompson mended it)."""
    value = first or _SMALLEST
    up, down = value, 0.0
    for a, b in coefficients:
        down = 1 / (b + a * down or _SMALLEST)
        up = b + a / up or _SMALLEST
        step = up * down
        value *= step
        if abs(step - 1) <= 2 * _EPSILON:
            break
    return value


def _falling_root(falling: Callable[[float], float], target: float, around: float) -> float:
    """Where *falling*, a function of a positive number that goes from at most 1 to 0, is *target*; 0 if it is nowhere.

    The search is in logarithms of both, in which tails are nearly straight.
    """
    if not 0 < target < 1:
        return math.inf if target <= 0 else 0.0

    def excess(place: float) -> float:
        return math.log(max(falling(math.exp(place)), _LEAST)) - math.log(target)

    low = high = math.log(around)
    step = 0.5
    while excess(low) < 0:
        low, step = low - step, 2 * step
        if low < _LOWEST:
            return 0.0
    step = 0.5
    while excess(high) >= 0:
        high, step = high + step, 2 * step
        if high > -_LOWEST:
            return math.inf
    return math.exp(_root_between(excess, low, high))


def _root_between(function: Callable[[float], float], low: float, high: float) -> float:
    """Chandrupatla's search: interpolation by a parabola's inverse where that is safe, else by halves."""
    newest, other = low, high
    at_newest, at_other = function(newest), function(other)
    part = 0.5
    for _ in range(_HALVINGS):
        place = newest + part * (other - newest)
        value = function(place)
        if (value > 0) == (at_newest > 0):
            oldest, at_oldest = newest, at_newest
        else:
            oldest, at_oldest, other, at_other = other, at_other, newest, at_newest
        newest, at_newest = place, value
        best = newest if abs(at_newest) < abs(at_other) else other
        least_part = 2 * _EPSILON * max(abs(best), 1.0) / abs(other - newest)
        if value == 0 or least_part > 0.5:
            return best
        part = min(
            1 - least_part, max(least_part, _interpolated(newest, other, oldest, at_newest, at_other, at_oldest))
        )
    return newest


def _interpolated(a: float, b: float, c: float, at_a: float, at_b: float, at_c: float) -> float:
    """Which part of the way from *a* to *b* the inverse parabola through the three points says."""
    across, up = (a - b) / (c - b), (at_a - at_b) / (at_c - at_b)
    if not (up**2 < across and (1 - up) ** 2 < 1 - across):
        return 0.5
    first = at_a / (at_b - at_a) * at_c / (at_b - at_c)
    return first + (c - a) / (b - a) * at_a / (at_c - at_a) * at_b / (at_c - at_b)
