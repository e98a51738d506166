"""What the drift detector says of worlds that it once overlooked, and what its rates add up to, by simulation.

    python bench/drift_promises.py [--simulations N] [--only TABLE ...]

`hidden`: sparse categories, and values below the reference's smallest. `score`: whether the score would move, where two
inputs matter together only. `months`: false alarms of thirty windows against one reference. `variation`: the total
variation of many categories. `shift`: the interval of the outputs' mean shift. docs/measured-promises.md keeps the
figures beside those from before.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.drift_statistics import WORLDS, Rows, counted, limit, reference_of
from shared.domain.drift.detector import detect
from shared.domain.drift.relevance import relevance
from shared.domain.drift.rule import DriftOutcome, DriftRule
from shared.domain.statistics.counts import benjamini_hochberg, kolmogorov_smirnov
from shared.domain.statistics.shifts import corrected_variation, total_variation

OUTCOMES = (DriftOutcome.DRIFTED, DriftOutcome.INCONCLUSIVE, DriftOutcome.NONE)
Draw = Callable[[np.random.Generator, int], np.ndarray]


def _shares(names: list[str], shares: list[float]) -> Draw:
    return lambda chance, rows: np.array(names)[chance.choice(len(names), rows, p=shares)]


def _zeros(instead: float) -> Draw:
    """Six rows of ten have *instead* where they had 0; the others are amounts."""
    return lambda chance, rows: np.where(chance.random(rows) < 0.6, instead, 1 + chance.exponential(size=rows))


def _flag(no: float) -> Draw:
    return lambda chance, rows: np.where(chance.random(rows) < 0.5, no, 1.0)


def _constant(value: float) -> Draw:
    return lambda _, rows: np.full(rows, value)


def _with_missing(share: float) -> Draw:
    return lambda chance, rows: np.where(chance.random(rows) < share, np.nan, chance.normal(size=rows))


HIDDEN: dict[str, tuple[Draw, Draw]] = {
    "a new category in half of the rows": (_shares(["a", "b"], [0.5, 0.5]), _shares(["a", "new"], [0.5, 0.5])),
    "a constant category replaced wholly": (_shares(["a"], [1.0]), _shares(["new"], [1.0])),
    "a flag from 1 % to 30 %": (_shares(["no", "yes"], [0.99, 0.01]), _shares(["no", "yes"], [0.7, 0.3])),
    "missing values from 0 to 40 %": (_with_missing(0.0), _with_missing(0.4)),
    "60 % zeros become -999": (_zeros(0.0), _zeros(-999.0)),
    "a flag's 0 becomes -1": (_flag(0.0), _flag(-1.0)),
    "a constant 0 becomes -1": (_constant(0.0), _constant(-1.0)),
}


def hidden(simulations: int) -> list[str]:
    """Print the verdicts on windows of 100 rows beside a reference of 10,000, moved and not; those that are wrong."""
    rule, wrong = DriftRule(), []
    print("| in 100 rows, reference of 10,000 | drifted | inconclusive | none | drifted where nothing moved |")
    print("|---|---|---|---|---|")
    for name, (before, after) in HIDDEN.items():
        chance, outcomes, still = np.random.default_rng(14), Counter[DriftOutcome](), 0
        for _ in range(simulations):
            reference = reference_of({"x0": before(chance, 10_000)})
            outcomes[detect(reference, counted({"x0": after(chance, 100)}, reference), rule).outcome] += 1
            quiet_window = counted({"x0": before(chance, 100)}, reference)
            still += detect(reference, quiet_window, rule).outcome is DriftOutcome.DRIFTED
        shares = " | ".join(f"{outcomes[outcome] / simulations:.1%}" for outcome in OUTCOMES)
        print(f"| {name} | {shares} | {still / simulations:.1%} |", flush=True)
        miss_rate = outcomes[DriftOutcome.NONE] / simulations
        if miss_rate > limit(1 - rule.power, simulations) or still / simulations > limit(rule.alpha, simulations):
            wrong.append(name)
    return wrong


def _score_world(chance: np.random.Generator, rows: int, together: bool, moved: bool) -> Rows:
    """Two flags. The target is their exclusive or, or the first flag alone while the second is noise; where *moved*,
    nine rows of ten have both flags, or the second one."""
    first = chance.random(rows) < (0.9 if moved and together else 0.5)
    second = chance.random(rows) < (0.9 if moved else 0.5)
    target = first ^ second if together else first
    return {"first": first.astype(float), "second": second.astype(float), "output": target.astype(float)}


def score(simulations: int) -> list[str]:
    """Print the verdicts with `score_must_move`; those worlds where `none` is said and the score does move."""
    rule, wrong = DriftRule(minimum_rows=100, score_must_move=True), []
    print("| what moved | outputs | drifted | inconclusive | none |\n|---|---|---|---|---|")
    worlds = {"both inputs of an exclusive or": True, "an input that the score does not use": False}
    for name, together in worlds.items():
        for has_outputs in (False, True):
            chance, outcomes = np.random.default_rng(6), Counter[DriftOutcome]()
            for _ in range(simulations):
                rows = _score_world(chance, 1000, together, moved=False)
                reference = replace(reference_of(rows), relevance=relevance(rows, "output", resamples=0))
                reference = reference if has_outputs else reference.inputs_alone
                window = counted(_score_world(chance, 500, together, moved=True), reference)
                outcomes[detect(reference, window, rule).outcome] += 1
            shares = " | ".join(f"{outcomes[outcome] / simulations:.1%}" for outcome in OUTCOMES)
            print(f"| {name} | {'compared' if has_outputs else 'not there'} | {shares} |", flush=True)
            wrong += [f"the score of {name}"] if together and outcomes[DriftOutcome.NONE] else []
    return wrong


def months(simulations: int) -> list[str]:
    """Print how often thirty windows of one reference have a false alarm, and what `false_alarm_rate` bounds it by."""
    windows, alpha, world = 30, 0.05, WORLDS["normal"]
    least = np.empty((simulations, windows))
    for month in range(simulations):
        chance = np.random.default_rng((8, month))
        reference = reference_of(world(chance, 500))
        for number in range(windows):
            window = counted(world(chance, 300), reference)
            # Without a smallest effect the tests alone decide: they are asked directly, for 60,000 windows.
            pairs = [(profile, window.inputs[name]) for name, profile in reference.inputs.columns.items()]
            pairs += [(profile, window.outputs[name]) for name, profile in reference.outputs.items()]
            p_values = [kolmogorov_smirnov(profile.cells, tally.cells).p_value for profile, tally in pairs]
            least[month, number] = min(benjamini_hochberg(p_values))
    wrong = []
    print("| alpha of a window | windows with a false alarm | months of 30 windows | bound of a month |")
    print("|---|---|---|---|")
    for level in (alpha, alpha / windows):
        window, month = np.mean(least <= level), np.mean((least <= level).any(axis=1))
        upper_bound = 1 - (1 - level) ** windows
        print(f"| {level:.4f} | {window:.2%} | {month:.1%} | {upper_bound:.1%} |")
        wrong += [f"months at {level:.4f}"] if month > limit(upper_bound, simulations) else []
    return wrong


def variation(simulations: int) -> list[str]:
    """Print the mean total variation of two samples of one distribution, as it is and corrected."""
    print("| categories | reference | rows | total variation | corrected |\n|---|---|---|---|---|")
    for count in (2, 10, 90):
        for reference in (500, 10_000):
            chance = np.random.default_rng(9)
            samples = [
                [chance.multinomial(rows, [1 / count] * count).tolist() for rows in (reference, 200)]
                for _ in range(simulations)
            ]
            plain, corrected_mean = (
                np.mean([measure(*sample) for sample in samples]) for measure in (total_variation, corrected_variation)
            )
            print(f"| {count} | {reference} | 200 | {plain:.3f} | {corrected_mean:.3f} |", flush=True)
    return []


def shift(simulations: int) -> list[str]:
    """Print how often the 95 % interval of the outputs' mean shift has the true one."""
    print("| outputs | rows | intervals with the true shift |\n|---|---|---|")
    draws: dict[str, Draw] = {
        "normal": lambda chance, rows: chance.normal(size=rows),
        "log-normal": lambda chance, rows: chance.lognormal(0, 1.5, rows),
    }
    for name, draw in draws.items():
        for rows in (100, 300):
            chance, inside = np.random.default_rng(2), 0
            for _ in range(simulations):
                reference = reference_of({"x0": np.zeros(500), "output": draw(chance, 500)})
                window = counted({"x0": np.zeros(rows), "output": draw(chance, rows) + 0.5}, reference)
                score_drift = detect(reference, window, DriftRule()).score
                low, high = score_drift.low, score_drift.high
                inside += low is not None and high is not None and low <= 0.5 <= high
            print(f"| {name} | {rows} | {inside / simulations:.1%} |", flush=True)
    return []


TABLES: dict[str, Callable[[int], list[str]]] = {
    "hidden": hidden,
    "score": score,
    "months": months,
    "variation": variation,
    "shift": shift,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=list(TABLES))
    arguments = parser.parse_args()
    wrong = list[str]()
    for name in arguments.only:
        print(f"\n{name}, {arguments.simulations} simulations each\n")
        wrong += TABLES[name](arguments.simulations)
    if wrong:
        raise SystemExit(f"not as promised: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
