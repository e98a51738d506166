"""How often a rollout's test is wrong, and how soon it decides, by simulation through the code that judges rollouts.

    python bench/rollout_statistics.py [--rollouts N] [--only TABLE ...]

`healthy`: rollouts of 24 hours with a look every 5 minutes, beside a z test at every look and a fixed threshold.
`margins`: the same with canaries that are worse by the margin, which should be aborted and must not be cleared.
`decided`: requests until an abort and until cleared, beside the planning's figures. `replay`: inputs until an abort.
`clusters`: connections that stay on one arm. `soak` and `turned`: rollouts with a soak (`rollout_soak.py`).
Exits with an error where a promise fails. docs/rollout.md has the tables.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.rollout_soak import SOAKS, minutes_until_abort, soak_aborts
from bench.rollout_worlds import CLUSTERS, HEALTHY, LOOK, MINUTES, STEADY, WEIGHTS, Counts, Series, World, requests
from shared.domain.statistics.sequential.likelihoods import binomial_terms, hypergeometric_terms
from shared.domain.statistics.sequential.odds_evidence import BETTER_BY, WORSE_BY, OddsTest, log_e_values, near_odds
from shared.domain.statistics.sequential.planning import ExpectedTraffic, until_abort, until_cleared
from shared.domain.statistics.sequential.portable import log_sum_exp
from shared.domain.statistics.sequential.rollout_evidence import RolloutTest
from shared.domain.statistics.sequential.spread import NARROWER, WIDER, log_spread, spread_terms
from shared.domain.statistics.sequential.verdicts import DOUBT, WATCHED_PAIRS

CHUNK = 250  # Rollouts that are simulated together: more need more memory and no less time.
SEVERAL_STANDARD_ERRORS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Logs of e-values at every look, by rollout: as `judge_rollout` computes them, and without its two cautions."""

    worse: np.ndarray
    incautious: np.ndarray
    better: np.ndarray  # Of the comparison that has least.
    clustered: np.ndarray
    misrouted: np.ndarray

    def aborts(self, test: RolloutTest) -> np.ndarray:
        """Which rollouts are aborted at some look; one that is found misrouted stops there."""
        trusted = (self.clustered < math.log(1 / test.spread_alpha)) & ~self.stops(test)
        return ((self.worse >= math.log(1 / test.alpha)) & trusted).any(1)

    def stops(self, test: RolloutTest) -> np.ndarray:
        return np.logical_or.accumulate(self.misrouted >= math.log(1 / test.share_alpha), axis=1)


def looks_of(series: Series, shares: Counts, world: World) -> Looks:
    """The evidence of many rollouts at every look, in the steps in which `RolloutEvidence` adds it up."""
    logs = {name: _evidence(counts, world.test.comparisons[0].test) for name, counts in series.items()}
    spread, pairs = _routing(shares, world.percents)
    misrouted, apart = _share_evidence(shares, world)
    watched = pairs >= WATCHED_PAIRS
    full = {name: worse for name, (worse, _) in logs.items()}
    cautious = {name: np.where(watched, worse, worse / DOUBT) for name, worse in full.items()}
    return Looks(
        worse=_weighted(cautious),
        incautious=_weighted(full),
        better=np.where(watched, 1, 1 / DOUBT) * np.minimum.reduce([better for _, better in logs.values()]),
        clustered=_mean(spread, apart),
        misrouted=misrouted,
    )


def _evidence(counts: Counts, test: OddsTest) -> tuple[np.ndarray, np.ndarray]:
    odds, worst = test.odds[: 2 + len(WORSE_BY) + len(BETTER_BY)], 1 + len(WORSE_BY)
    hits, moments = (at_looks(term) for term in terms_of(counts, partial(hypergeometric_terms, odds=odds)))
    return (
        log_e_values(hits, moments[..., :worst], odds[:worst]),
        log_e_values(hits, moments[..., worst:], odds[worst:]),
    )


def terms_of(counts: Counts, terms: Callable[[Counts], object]) -> tuple[np.ndarray, np.ndarray]:
    """The terms of every minute: those of equal minutes are computed once."""
    rows, places = distinct(counts)
    kinds = terms(rows)
    return kinds.hits[places], kinds.moments[places]  # type: ignore[attr-defined]


def distinct(counts: Counts) -> tuple[Counts, np.ndarray]:
    """The distinct rows of the last axis, and for each place which of them stands there."""
    key = np.zeros(counts.shape[:-1], dtype=np.int64)
    for column in np.moveaxis(counts, -1, 0):
        key = key * (int(counts.max()) + 1) + column
    _, first, places = np.unique(key.reshape(-1), return_index=True, return_inverse=True)
    return counts.reshape(-1, counts.shape[-1])[first], places.reshape(counts.shape[:-1])


def at_looks(terms: np.ndarray) -> np.ndarray:
    """The sums up to each look."""
    return np.cumsum(np.add.reduceat(terms, np.arange(0, terms.shape[1], LOOK), axis=1), axis=1)


def _routing(shares: Counts, percents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The evidence of clusters and the number of pairs, at every look; minutes are paired as they come.

    The last minute of an odd number waits, and pairs in which chance had no choice add nothing. So the bench pairs the
    minutes of each weight by their places, which is what `SpreadEvidence` does wherever all minutes have units.
    """
    minutes = shares.shape[1]
    pairs = np.concatenate([shares[:, 0::2], shares[:, 1::2]], axis=-1)
    rows, places = distinct(pairs)
    kinds = np.concatenate([spread_terms(part) for part in np.array_split(rows, 1 + len(rows) // 20_000)])
    terms = np.zeros((*shares.shape[:2], len(WIDER + NARROWER)), dtype=np.int64)
    terms[:, 1::2] = kinds[places]
    open_pairs = np.zeros((len(shares), minutes), dtype=int)
    open_pairs[:, 1::2] = (pairs[..., 0] + pairs[..., 2] > 0) & (pairs[..., 1] + pairs[..., 3] > 0)
    assert (percents[0::2] == percents[1::2]).all()
    return log_spread(at_looks(terms), narrow=True), at_looks(open_pairs)


def _share_evidence(shares: Counts, world: World) -> tuple[np.ndarray, np.ndarray]:
    """At every look: the evidence that shares are far from the weights, and that they are not exactly them."""
    test = world.test.share_test
    odds, worst = test.odds[: 2 + len(WORSE_BY) + len(BETTER_BY)], 1 + len(WORSE_BY)
    near = (1.0, *near_odds())
    percents = np.broadcast_to(world.percents, shares.shape[:2])
    rows = np.stack([shares[..., 0], shares.sum(-1), percents], -1)
    terms = terms_of(rows, lambda row: binomial_terms(row[..., 0], row[..., 1], row[..., 2] / 100, (*odds, *near)))
    hits, moments = (at_looks(term) for term in terms)
    many = log_e_values(hits, moments[..., :worst], odds[:worst])
    few = log_e_values(hits, moments[..., worst : len(odds)], odds[worst:])
    return _mean(many, few), log_e_values(hits, moments[..., len(odds) :], near)


def _weighted(logs: dict[str, np.ndarray]) -> np.ndarray:
    weights = np.array([WEIGHTS[name] for name in logs])
    return log_sum_exp(np.stack(list(logs.values()), -1) + np.log(weights / weights.sum()))


def _mean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return log_sum_exp(np.stack([first, second], -1)) - math.log(2)


def z_alarms(series: Series, names: tuple[str, ...]) -> np.ndarray:
    """Which rollouts a z test of the pooled counts, one-sided at 1 %, stops at some look in one of *names*."""
    alarms = []
    for name in names:
        canary, champion, bad, champion_bad = np.moveaxis(at_looks(series[name]), -1, 0)
        pooled = (bad + champion_bad) / np.maximum(1, canary + champion)
        error = np.sqrt(pooled * (1 - pooled) * (1 / np.maximum(1, canary) + 1 / np.maximum(1, champion)))
        change = bad / np.maximum(1, canary) - champion_bad / np.maximum(1, champion)
        alarms.append((change > 2.3263 * np.maximum(error, 1e-12)).any(1))
    return np.logical_or.reduce(alarms)


def threshold_alarms(series: Series) -> np.ndarray:
    """Which rollouts a rule stops that wants 95 % successes of the canary in the last five minutes.

    As Argo Rollouts' documented example does it: of at least 20 requests, and a fourth failed measurement aborts.
    """
    windows = np.add.reduceat(series["errors"], np.arange(0, MINUTES, LOOK), axis=1)
    canary, bad = windows[..., 0], windows[..., 2]
    return ((canary >= 20) & (bad > 0.05 * canary)).sum(1) > 3


def chunks(world: World, rollouts: int, seed: int) -> Iterator[tuple[Series, Counts]]:
    for start in range(0, rollouts, CHUNK):
        yield world.draw(np.random.default_rng((seed, start)), min(CHUNK, rollouts - start))


def limit(rate: float, rollouts: int) -> float:
    """The share that chance alone still explains."""
    return rate + SEVERAL_STANDARD_ERRORS * math.sqrt(rate * (1 - rate) / rollouts)


def healthy(rollouts: int) -> list[str]:
    """Print how often healthy canaries are aborted, by three rules; the worlds in which this test exceeds alpha."""
    print(
        f"| {rollouts} healthy rollouts | aborted | z test, errors | z test, any of three | threshold | not trusted |"
    )
    print("|---|---|---|---|---|---|")
    wrong = []
    for seed, (name, world) in enumerate(HEALTHY.items()):
        shares = abort_shares(world, rollouts, seed)
        print(f"| {name} | " + " | ".join(f"{share:.2%}" for share in shares) + " |", flush=True)
        wrong += [name] if shares[0] > limit(world.test.alpha, rollouts) else []
    return wrong


def abort_shares(world: World, rollouts: int, seed: int) -> np.ndarray:
    """Of all rollouts: aborted by this test, by z in errors, by z in anything, by the threshold; never trusted."""
    totals = np.zeros(5)
    for series, shares in chunks(world, rollouts, seed):
        looks = looks_of(series, shares, world)
        untrusted = (looks.clustered >= math.log(1 / world.test.spread_alpha)) | looks.stops(world.test)
        totals += [
            looks.aborts(world.test).sum(),
            z_alarms(series, ("errors",)).sum(),
            z_alarms(series, tuple(WEIGHTS)).sum(),
            threshold_alarms(series).sum(),
            untrusted.any(1).sum(),
        ]
    return totals / rollouts


def margins(rollouts: int) -> list[str]:
    """Print how often canaries that are worse by the margin are cleared at some look, and aborted; those above beta."""
    print(f"| {rollouts} rollouts, odds ratio 2 | cleared, errors alone | cleared, all | aborted |\n|---|---|---|---|")
    wrong = []
    for percent in (5, 10, 50):
        world = World(
            draw=partial(requests, odds=2.0, percents=STEADY // 10 * percent), percents=STEADY // 10 * percent
        )
        totals = np.zeros(3)
        for series, shares in chunks(world, rollouts, 200 + percent):
            clear = math.log(1 / world.test.beta)
            looks = looks_of(series, shares, world)
            alone = looks_of({"errors": series["errors"]}, shares, world)
            totals += [
                (alone.better >= clear).any(1).sum(),
                (looks.better >= clear).any(1).sum(),
                looks.aborts(world.test).sum(),
            ]
        print(f"| weight {percent} | " + " | ".join(f"{share:.2%}" for share in totals / rollouts) + " |", flush=True)
        wrong += [f"cleared at weight {percent}"] if totals[0] / rollouts > limit(world.test.beta, rollouts) else []
    return wrong


def clusters(rollouts: int) -> list[str]:
    """Print what connections that stay on one arm do; the worlds in which more are aborted than alpha."""
    print(f"| {rollouts} healthy rollouts | without the guard | aborted | not trusted | minutes until then |")
    print("|---|---|---|---|---|")
    wrong = []
    for seed, (name, world) in enumerate(CLUSTERS.items()):
        unguarded, aborted, alarms = 0, 0, []
        for series, shares in chunks(world, rollouts, 100 + seed):
            looks = looks_of(series, shares, world)
            unguarded += int((looks.incautious >= math.log(1 / world.test.alpha)).any(1).sum())
            aborted += int(looks.aborts(world.test).sum())
            clustered = looks.clustered >= math.log(1 / world.test.spread_alpha)
            alarms += [LOOK * (1 + int(at)) for at in clustered.argmax(1)[clustered.any(1)]]
        until = f"{np.median(alarms):.0f} / {np.percentile(alarms, 90):.0f}" if alarms else ""
        shares_text = " | ".join(f"{count / rollouts:.2%}" for count in (unguarded, aborted, len(alarms)))
        print(f"| {name} | {shares_text} | {until} |", flush=True)
        wrong += [name] if aborted / rollouts > limit(world.test.alpha, rollouts) and not world.hard else []
    return wrong


BASE_RATES, PERCENTS, ODDS = (0.001, 0.01, 0.05), (5, 10, 25, 50), (2.0, 5.0, 10.0)
PER_LOOK = 500  # Requests of both arms in five minutes.


def decided(rollouts: int) -> list[str]:
    """Print the canary's requests until an abort and until cleared, median and ninth decile, beside the planning's.

    Errors alone are compared. Names the cells in which the planning's figure is wrong by more than a third.
    """
    print("| base rate | weight | odds 2 | odds 5 | odds 10 | cleared, margin 2 | cleared, margin 3 |")
    print("|---|---|---|---|---|---|---|")
    wrong, errors = [], []
    for rate in BASE_RATES:
        for percent in PERCENTS:
            cells = [_abort_cell(rate, percent, odds, rollouts) for odds in ODDS]
            cells += [_clear_cell(rate, percent, margin, rollouts) for margin in (2.0, 3.0)]
            print(f"| {rate:.1%} | {percent} | " + " | ".join(text for text, _ in cells) + " |", flush=True)
            errors += [error for _, cell in cells for error in cell]
            wrong += (
                [f"planning at {rate:.1%}, weight {percent}"]
                if max(abs(e) for _, c in cells for e in c) > 1 / 3
                else []
            )
    print(f"\nThe planning's figures differ from these by {min(errors):+.0%} to {max(errors):+.0%}.")
    return wrong


def _abort_cell(rate: float, percent: int, odds: float, rollouts: int) -> tuple[str, list[float]]:
    test = OddsTest()
    ratios = test.odds[: 1 + len(WORSE_BY)]
    simulated = canary_units(rate, percent, odds, ratios, math.log(100), rollouts)
    planned = until_abort(_expected(rate, percent), test, 0.01, odds)
    return _cell(simulated, (planned.canary_units, planned.slow_canary_units))


def _clear_cell(rate: float, percent: int, margin: float, rollouts: int) -> tuple[str, list[float]]:
    test = OddsTest(margin=margin)
    ratios = test.odds[1 + len(WORSE_BY) :][: 1 + len(BETTER_BY)]
    simulated = canary_units(rate, percent, 1.0, ratios, math.log(20), rollouts)
    planned = until_cleared(_expected(rate, percent), test, 0.05)
    return _cell(simulated, (planned.canary_units, planned.slow_canary_units))


def _expected(rate: float, percent: int) -> ExpectedTraffic:
    return ExpectedTraffic(bad_rate=rate, percent=percent, per_hour=PER_LOOK * 60 / LOOK, look_minutes=LOOK)


def _cell(simulated: np.ndarray, planned: tuple[float, float]) -> tuple[str, list[float]]:
    usual, slow = np.median(simulated), np.percentile(simulated, 90)
    return f"{usual:,.0f} / {slow:,.0f}", [planned[0] / usual - 1, planned[1] / slow - 1]


def canary_units(
    rate: float, percent: int, odds: float, ratios: tuple[float, ...], height: float, rollouts: int
) -> np.ndarray:
    """The canary's requests of each rollout until its evidence reaches *height* at a look."""
    chance = np.random.default_rng((int(rate * 1e6), percent, int(odds * 10)))
    hits, used = np.zeros(rollouts, dtype=np.int64), np.zeros(rollouts)
    moments, alive = np.zeros((rollouts, len(ratios)), dtype=np.int64), np.arange(rollouts)
    result, first = np.zeros(rollouts), True
    while len(alive):
        series, _ = requests(
            chance, len(alive), percents=np.full(20 * LOOK, percent), rates=rate, odds=odds, per_minute=PER_LOOK / LOOK
        )
        terms = terms_of(series["errors"], partial(hypergeometric_terms, odds=ratios))
        new_hits, new_moments = (at_looks(term) for term in terms)
        logs = log_e_values(new_hits + hits[alive, None], new_moments + moments[alive, None], ratios)
        if first:
            logs[:, 0] = logs[:, 0] / DOUBT  # The first look has seen two pairs of minutes.
        units = at_looks(series["errors"][..., 0]) + used[alive, None]
        crossed = logs >= height
        done, place = crossed.any(1), crossed.argmax(1)
        result[alive[done]] = units[done, place[done]]
        hits[alive] += new_hits[:, -1]
        moments[alive] += new_moments[:, -1]
        used[alive], alive, first = units[:, -1], alive[~done], False
    return result


def replay(rollouts: int) -> list[str]:
    """Print the inputs until a replay aborts; where equal arms are aborted more often than alpha, that is wrong."""
    odds = OddsTest().odds[: 1 + len(WORSE_BY)]
    false = float(np.isfinite(_inputs(0.01, 0.01, odds, rollouts, 40_000)).mean())
    print(f"Of {rollouts} replays of 40,000 inputs to equal arms with 1 % errors {false:.2%} are aborted.\n")
    print("| errors of the canary (champion 1 %) | inputs until abort |\n|---|---|")
    for rate in (0.02, 0.03, 0.05, 0.1):
        inputs = _inputs(0.01, rate, odds, rollouts, 40_000)
        print(f"| {rate:.0%} | {np.median(inputs):,.0f} / {np.percentile(inputs, 90):,.0f} |", flush=True)
    return ["replay"] if false > limit(0.01, rollouts) else []


def _inputs(champion: float, canary: float, odds: tuple[float, ...], replays: int, most: int) -> np.ndarray:
    """Inputs until each replay aborts at a look of 20 inputs, infinite where it does not. Arms err independently."""
    chance, a_look = np.random.default_rng(3), 20
    result = []
    for start in range(0, replays, CHUNK):
        shape = (min(CHUNK, replays - start), most // a_look)
        both = chance.multinomial(
            a_look,
            [canary * (1 - champion), champion * (1 - canary), 1 - canary - champion + 2 * canary * champion],
            shape,
        )
        kinds = np.stack([both[..., 0], both[..., 0] + both[..., 1]], -1)
        terms = terms_of(kinds, lambda row: binomial_terms(row[..., 0], row[..., 1], np.full(len(row), 0.5), odds))
        crossed = log_e_values(terms[0].cumsum(1), terms[1].cumsum(1), odds) >= math.log(100)
        result.append(np.where(crossed.any(1), a_look * (1.0 + crossed.argmax(1)), np.inf))
    return np.concatenate(result)


def soak(rollouts: int) -> list[str]:
    """Print how often healthy rollouts with outputs and a soak are aborted; the worlds in which it exceeds alpha."""
    print(f"| {rollouts} healthy rollouts | aborted | of these in the soak | if the soak counted whole |")
    print("|---|---|---|---|")
    wrong = []
    for seed, (name, world) in enumerate(SOAKS.items()):
        size = min(CHUNK, rollouts)
        parts = [soak_aborts(world, looks_of, 100 * seed + start, size) for start in range(rollouts // size)]
        shares = np.mean(parts, axis=0)
        print(f"| {name} | " + " | ".join(f"{share:.2%}" for share in shares) + " |", flush=True)
        exceeds = shares[0] > limit(world.shared.test.alpha, rollouts)
        wrong += [f"soak: {name}"] if exceeds and not world.hard else []
    return wrong


def turned(rollouts: int) -> list[str]:
    """Print how soon a version is aborted that turns bad in the soak."""
    print("| odds of an error, of 1 % | minutes of the soak until abort |\n|---|---|")
    wrong = []
    for odds in (3.0, 4.0, 8.0, 16.0):
        minutes = minutes_until_abort(odds, int(odds), min(rollouts, 1000))
        print(f"| {odds:g} | {np.median(minutes):,.0f} / {np.percentile(minutes, 90):,.0f} |", flush=True)
        wrong += [f"turned: odds {odds:g}"] if np.isinf(np.percentile(minutes, 90)) else []
    return wrong


TABLES = {
    "healthy": healthy,
    "margins": margins,
    "decided": decided,
    "replay": replay,
    "clusters": clusters,
    "soak": soak,
    "turned": turned,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rollouts", type=int, default=4000)
    arguments.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    options = arguments.parse_args()
    wrong = []
    for name in options.only:
        print(f"\n{name}\n")
        wrong += TABLES[name](options.rollouts)
    if wrong:
        raise SystemExit(f"promises that do not hold: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
