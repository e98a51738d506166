"""Match adversarial names of Azure's greatest length against random templates, and print the slowest.

Run it with `python bench/path_patterns.py`; a name is built to be matched in as many ways as there are.
"""

import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared.domain.paths import patterns

_TEMPLATES, _SEED = 2000, 13
_PIECES = ("a", "-", "_", ".", "/", "*", "?", "**/", "/**/", "{a}", "{b}", "{c}", "{d}", "{e}", "{f}", ".csv")
_MOTIFS = ("-", "a-", "-/", "a", "/", "_-.", "a/-")


def main() -> None:
    chance, times = random.Random(_SEED), list[tuple[float, str, str]]()
    fixed_templates = ["{year}-{month}-{day}-{name}", "landing/{site}/{year}-{month}-{day}-{name}.csv"]
    random_templates = ["".join(chance.choices(_PIECES, k=chance.randint(3, 16))) for _ in range(_TEMPLATES)]
    for template in [*fixed_templates, *random_templates]:
        if patterns.unanchored(template):
            continue
        patterns.match(template, "")
        for motif in _MOTIFS:
            start = patterns.fixed_prefix(template)
            name = start + (motif * 1024)[: 1024 - len(start) - 1] + chance.choice(("-", "!", "v"))
            times.append((_milliseconds(template, name), template, motif))
    figures = sorted(entry[0] for entry in times)
    print(f"{len(times)} names of 1,024 characters: median {statistics.median(figures):.3f} ms,", end=" ")
    print(f"p99 {figures[int(0.99 * len(figures))]:.3f} ms, slowest {figures[-1]:.3f} ms {max(times)[1:]}")
    name = "landing/north/visits-2026-11-29.csv"
    print(f"a usual name: {_milliseconds('landing/{site}/{name}.csv', name):.3f} ms")


def _milliseconds(template: str, name: str) -> float:
    """The best of three: what the matcher takes, not what else the machine does."""
    best = float("inf")
    for _ in range(3):
        patterns._bits.cache_clear()
        start = time.perf_counter()
        patterns.match(template, name)
        best = min(best, time.perf_counter() - start)
    return best * 1000


if __name__ == "__main__":
    main()
