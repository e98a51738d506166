"""Search for hyper-parameters on this machine, over the space of `sweep.yaml`: python training/sweep.py"""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from train import train

SWEEP = Path(__file__).with_name("sweep.yaml")


def candidates(sweep: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every combination of the values that *sweep* names."""
    space = {name: choice["values"] for name, choice in sweep["search_space"].items()}
    for values in itertools.product(*space.values()):
        yield dict(zip(space, values, strict=True))


def search(sweep: dict[str, Any]) -> list[tuple[float, dict[str, Any]]]:
    """What each candidate measures by the metric of *sweep*, the best first."""
    metric, greatest = sweep["objective"]["primary_metric"], sweep["objective"]["goal"] == "maximize"
    with TemporaryDirectory() as folder:
        results = [(train(Path(folder), **candidate)[metric], candidate) for candidate in candidates(sweep)]
    return sorted(results, key=lambda result: result[0], reverse=greatest)


def main() -> None:
    """Print what each candidate measures."""
    for value, candidate in search(yaml.safe_load(SWEEP.read_text())):
        print(f"{value:.4f}", *(f"{name}={choice}" for name, choice in candidate.items()))


if __name__ == "__main__":
    sys.exit(main())
