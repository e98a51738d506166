"""What a chain of activities costs as it grows: the orchestrator goes on in memory, or replays at every step.

Processor time of a host in this process, from the start of one orchestration to its end. "Every step replays" is
`"extendedSessionsEnabled": false`, as Azure does it for Python: the cost grows with the square of the length.

    python bench/chains.py --lengths 200 400 800
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.peers import app

_REPLAYS = {"extensions": {"durableTask": {"extendedSessionsEnabled": False}}}


async def measure(length: int, *, replays: bool) -> float:
    """Seconds of processor time."""
    from signalbox.host.clock import RealClock
    from signalbox.host.testing import LocalHost

    with tempfile.TemporaryDirectory() as folder:
        if replays:
            (Path(folder) / "host.json").write_text(json.dumps(_REPLAYS))
        async with LocalHost(app(), folder, clock=RealClock()) as host:
            start = time.process_time()
            await host.start("chain", "i", length)
            outcome = await host.wait("i", timeout=600)
            seconds = time.process_time() - start
    assert outcome.output == length
    return seconds


async def compare(lengths: list[int]) -> None:
    await measure(20, replays=False)  # Imports.
    print("| activities | in memory | each | every step replays | each |\n|---|---|---|---|---|")
    for length in lengths:
        texts = []
        for replays in (False, True):
            seconds = await measure(length, replays=replays)
            texts += [f"{seconds:.2f} s", f"{seconds / length * 1000:.2f} ms"]
        print(f"| {length} | {' | '.join(texts)} |", flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--lengths", type=int, nargs="+", default=[200, 400, 800])
    options = arguments.parse_args()
    os.environ["AZURE_FUNCTIONS_DURABLE_STRICT_TYPING"] = "1"
    logging.disable(logging.WARNING)
    asyncio.run(compare(options.lengths))


if __name__ == "__main__":
    main()
