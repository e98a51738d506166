"""The paired interval on many rows, beside `scipy.stats.bootstrap` doing the same work: time, memory, both intervals.

    python bench/paired_bootstrap.py [--rows N] [--resamples N] [--rounds N]

Each sample is a process of its own; the two sides take turns. Times are without imports and without making the data;
memory is what the peak rose over the inputs.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

METRICS = ("mae", "rmse", "r2")
MEMORY_LIMIT_MB = 200
LEAST_RATIO = 10


def columns(rows: int):
    """Truth, champion and a challenger that is a little better, with heavy tails."""
    import numpy as np

    chance = np.random.default_rng(1)
    truth = 3 * chance.normal(size=rows)
    common_noise = chance.standard_t(6, rows)
    return (truth, *(truth + scale * (common_noise + chance.standard_t(6, rows)) for scale in (1.0, 0.998)))


def ours(metric: str, table, resamples: int) -> tuple[float, float]:
    from shared.domain.metrics.paired import compare

    difference = compare(metric, *table, resamples=resamples)
    return difference.low, difference.high


def peer(metric: str, table, resamples: int) -> tuple[float, float]:
    """The same row-level parts, computed once, so that only the resampling differs."""
    from scipy import stats

    from shared.domain.metrics.catalogue import METRICS as KNOWN

    definition, (truth, champion, challenger) = KNOWN[metric], table
    parts = (
        definition.parts(truth, champion),
        definition.parts(truth, challenger),
        definition.truth_parts(truth),
    )
    sign, own = (1 if definition.higher_is_better else -1), len(parts[0])

    def difference(*resamples, axis):
        means = [column.mean(axis=axis) for column in resamples]
        truth_means = means[2 * own :]
        return sign * (
            definition.formula(*means[own : 2 * own], *truth_means) - definition.formula(*means[:own], *truth_means)
        )

    interval = stats.bootstrap(
        tuple(column for group in parts for column in group),
        difference,
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        method="percentile",
        batch=1,
        rng=1,
    ).confidence_interval
    return float(interval.low), float(interval.high)


def megabytes(name: str) -> float:
    """A figure of this process from /proc (Linux): VmHWM is the peak of resident memory, VmRSS what it is now."""
    return int(Path("/proc/self/status").read_text().partition(f"{name}:")[2].split()[0]) / 1024


def measure(side: str, metric: str, rows: int, resamples: int) -> None:
    """One sample: seconds, megabytes over the inputs, and the interval."""
    function = {"ours": ours, "peer": peer}[side]
    function(metric, columns(1000), 99)  # Imports.
    table = columns(rows)
    Path("/proc/self/clear_refs").write_text("5")  # The peak starts again from here.
    before, start = megabytes("VmRSS"), time.perf_counter()
    low, high = function(metric, table, resamples)
    print(time.perf_counter() - start, megabytes("VmHWM") - before, low, high)


def sample(side: str, metric: str, options: argparse.Namespace) -> list[float]:
    command = [sys.executable, __file__, "--side", side, metric, "--rows", str(options.rows)]
    command += ["--resamples", str(options.resamples)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(figure) for figure in done.stdout.split()]


def compare_sides(options: argparse.Namespace) -> None:
    """Print a table; exit with an error where the ratio or the memory is not what it must be."""
    print("| metric | signalbox | scipy | ratio | memory | scipy's | signalbox's interval | scipy's |")
    print("|---|---|---|---|---|---|---|---|")
    for metric in METRICS:
        pairs = [[sample(side, metric, options) for side in ("ours", "peer")] for _ in range(options.rounds)]
        seconds, memory = (
            [statistics.median(pair[side][figure] for pair in pairs) for side in (0, 1)] for figure in (0, 1)
        )
        ends = [f"{low:.5f} to {high:.5f}" for _, _, low, high in pairs[0]]
        ratio = seconds[1] / seconds[0]
        times = f"{seconds[0]:.2f} s | {seconds[1]:.1f} s | {ratio:.0f}"
        print(f"| {metric} | {times} | {memory[0]:.0f} MB | {memory[1]:.0f} MB | {ends[0]} | {ends[1]} |", flush=True)
        if ratio < LEAST_RATIO or memory[0] > MEMORY_LIMIT_MB:
            raise SystemExit(f"{metric}: {ratio:.1f} times as fast, {memory[0]:.0f} MB over the inputs")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--resamples", type=int, default=999)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.side:
        measure(*options.side, options.rows, options.resamples)
    else:
        compare_sides(options)


if __name__ == "__main__":
    main()
