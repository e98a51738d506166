"""Write what the model learned from, for later comparison: how its inputs and outputs were distributed, and more.

It needs nothing of Signalbox, since it runs where the model is trained. The fields are explained in docs/drift.md;
tests compare every figure with Signalbox's own.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import fdtrc, gammaincc, xlogy
from scipy.stats import rankdata

BREAKPOINTS, FEW, BINS, RESAMPLES, SEED, ALPHA = 1024, 20, 5, 50, 20040401, 0.05


def write_reference(path: Path, rows: pd.DataFrame, target: pd.Series, outputs: np.ndarray) -> None:
    """*rows* are the training rows' inputs, *outputs* the model's answers for them, *target* the right ones."""
    columns = {name: profile(rows[name]) for name in rows}
    answered = profile(pd.Series(outputs, dtype=float))
    answered["moments"] = {
        "rows": len(outputs),
        "mean": float(outputs.mean()),
        "squares": float(((outputs - outputs.mean()) ** 2).sum()),
    }
    content = {
        "version": 2,
        "rows": len(rows),
        "columns": columns,
        "outputs": {target.name: answered},
        "responses": {name: response(rows[name], columns[name], outputs) for name in rows},
        "relevance": relevance(rows, target),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content) + "\n")


def profile(values: pd.Series) -> dict:
    """Counts by value for integers with few values, and else between at most 1,024 breakpoints, even in rank."""
    if pd.api.types.is_integer_dtype(values) and values.nunique() <= FEW:
        return {
            "kind": "categorical",
            "counts": {str(k): int(n) for k, n in values.value_counts().sort_index().items()},
        }
    ordered = np.sort(values.dropna().to_numpy(dtype=float))
    points = np.unique(ordered)
    if len(points) > BREAKPOINTS:
        places = [round(at * (len(ordered) - 1) / (BREAKPOINTS - 1)) for at in range(BREAKPOINTS)]
        points = np.unique(ordered[places])
    points = np.concatenate([[np.nextafter(points[0], -np.inf)], points])  # What is smaller than anything known.
    cells = np.bincount(np.searchsorted(points, ordered), minlength=len(points) + 1)
    return {"kind": "numeric", "breakpoints": points.tolist(), "cells": cells.tolist()}


def response(values: pd.Series, profiled: dict, outputs: np.ndarray) -> dict:
    """The model's mean answer by what the input was, in about ten bins."""
    if profiled["kind"] == "categorical":
        means = pd.Series(outputs).groupby(values.to_numpy()).mean()
        return {"categories": {str(name): float(mean) for name, mean in means.items()}}
    below = np.cumsum(profiled["cells"])
    places = np.unique(np.searchsorted(below, below[-1] * np.arange(1, 10) / 10))
    edges = np.asarray(profiled["breakpoints"])[places[places < len(profiled["breakpoints"])]]
    bins = pd.Series(outputs).groupby(np.searchsorted(edges, values.to_numpy())).mean()
    return {"edges": edges.tolist(), "means": [float(bins.get(at, outputs.mean())) for at in range(len(edges) + 1)]}


def relevance(rows: pd.DataFrame, target: pd.Series) -> dict:
    """What each input tells about the target: F, chi-squared and mutual information, and how these scatter."""
    codes = {name: binned(rows[name]) for name in rows}
    goal, values = binned(target), target.to_numpy(dtype=float)
    found = adjusted([association(name, rows[name].to_numpy(dtype=float), codes[name], values, goal) for name in rows])
    chance = np.random.default_rng(SEED)
    halves = []
    for _ in range(RESAMPLES):
        taken = {name: chance.permutation(len(rows))[: len(rows) // 2] for name in rows}
        parts = [
            (rows[name].to_numpy(dtype=float)[at], codes[name][at], values[at], goal[at]) for name, at in taken.items()
        ]
        halves.append(adjusted([association(name, *part) for name, part in zip(rows, parts, strict=True)]))
    for at, each in enumerate(found):
        scatter = float(np.std([half[at]["information"] for half in halves], ddof=1))
        each["error"] = max(each["error"], scatter)
        each["stability"] = sum(half[at]["selected"] for half in halves) / RESAMPLES
    found.sort(key=lambda each: (-each["information"], each["name"]))
    settings = {"bins": BINS, "alpha": ALPHA, "resamples": RESAMPLES, "seed": SEED}
    return {"target": target.name, "rows": len(rows), **settings, "features": found}


def binned(values: pd.Series) -> np.ndarray:
    """Codes of five bins with about as many rows each, or of the values where they are few."""
    if values.nunique() <= BINS:
        return values.rank(method="dense").to_numpy(dtype=int) - 1
    edges = np.unique(np.quantile(values, np.arange(1, BINS) / BINS))
    return np.searchsorted(edges, values)


def association(name: str, values: np.ndarray, codes: np.ndarray, target: np.ndarray, goal: np.ndarray) -> dict:
    """The three figures of one column. Written out: SciPy's and scikit-learn's functions check their input each time,
    which is most of the time that 500 small tables take."""
    rows, table = len(codes), cross_table(codes, goal)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / rows
    chi_squared, freedom = (
        float(((table - expected) ** 2 / expected).sum()),
        (table.shape[0] - 1) * (table.shape[1] - 1),
    )
    correlation = np.corrcoef(rankdata(values), rankdata(target))[0, 1]
    f = float(correlation**2 / (1 - correlation**2) * (rows - 2))
    f_p, chi_p = float(fdtrc(1, rows - 2, f)), independence(table, chi_squared, freedom)
    return {
        "name": name,
        "rows": rows,
        "information": float(xlogy(table, table / expected).sum() / rows) - freedom / (2 * rows),
        "error": (2 * freedom) ** 0.5 / (2 * rows),
        "f": f,
        "f_p": f_p,
        "chi_squared": chi_squared,
        "chi_squared_p": chi_p,
        "p_value": min(1.0, 2 * min(f_p, chi_p)),
    }


def cross_table(codes: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """How often each code comes with each of the target's, without codes that do not come."""
    width = int(goal.max()) + 1
    table = np.bincount(codes * width + goal, minlength=(int(codes.max()) + 1) * width).reshape(-1, width)
    return table[table.any(axis=1)][:, table.any(axis=0)]


def independence(table: np.ndarray, statistic: float, freedom: int) -> float:
    """The p-value by the gamma distribution with the statistic's moments over all tables with these margins."""
    rows = table.sum()
    parts = []
    for counts in (table.sum(axis=0), table.sum(axis=1)):
        size = len(counts)
        parts.append(((size - 1) * (rows - size) / (rows - 1), (rows * (1 / counts).sum() - size**2) / (rows - 2)))
    (first, first_margin), (second, second_margin) = parts
    mean = rows / (rows - 1) * freedom
    variance = 2 * rows / (rows - 3) * (first - first_margin) * (second - second_margin)
    variance += rows**2 / (rows - 1) * first_margin * second_margin
    return float(gammaincc(mean**2 / variance, statistic * mean / variance))


def adjusted(found: list[dict]) -> list[dict]:
    """Benjamini and Hochberg (1995), over the columns."""
    smallest = 1.0
    for rank, each in reversed(list(enumerate(sorted(found, key=lambda each: each["p_value"]), start=1))):
        smallest = min(smallest, each["p_value"] * len(found) / rank)
        each |= {"adjusted_p": smallest, "selected": smallest <= ALPHA, "stability": 0.0}
    return found
