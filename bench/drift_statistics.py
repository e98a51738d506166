"""How often the drift detector is wrong, by simulation: false alarms where nothing moved, power where something did.

    python bench/drift_statistics.py [--simulations N] [--rows N ...] [--reference N] [--only TABLE ...]

Each simulation draws a reference and a window from the same world and asks for the verdict of the whole detector, over
all its columns: at most alpha of them may be `drifted`. Then one column moves, by a stated amount, and the share of
`drifted` is the power. Exits with an error where there are significantly more false alarms.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared.domain.data.reference_profile import ReferenceProfile
from shared.domain.drift.counting import moments_of, tally_of
from shared.domain.drift.detector import DriftVerdict, detect
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.relevance import relevance
from shared.domain.drift.relevance_drift import Change, compare_relevance
from shared.domain.drift.rule import DriftOutcome, DriftRule
from shared.domain.drift.window import Counted
from tests.drift.references import profile_of

SEVERAL_STANDARD_ERRORS = 3.0
COLUMNS = 6
RULE = DriftRule(alpha=0.05, effect=1e-6, minimum_rows=20)  # No smallest effect: significance alone must hold.
Rows = dict[str, np.ndarray]
World = Callable[[np.random.Generator, int], Rows]


def _columns(draw: Callable[[np.random.Generator, int], np.ndarray]) -> World:
    """Several independent columns, and an output that is the sum of them where they are numbers."""

    def world(chance: np.random.Generator, rows: int) -> Rows:
        return _with_output({f"x{number}": draw(chance, rows) for number in range(COLUMNS)})

    return world


def _with_output(rows: Rows) -> Rows:
    numbers = [column for column in rows.values() if column.dtype.kind == "f"]
    return rows | {"output": np.sum(numbers, axis=0)} if numbers else rows


def _correlate(chance: np.random.Generator, rows: int) -> Rows:
    """Every pair of columns correlates by 0.8."""
    common = chance.normal(size=rows)
    return _with_output(
        {f"x{number}": 0.8**0.5 * common + 0.2**0.5 * chance.normal(size=rows) for number in range(COLUMNS)}
    )


def _oppose(chance: np.random.Generator, rows: int) -> Rows:
    """Half of the columns are the mirror of the other half."""
    half = {f"x{number}": chance.normal(size=rows) for number in range(COLUMNS // 2)}
    return half | {f"y{name}": -values for name, values in half.items()} | {"output": half["x0"]}


def _mix(chance: np.random.Generator, rows: int) -> Rows:
    numbers = {f"x{number}": chance.gamma(1 + number, size=rows) for number in range(3)}
    texts = {f"c{number}": _categories(chance, rows, 2 + 3 * number) for number in range(3)}
    return _with_output(numbers) | texts


def _categories(chance: np.random.Generator, rows: int, count: int) -> np.ndarray:
    """With a long tail: the rarest is seen in a few rows of a thousand."""
    shares = 1 / np.arange(1, count + 1) ** 1.5
    return np.array([f"c{code}" for code in chance.choice(count, rows, p=shares / shares.sum())])


def _with_missing(chance: np.random.Generator, rows: int) -> Rows:
    numbers = {f"x{number}": chance.normal(size=rows) for number in range(COLUMNS)}
    return {name: np.where(chance.random(rows) < 0.1, np.nan, values) for name, values in numbers.items()}


WORLDS: dict[str, World] = {
    "normal": _columns(lambda chance, rows: chance.normal(size=rows)),
    "log-normal": _columns(lambda chance, rows: chance.lognormal(0, 1.5, rows)),
    "Student t, 2 d.f.": _columns(lambda chance, rows: chance.standard_t(2, rows)),
    "whole numbers, five values": _columns(lambda chance, rows: chance.integers(0, 5, rows).astype(float)),
    "mostly zero": _columns(lambda chance, rows: np.where(chance.random(rows) < 0.9, 0.0, chance.normal(size=rows))),
    "correlated by 0.8": _correlate,
    "mirrored": _oppose,
    "numbers and categories": _mix,
    "categories, long tail": _columns(lambda chance, rows: _categories(chance, rows, 30)),
    "a tenth missing": _with_missing,
}


def reference_of(rows: Rows) -> ModelReference:
    """As it is made of training rows and the model's outputs for them."""
    profiles = {name: _profile(values) for name, values in rows.items()}
    inputs = {name: profile for name, profile in profiles.items() if name != "output"}
    outputs = {name: profile for name, profile in profiles.items() if name == "output"}
    count = len(next(iter(rows.values())))
    return ModelReference(
        inputs=ReferenceProfile(rows=count, columns=inputs),
        outputs=outputs,
        moments={name: moments_of(rows[name]) for name in outputs},
    )


def _profile(values: np.ndarray):
    profile = profile_of(values, "number" if values.dtype.kind == "f" else "string")
    assert profile is not None
    return profile


def counted(rows: Rows, reference: ModelReference) -> Counted:
    count = len(next(iter(rows.values())))
    return Counted(
        rows=count,
        answers=count if reference.outputs else 0,
        inputs={name: tally_of(rows[name], profile) for name, profile in reference.inputs.columns.items()},
        outputs={name: tally_of(rows[name], profile) for name, profile in reference.outputs.items()},
        moments={name: moments_of(rows[name]) for name in reference.outputs},
    )


def verdict(
    world: World, reference: int, rows: int, seed: int, rule: DriftRule, move: Callable[[Rows], Rows]
) -> DriftVerdict:
    chance = np.random.default_rng((reference, rows, seed))
    model_reference = reference_of(world(chance, reference))
    return detect(model_reference, counted(move(world(chance, rows)), model_reference), rule)


def share(
    world: World, reference: int, rows: int, simulations: int, rule: DriftRule, move: Callable[[Rows], Rows]
) -> Counter:
    return Counter(verdict(world, reference, rows, seed, rule, move).outcome for seed in range(simulations))


def unmoved(rows: Rows) -> Rows:
    return rows


def shifted(by: float) -> Callable[[Rows], Rows]:
    return lambda rows: rows | {"x0": rows["x0"] + by}


def limit(alpha: float, simulations: int) -> float:
    """The share of false alarms that chance alone still explains."""
    return alpha + SEVERAL_STANDARD_ERRORS * math.sqrt(alpha * (1 - alpha) / simulations)


def false_alarms(reference: int, sizes: list[int], simulations: int) -> list[str]:
    """Print the table; the lines with too many."""
    ceiling, wrong = limit(RULE.alpha, simulations), []
    print(f"\nFalse alarms, alpha = {RULE.alpha:g}, no smallest effect, {simulations} simulations each:")
    print(f"at most {ceiling:.2%} with the error of counting\n")
    print("| world | reference | rows | false alarms |\n|---|---|---|---|")
    for name, world in WORLDS.items():
        for rows in sizes:
            alarm_rate = share(world, reference, rows, simulations, RULE, unmoved)[DriftOutcome.DRIFTED] / simulations
            print(f"| {name} | {reference} | {rows} | {alarm_rate:.2%} |", flush=True)
            wrong += [f"{name}, {rows} rows: {alarm_rate:.2%}"] if alarm_rate > ceiling else []
    return wrong


def power(reference: int, sizes: list[int], simulations: int) -> None:
    rule = DriftRule(alpha=0.01, effect=0.1, minimum_rows=20)
    print(f"\nPower for one normal column of six shifted, alpha = {rule.alpha:g}, smallest effect {rule.effect:g}:")
    print("\n| shift (standard deviations) | distance | reference | rows | drifted | inconclusive | none |")
    print("|---|---|---|---|---|---|---|")
    for by in (0.0, 0.25, 0.5, 1.0):
        distance = math.erf(by / 2 / 2**0.5)
        for rows in sizes:
            outcomes = share(WORLDS["normal"], reference, rows, simulations, rule, shifted(by))
            shares = " | ".join(
                f"{outcomes[outcome] / simulations:.0%}"
                for outcome in (DriftOutcome.DRIFTED, DriftOutcome.INCONCLUSIVE, DriftOutcome.NONE)
            )
            print(f"| {by:g} | {distance:.2f} | {reference} | {rows} | {shares} |", flush=True)


def at_distance(kind: str, distance: float) -> tuple[World, Callable[[Rows], Rows]]:
    """A world of one column, and a movement of it by exactly *distance*."""
    if kind == "numbers":
        return _world(lambda chance, rows: chance.random(rows)), _some_moved(distance, lambda values: values + 1)
    count = int(kind.split()[0])
    draw = _world(lambda chance, rows: np.array([f"c{code}" for code in chance.integers(0, count, rows)]))
    # Of every hundred rows, those that leave other categories for the first are as many as the distance says.
    return draw, _some_moved(distance / (1 - 1 / count), lambda values: np.full_like(values, "c0"))


def _world(draw: Callable[[np.random.Generator, int], np.ndarray]) -> World:
    return lambda chance, rows: {"x0": draw(chance, rows)}


def _some_moved(share_of_rows: float, move: Callable[[np.ndarray], np.ndarray]) -> Callable[[Rows], Rows]:
    chance = np.random.default_rng(14)

    def moved(rows: Rows) -> Rows:
        values = rows["x0"]
        return {"x0": np.where(chance.random(len(values)) < share_of_rows, move(values), values)}

    return moved


def none_at_effect(reference: int, sizes: list[int], simulations: int) -> list[str]:
    """How often a distance of exactly the smallest effect is called `none`: at most 1 - power may be."""
    rule = DriftRule(alpha=0.01, effect=0.2, minimum_rows=20)
    ceiling, wrong = limit(1 - rule.power, simulations), []
    print(f"\nA distance of exactly {rule.effect:g} called none, {simulations} simulations, at most {ceiling:.1%}:\n")
    print("| column | reference | rows | drifted | inconclusive | none | none where nothing moved |")
    print("|---|---|---|---|---|---|---|")
    for kind in ("numbers", "2 categories", "10 categories", "90 categories"):
        world, move = at_distance(kind, rule.effect)
        for rows in sizes:
            outcomes = share(world, reference, rows, simulations, rule, move)
            still = share(world, reference, rows, simulations, rule, unmoved)
            shares = [
                outcomes[outcome] / simulations
                for outcome in (DriftOutcome.DRIFTED, DriftOutcome.INCONCLUSIVE, DriftOutcome.NONE)
            ]
            cells = " | ".join(f"{part:.1%}" for part in (*shares, still[DriftOutcome.NONE] / simulations))
            print(f"| {kind} | {reference} | {rows} | {cells} |", flush=True)
            wrong += [f"none at {kind}, {rows} rows: {shares[2]:.1%}"] if shares[2] > ceiling else []
    return wrong


NOISE: dict[str, tuple[Callable[[np.random.Generator], np.ndarray], Callable[[np.random.Generator], np.ndarray]]] = {
    "normal, normal": (lambda chance: chance.normal(size=500), lambda chance: chance.normal(size=500)),
    "Student t, 2 d.f., both": (lambda chance: chance.standard_t(2, 500), lambda chance: chance.standard_t(2, 500)),
    "log-normal, 2 % positives": (lambda chance: chance.lognormal(0, 1.5, 500), lambda chance: _flags(chance, 0.02)),
    "flags of 1 %, 2 % positives": (lambda chance: _flags(chance, 0.01), lambda chance: _flags(chance, 0.02)),
    "flags of 1 %, log-normal": (lambda chance: _flags(chance, 0.01), lambda chance: chance.lognormal(0, 1.5, 500)),
    "texts of 100 levels, normal": (lambda chance: _texts(chance), lambda chance: chance.normal(size=500)),
    "texts of 100 levels, 2 % positives": (lambda chance: _texts(chance), lambda chance: _flags(chance, 0.02)),
}


def _flags(chance: np.random.Generator, share_of_rows: float) -> np.ndarray:
    return (chance.random(500) < share_of_rows).astype(float)


def _texts(chance: np.random.Generator) -> np.ndarray:
    return np.array([f"t{level}" for level in chance.integers(0, 100, 500)])


def noise_selected(simulations: int, alpha: float = 0.05) -> list[str]:
    """How often relevance selects any of twenty columns of pure noise: at most alpha may be. In every fourth simulation
    one more column tells a little."""
    ceiling, wrong = limit(alpha, simulations), []
    print(f"\nOne of twenty columns of noise selected, 500 rows, {simulations} simulations, at most {ceiling:.1%}:\n")
    print("| columns, target | selected | an informative column found |\n|---|---|---|")
    for name, (draw, draw_target) in NOISE.items():
        chance = np.random.default_rng(5)
        alarms = hits = 0
        for number in range(simulations):
            target = draw_target(chance)
            columns = {f"noise{column}": draw(chance) for column in range(20)}
            alarms += bool(relevance(columns | {"target": target}, "target", alpha=alpha, resamples=0).selected)
            if number % 4:
                continue
            telling = (target - target.mean()) / target.std() * 0.25 + chance.normal(size=500)
            with_one = relevance(columns | {"telling": telling, "target": target}, "target", alpha=alpha, resamples=0)
            hits += "telling" in with_one.selected
        print(f"| {name} | {alarms / simulations:.1%} | {hits / math.ceil(simulations / 4):.0%} |", flush=True)
        wrong += [f"{name}: {alarms / simulations:.1%}"] if alarms / simulations > ceiling else []
    return wrong


def relevance_alarms(rows: int, simulations: int) -> list[str]:
    """How often relevance is said to have changed where it has not, and where it has."""
    alpha = 0.05
    rates = {
        name: sum(_is_changed(seed, rows, now, alpha) for seed in range(simulations)) / simulations
        for name, now in (("the same", 1.0), ("half as strong", 0.5), ("gone", 0.0))
    }
    print(f"\nRelevance of {rows} rows before and after, alpha = {alpha:g}, any change, {simulations} simulations:\n")
    print("| the strongest of six columns is | said to have changed |\n|---|---|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:.2%} |")
    return [f"relevance: {rates['the same']:.2%}"] if rates["the same"] > limit(alpha, simulations) else []


def _is_changed(seed: int, rows: int, now: float, alpha: float) -> bool:
    chance = np.random.default_rng((seed, rows))
    before, after = (_relevance(chance, rows, strength, seed) for strength in (1.0, now))
    return any(change.change is Change.CHANGED for change in compare_relevance(before, after, alpha=alpha, least=0.0))


def _relevance(chance: np.random.Generator, rows: int, strength: float, seed: int):
    columns = {f"x{number}": chance.normal(size=rows) for number in range(COLUMNS)}
    target = strength * columns["x0"] + 0.5 * columns["x1"] + chance.normal(size=rows)
    return relevance(columns | {"target": target}, "target", seed=seed, resamples=50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--rows", type=int, nargs="+", default=[30, 300])
    parser.add_argument("--reference", type=int, default=500)
    names = ("alarms", "power", "none", "noise", "relevance")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    arguments = parser.parse_args()
    simulations = arguments.simulations
    tables: dict[str, Callable[[], list[str]]] = {
        "alarms": lambda: false_alarms(arguments.reference, arguments.rows, simulations),
        "power": lambda: power(arguments.reference, arguments.rows, max(1, simulations // 4)) or [],
        "none": lambda: none_at_effect(2000, [100, 300, 1000], simulations),
        "noise": lambda: noise_selected(simulations),
        "relevance": lambda: relevance_alarms(500, max(1, simulations // 10)),
    }
    wrong = [fault for name in arguments.only for fault in tables[name]()]
    if wrong:
        raise SystemExit(f"too many false alarms: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
