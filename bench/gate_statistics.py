"""How often the gate is wrong, by simulation: false passes where nothing is better, and power where something is.

    python bench/gate_statistics.py [--simulations N] [--rows N ...]

Each simulation makes a hold-out and two models with the same (or a known) error, and asks `better_than_champion` at
confidence 0.95: at most 2.5 % may pass where there is no difference. Exits with an error where significantly more do.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared.domain.gates import GateSpec, judge_gates
from shared.domain.gates.evidence import Evaluation, Evidence
from shared.domain.metrics.paired import compare

ALPHA = 0.025
SEVERAL_STANDARD_ERRORS = 3.0
RESAMPLES = 499
Truth = Callable[[np.random.Generator, int], np.ndarray]
Model = Callable[[np.random.Generator, np.ndarray, float], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """*truth* draws rows; *champion* and *challenger* predict them, with more or less noise; *better* is less.

    With the same noise both have the same expected metric. A *hard* world is shown and not held against the gate.
    """

    name: str
    metric: str
    truth: Truth
    champion: Model
    challenger: Model
    noise: float
    better: float
    hard: bool = False


def _numbers(chance: np.random.Generator, rows: int) -> np.ndarray:
    return chance.normal(size=rows)


def _classes(share: float) -> Truth:
    def draw(chance: np.random.Generator, rows: int) -> np.ndarray:
        truth = (chance.random(rows) < share).astype(float)
        truth[:2] = 0, 1
        return truth

    return draw


def _normal(chance: np.random.Generator, truth: np.ndarray, noise: float) -> np.ndarray:
    return truth + noise * chance.normal(size=len(truth))


def _student(chance: np.random.Generator, truth: np.ndarray, noise: float) -> np.ndarray:
    return truth + noise * chance.standard_t(5, len(truth))


def _lognormal(chance: np.random.Generator, truth: np.ndarray, noise: float) -> np.ndarray:
    return truth + noise * chance.lognormal(0, 1, len(truth))


def _flip(chance: np.random.Generator, truth: np.ndarray, noise: float) -> np.ndarray:
    return np.where(chance.random(len(truth)) < noise, 1 - truth, truth)


def _probability(chance: np.random.Generator, truth: np.ndarray, noise: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(2 * truth - 1) / noise - chance.normal(size=len(truth))))


def _steady(chance: np.random.Generator, truth: np.ndarray, noise: float) -> np.ndarray:
    return truth + noise * chance.normal(1, 0.1, len(truth))


def _erratic(chance: np.random.Generator, truth: np.ndarray, noise: float) -> np.ndarray:
    """As wrong as `_steady` on average: mostly less, rarely much more."""
    return truth + chance.exponential(noise, len(truth))


def _world(metric: str, name: str, truth: Truth, models: Model | tuple[Model, Model], *noise: float) -> World:
    champion, challenger = models if isinstance(models, tuple) else (models, models)
    usual, better = noise
    return World(
        name=name,
        metric=metric,
        truth=truth,
        champion=champion,
        challenger=challenger,
        noise=usual,
        better=better,
        hard=champion is not challenger,
    )


WORLDS = (
    _world("mae", "normal", _numbers, _normal, 1.0, 0.85),
    _world("mae", "log-normal", _numbers, _lognormal, 1.0, 0.8),
    _world("rmse", "Student t, 5 d.f.", _numbers, _student, 1.0, 0.85),
    _world("r2", "normal", _numbers, _normal, 0.7, 0.6),
    _world("log_loss", "balanced", _classes(0.5), _probability, 1.0, 0.8),
    _world("brier", "balanced", _classes(0.5), _probability, 1.0, 0.8),
    _world("accuracy", "20 % wrong", _classes(0.5), _flip, 0.2, 0.14),
    _world("accuracy", "3 % wrong", _classes(0.5), _flip, 0.03, 0.01),
    _world("f1", "a fifth positive", _classes(0.2), _flip, 0.15, 0.1),
    _world("auc", "balanced", _classes(0.5), _normal, 1.0, 0.8),
    _world("auc", "a tenth positive", _classes(0.1), _normal, 1.0, 0.8),
    _world("mae", "skewed difference", _numbers, (_steady, _erratic), 1.0, 0.85),
)


def outcome(world: World, rows: int, seed: int, noise: float) -> str:
    """What the gate says of one challenger with *noise*."""
    chance = np.random.default_rng((rows, seed))
    truth = world.truth(chance, rows)
    champion, challenger = world.champion(chance, truth, world.noise), world.challenger(chance, truth, noise)
    difference = compare(world.metric, truth, champion, challenger, seed=seed, resamples=RESAMPLES)
    evaluation = Evaluation(digest=str(seed), rows=rows, champion="model:1", differences=(difference,))
    spec = GateSpec(gate="better_than_champion", options={"metric": world.metric, "min_rows": 1, "min_cases": 1})
    return judge_gates([spec], Evidence(evaluation=evaluation))[0].outcome.value


def shares(world: World, rows: int, simulations: int, noise: float) -> dict[str, float]:
    """How often the gate says what."""
    outcomes = Counter(outcome(world, rows, seed, noise) for seed in range(simulations))
    return {outcome_name: outcomes[outcome_name] / simulations for outcome_name in ("pass", "fail")}


def limit(simulations: int) -> float:
    """The share of false passes that chance alone still explains."""
    return ALPHA + SEVERAL_STANDARD_ERRORS * math.sqrt(ALPHA * (1 - ALPHA) / simulations)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--simulations", type=int, default=2000)
    arguments.add_argument("--rows", type=int, nargs="+", default=[50, 200, 500])
    options = arguments.parse_args()
    ceiling = limit(options.simulations)
    print(
        f"{options.simulations} simulations each; {ALPHA:.1%} may pass by luck, {ceiling:.2%} with the error of counts"
    )
    print("| metric | world | rows | false pass | false fail | power | better by |")
    print("|---|---|---|---|---|---|---|")
    wrong = [line(world, rows, options.simulations) for world in WORLDS for rows in options.rows]
    too_many = [name for name, share in wrong if share > ceiling]
    if too_many:
        raise SystemExit(f"more than {ceiling:.2%} false passes: {', '.join(too_many)}")


def line(world: World, rows: int, simulations: int) -> tuple[str, float]:
    """Print a row of the table; the name, and the share that counts against the gate."""
    null = shares(world, rows, simulations, world.noise)
    power = shares(world, rows, max(1, simulations // 4), world.better)["pass"]
    errors = f"{null['pass']:.2%} | {null['fail']:.2%}"
    print(f"| {world.metric} | {world.name} | {rows} | {errors} | {power:.0%} | {effect(world):.3g} |", flush=True)
    return f"{world.metric} ({world.name}, {rows} rows)", 0.0 if world.hard else null["pass"]


def effect(world: World) -> float:
    """How much better the better model truly is, measured on many rows."""
    chance = np.random.default_rng(0)
    truth = world.truth(chance, 400_000)
    champion, challenger = world.champion(chance, truth, world.noise), world.challenger(chance, truth, world.better)
    return compare(world.metric, truth, champion, challenger, resamples=99).estimate


if __name__ == "__main__":
    main()
