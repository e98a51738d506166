"""How often the gate is wrong on hold-outs as they are: groups, heavy tails, few positives, slices, many looks.

    python bench/gate_holdouts.py [--simulations N] [--only TABLE ...]

Every simulation makes a hold-out and two models of the same (or a known) quality and asks `better_than_champion` with
its default options at confidence 0.95: at most 2.5 % may pass where there is no difference. "Before" is what the gate
would say without the part that a table is about. Exits with an error where significantly more pass.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.gate_statistics import limit
from shared.domain.gates import GateSpec, judge_gates
from shared.domain.gates.evidence import Evaluation, Evidence, SliceDifference
from shared.domain.metrics.catalogue import MetricError, value_of
from shared.domain.metrics.paired import Difference, compare
from shared.domain.statistics.looks import Look, shared_confidence

RESAMPLES = 299
UNBOUNDED = {"min_rows": 1, "min_groups": 2, "min_cases": 1}
Rows = tuple[Any, Any, Any, Any]  # Truth, champion, challenger and groups (or None).
Draw = Callable[[np.random.Generator, int, float], Rows]  # Of so many groups or rows; 1 is as good, less is better.


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """*options* are the gate's; a *hard* world is shown and not held against the gate."""

    name: str
    metric: str
    draw: Draw
    size: int
    better: float = 0.7
    options: dict[str, Any] = field(default_factory=dict)
    hard: bool = False


def _grouped_errors(chance: np.random.Generator, groups: int, better: float, heavy: bool) -> tuple[Any, list[Any]]:
    """Groups of ten rows whose errors share a part; *heavy*: Student's t with 3 d.f., and groups of unequal size."""
    sizes = np.full(groups, 10)
    if heavy:
        sizes = np.maximum(1, np.round(10 * chance.lognormal(-0.5, 1, groups)).astype(int))
    codes = np.repeat(np.arange(groups), sizes)

    def noise(many: int) -> Any:
        return chance.standard_t(3, many) if heavy else chance.normal(size=many)

    errors = [0.8 * noise(groups)[codes] + 0.6 * noise(len(codes)) for _ in range(2)]
    return codes, [errors[0], better * errors[1]]


def grouped(metric: str, heavy: bool) -> Draw:
    """Rows of patients: predictions of one patient err alike."""

    def draw(chance: np.random.Generator, groups: int, better: float) -> Rows:
        codes, errors = _grouped_errors(chance, groups, better, heavy)
        n = len(codes)
        if metric == "ndcg":
            relevance = chance.integers(0, 4, n).astype(float)
            return (
                relevance,
                relevance + 2 * chance.normal(size=n),
                relevance + 2 * better * chance.normal(size=n),
                codes,
            )
        base = 0.7 * chance.normal(size=groups)[codes] + 0.7 * chance.normal(size=n)
        return (*_columns(metric, base, errors), codes)

    return draw


def single(metric: str, heavy: bool) -> Draw:
    """Independent rows."""

    def draw(chance: np.random.Generator, rows: int, better: float) -> Rows:
        noise = [chance.standard_t(3, rows) if heavy else chance.normal(size=rows) for _ in range(2)]
        return (*_columns(metric, chance.normal(size=rows), [noise[0], better * noise[1]]), None)

    return draw


def _columns(metric: str, base: Any, errors: list[Any]) -> tuple[Any, Any, Any]:
    """What *base* and two models' *errors* are on the metric's scale."""
    scores = [base + error for error in errors]
    if metric == "multiclass_log_loss":
        powers = [np.exp(np.stack([-score, np.zeros(len(base)), score], axis=1)) for score in scores]
        return np.digitize(base, (-0.5, 0.8)), *(power / power.sum(axis=1, keepdims=True) for power in powers)
    if metric in ("accuracy", "macro_f1", "weighted_f1", "balanced_accuracy", "mcc"):
        return np.digitize(base, (-0.5, 0.8)), *(np.digitize(score, (-0.5, 0.8)) for score in scores)
    if metric in ("recall", "f1", "precision"):
        return (base > 0.5).astype(float), *((score > 0.5).astype(float) for score in scores)
    if metric in ("auc", "average_precision"):
        return (base > 0.5).astype(float), *scores
    if metric in ("log_loss", "brier"):
        return (base > 0.5).astype(float), *(1 / (1 + np.exp(1 - 2 * score)) for score in scores)
    offset = 20 if metric in ("mape", "smape") else 0  # Truths far from 0, of which shares are taken.
    return base + offset, *(score + offset for score in scores)


FAMILIES = (
    *("mae", "rmse", "r2", "mape", "smape", "pinball@0.9", "log_loss", "multiclass_log_loss", "accuracy", "recall"),
    *("f1", "macro_f1", "weighted_f1", "balanced_accuracy", "mcc", "auc", "average_precision", "ndcg"),
)
_OPTIONS = {"recall": {"min_rows": 40}}  # Of which only positive rows count.
GROUPED = tuple(
    World(name=name, metric=metric, draw=grouped(metric, heavy), size=size, options=_OPTIONS.get(metric, {}))
    for metric in FAMILIES
    for name, heavy in (("normal", False), ("heavy tails", True))
    for size in ((20, 60) if metric in ("mae", "auc") else (20,))
)
SINGLE = tuple(
    World(name=name, metric=metric, draw=single(metric, heavy), size=size)
    for metric in FAMILIES
    if metric not in ("ndcg", "mae", "rmse", "r2", "log_loss", "accuracy", "recall", "f1", "auc")
    for name, heavy in (("normal", False), ("heavy tails", True))
    for size in (100, 400)
)


def few_positives(metric: str, positives: int) -> Draw:
    """Rows of which so many are positive; each model misses a third of them, and finds as many that are none."""

    def draw(chance: np.random.Generator, rows: int, better: float) -> Rows:
        truth = np.zeros(rows)
        truth[:positives] = 1
        if metric in ("auc", "average_precision"):
            return truth, 2 * truth + chance.normal(size=rows), 2 * truth + better * chance.normal(size=rows), None
        share = positives / rows
        wrong = np.where(truth == 1, 0.3, 0.3 * share / (1 - share))
        models = [np.where(chance.random(rows) < factor * wrong, 1 - truth, truth) for factor in (1, better)]
        return truth, *models, None

    return draw


FEW = tuple(
    World(name=f"{positives} positive", metric=metric, draw=few_positives(metric, positives), size=size)
    for metric in ("f1", "precision", "mcc", "auc", "average_precision")
    for positives, size in ((1, 100), (2, 200), (10, 200), (20, 400))
)


def rare_losses(share: float, times: float) -> Draw:
    """The challenger loses less, but on a *share* of rows *times* as much: on average the models are equal."""

    def draw(chance: np.random.Generator, rows: int, better: float) -> Rows:
        usual, other_losses = chance.exponential(size=rows), chance.exponential(size=rows)
        mean = share * times + 0.3 * (1 - share)
        rare = chance.random(rows) < share
        return np.zeros(rows), mean * usual, better * np.where(rare, times, 0.3) * other_losses, None

    return draw


RARE = tuple(
    World(
        name=f"{share:.0%} of rows, {times} times, rarest {'set' if is_set else 'not set'}",
        metric="mae",
        draw=rare_losses(share, times),
        size=size,
        better=0.5,
        options={"rarest": share} if is_set else {},
        hard=not is_set,
    )
    for share, times in ((0.01, 50), (0.05, 10))
    for is_set in (False, True)
    for size in (100, 500, 1000)
)


def outcome(world: World, seed: int, better: float, before: dict[str, Any] | None = None) -> str:
    """What the gate says of one challenger; *before*: with rows taken as if each stood for itself, with these options,
    and without regard to the tail.
    """
    chance = np.random.default_rng((world.size, seed))
    *columns, groups = world.draw(chance, world.size, better)
    codes = groups if before is None or world.metric == "ndcg" else None
    try:
        difference = compare(world.metric, *columns, groups=codes, seed=seed, resamples=RESAMPLES)
    except MetricError:
        return "fail"  # Such a hold-out is refused.
    if before is not None:
        return _verdict(world.metric, replace(difference, tail=0.0), before)
    return _verdict(world.metric, difference, world.options)


def _verdict(metric: str, difference: Difference, options: dict[str, Any], **evaluation: Any) -> str:
    evidence = Evaluation(digest="", rows=difference.n, champion="m:1", differences=(difference,), **evaluation)
    spec = GateSpec(gate="better_than_champion", options={"metric": metric, **options})
    return judge_gates([spec], Evidence(evaluation=evidence))[0].outcome.value


def passes(world: World, simulations: int, better: float = 1.0, before: dict[str, Any] | None = None) -> float:
    """How often the gate passes."""
    return sum(outcome(world, seed, better, before) == "pass" for seed in range(simulations)) / simulations


def compared(worlds: tuple[World, ...], simulations: int, before: dict[str, Any], unit: str) -> Iterator[str]:
    """A table of false passes before and after, and of power, in a quarter or an eighth as many simulations but for the
    false passes after; the names of the worlds where too many of these pass.
    """
    print(f"| metric | world | {unit} | equal models pass: before | after | power: before | after |")
    print("|---|---|---|---|---|---|---|")
    for world in worlds:
        few_simulations = max(1, simulations // 4)
        null = passes(world, few_simulations, before=before), passes(world, simulations)
        few_simulations = max(1, few_simulations // 2)
        power = passes(world, few_simulations, world.better, before), passes(world, few_simulations, world.better)
        figures = f"{null[0]:.1%} | {null[1]:.2%} | {power[0]:.0%} | {power[1]:.0%}"
        print(f"| {world.metric} | {world.name} | {world.size} | {figures} |", flush=True)
        if null[1] > limit(simulations) and not world.hard:
            yield f"{world.metric} ({world.name}, {world.size})"


def measured(worlds: tuple[World, ...], simulations: int) -> Iterator[str]:
    """A table of false passes, and of power in an eighth as many simulations; the worlds where too many pass."""
    print("| metric | world | rows | equal models pass | power |")
    print("|---|---|---|---|---|")
    for world in worlds:
        null, power = passes(world, simulations), passes(world, max(1, simulations // 8), world.better)
        print(f"| {world.metric} | {world.name} | {world.size} | {null:.2%} | {power:.0%} |", flush=True)
        if null > limit(simulations):
            yield f"{world.metric} ({world.name}, {world.size})"


def sliced(seed: int, slices: int, better: float, rule: str) -> str:
    """What the gate says of a hold-out of *slices* of 200 rows each, with `max_slice_loss: 0`."""
    chance = np.random.default_rng((slices, seed))
    truth = np.zeros(200 * slices)
    champion, challenger = chance.normal(size=len(truth)), better * chance.normal(size=len(truth))
    # "per slice" is what the gate did: every slice at the whole confidence.
    confidence = shared_confidence(0.95, slices) if rule == "no_harm" else 0.95
    names = [f"s={number}" for number in range(slices)]
    differences = []
    for number, name in enumerate(names):
        part = slice(200 * number, 200 * number + 200)
        difference = compare(
            "mae", truth[part], champion[part], challenger[part], confidence=confidence, seed=seed, resamples=RESAMPLES
        )
        differences.append(SliceDifference(slice=name, difference=difference))
    whole = compare("mae", truth, champion, challenger, seed=seed, resamples=RESAMPLES)
    return _verdict("mae", whole, {"slices": names, "slice_rule": rule}, slices=tuple(differences))


def slice_table(simulations: int) -> None:
    print("| slices of 200 rows | rule | equal models fail | equal models pass | 10 % better pass | 20 % better pass |")
    print("|---|---|---|---|---|---|")
    for slices, rule in ((20, "proven"), (20, "no_harm")):
        equal = [sliced(seed, slices, 1.0, rule) for seed in range(simulations)]
        seeds = range(max(1, simulations // 8))
        gains = [[sliced(seed, slices, better, rule) for seed in seeds] for better in (0.9, 0.8)]
        shares = [equal.count("fail") / len(equal), equal.count("pass") / len(equal)]
        shares += [outcomes.count("pass") / len(outcomes) for outcomes in gains]
        print(f"| {slices} | {rule} | {' | '.join(f'{share:.1%}' for share in shares)} |", flush=True)


def look_table(simulations: int) -> None:
    """Forty challengers a year, of which a tenth are better by what a single look finds in nine of ten."""
    from scipy.stats import norm

    looks, chance = 40, np.random.default_rng(1)
    number, alpha = np.arange(1, looks + 1), 0.025
    rules = {
        "2.5 % at each look (before)": np.full(looks, alpha),
        "Bonferroni, 40 looks": np.full(looks, alpha / looks),
    }
    for looks_planned in (1, 12, 40):
        shares = [Look(number=int(k), expected=looks_planned).share for k in number]
        rules[f"spending, looks: {looks_planned}"] = alpha * np.array(shares)
    common_noise = np.sqrt(0.3) * chance.normal(size=(simulations, 1))  # One hold-out asks them all.
    luck = common_noise + np.sqrt(0.7) * chance.normal(size=(simulations, looks))
    truly = chance.random((simulations, looks)) < 0.1
    print("| rule | a false pass in a year, none better | better ones that pass | of the first 12 | of the last 10 |")
    print("|---|---|---|---|---|")
    for name, level in rules.items():
        critical = norm.isf(level)
        passes_gate = (luck + truly * (norm.isf(alpha) + norm.isf(0.1))) > critical
        parts = [np.mean(passes_gate[:, part][truly[:, part]]) for part in (slice(None), slice(12), slice(30, None))]
        wrong = np.mean((luck > critical).any(axis=1))
        print(f"| {name} | {wrong:.1%} | {' | '.join(f'{share:.0%}' for share in parts)} |", flush=True)


def single_holdouts() -> Iterator[tuple[str, Difference, str]]:
    """Hold-outs of which something else was once said: a name, the interval, and the verdict of today."""
    chance, truth = np.random.default_rng(3), (np.arange(1000) == 0).astype(float)
    lone_positive = compare("f1", truth, np.zeros(1000), truth, resamples=RESAMPLES)
    yield (
        "F1, the one positive of 1,000 found by the challenger alone",
        lone_positive,
        _verdict("f1", lone_positive, {}),
    )

    perfect = compare("auc", truth[:200], truth[:200], truth[:200] * 2 + chance.random(200) / 2, resamples=RESAMPLES)
    flags = np.arange(1000) % 2
    whole = compare("auc", flags, flags + 2 * chance.normal(size=1000), flags + chance.normal(size=1000) / 2)
    options = {"slices": ["s=1"], "slice_rule": "proven"}
    verdict = _verdict("auc", whole, options, slices=(SliceDifference(slice="s=1", difference=perfect),))
    yield "AUC 1 and 1 in a slice with one positive", perfect, verdict

    zeros, losses, levels = np.zeros(1000), 1 + chance.random(1000), (0.95, 0.99)
    differences = tuple(compare("mae", zeros, losses, zeros + 1, confidence=level) for level in levels)
    evidence = Evidence(evaluation=Evaluation(digest="", rows=1000, champion="m:1", differences=differences))
    for level, difference in zip(levels, differences, strict=True):
        gate = GateSpec(gate="better_than_champion", options={"metric": "mae", "confidence": level})
        yield (
            f"mae at confidence {level}, beside a gate at another",
            difference,
            judge_gates([gate], evidence)[0].outcome.value,
        )


def case_table() -> list[str]:
    """Print them, and r2 of constant truths; the names of the cases that are wrong."""
    print("| hold-out | interval | verdict |\n|---|---|---|")
    verdicts = []
    for name, difference, verdict in single_holdouts():
        verdicts.append(verdict)
        print(f"| {name} | {difference.low:.4g} to {difference.high:.4g} | {verdict} |")
    for constant in (0.1, 0.7, 123.456):
        try:
            answer = str(value_of("r2", [constant] * 7, range(7)))
        except MetricError as error:
            answer = str(error)
        print(f"| r2 of a truth that is always {constant} | | {answer} |")
    return [] if verdicts == ["inconclusive", "inconclusive", "pass", "pass"] else ["single hold-outs"]


TABLES: dict[str, Callable[[int], list[str]]] = {
    "groups": lambda many: list(compared(GROUPED, many, UNBOUNDED, "groups")),
    "metrics": lambda many: list(measured(SINGLE, many)),
    "few": lambda many: list(compared(FEW, many, UNBOUNDED, "rows")),
    "rare": lambda many: list(compared(RARE, many, {}, "rows")),
    "slices": lambda many: slice_table(many) or [],
    "looks": lambda many: look_table(10 * many) or [],
    "cases": lambda _: case_table(),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--simulations", type=int, default=2000)
    arguments.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    options = arguments.parse_args()
    ceiling, wrong = limit(options.simulations), []
    print(f"{options.simulations} simulations each; 2.5% may pass by luck, {ceiling:.2%} with the error of counting")
    for name in options.only:
        print(f"\n{name}")
        wrong += TABLES[name](options.simulations)
    if wrong:
        raise SystemExit(f"more than {ceiling:.2%} false passes: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
