"""Cold start: importing and indexing the app against importing only what every Durable app must import.

    python bench/cold_start.py [--rounds N]

Each sample is a new interpreter; the two sides take turns, and medians are compared.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PEER = "import azure.functions, azure.durable_functions"
OURS = "import function_app; function_app.app.get_functions()"


def sample(program: str) -> float:
    """Seconds for a new interpreter to run *program* and end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=PROJECT, check=True)
    return time.perf_counter() - start


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=15)
    rounds = arguments.parse_args().rounds
    for program in (PEER, OURS):
        sample(program)  # Byte code is compiled once, as it is on Azure.
    pairs = [(sample(PEER), sample(OURS)) for _ in range(rounds)]
    peer, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"| azure.functions + azure.durable_functions | {peer * 1000:.0f} ms | 1.00 |")
    print(f"| function_app, indexed | {ours * 1000:.0f} ms | {ours / peer:.2f} |")


if __name__ == "__main__":
    main()
