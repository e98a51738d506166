"""Signing and verifying: one statement, and one promotion, with keys in files and with keys in the vault's emulator.

A promotion is the one of `tests/promotion`: three stages, two approvals, seven moves, with an Azure ML in memory. The
same promotion without signing would not be believed, so its peer is the time that is spent in `Signing` itself.

    .venv/bin/python bench/signing.py --count 200
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shared.clients import Clients  # noqa: E402
from shared.domain.trust.envelopes import STATEMENT_TYPE, Envelope  # noqa: E402
from shared.domain.trust.keys import Purpose, TrustedKey  # noqa: E402
from shared.ports import Signing  # noqa: E402
from shared.settings import read_settings  # noqa: E402
from signalbox.launcher.cloud import LocalCloud  # noqa: E402

_PAYLOAD = b"x" * 2000  # About the size of a decision's statement.


class Timed:
    """A `Signing` that counts and times what it is asked."""

    def __init__(self, signing: Signing) -> None:
        self._signing = signing
        self.times: dict[str, list[float]] = {"sign": [], "objection": []}
        self.purposes: Counter[str] = Counter()

    def sign(self, purpose: Purpose, payload_type: str, payload: bytes) -> Envelope:
        self.purposes[purpose.value] += 1
        with self._time("sign"):
            return self._signing.sign(purpose, payload_type, payload)

    def objection(self, purpose: Purpose, envelope: Envelope, at: datetime) -> str:
        with self._time("objection"):
            return self._signing.objection(purpose, envelope, at)

    def revoked(self) -> tuple[TrustedKey, ...]:
        return self._signing.revoked()

    def keys(self) -> tuple[TrustedKey, ...]:
        return self._signing.keys()

    @contextmanager
    def _time(self, kind: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.times[kind].append(time.perf_counter() - start)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=200, help="statements of each side")
    count = options.parse_args().count
    for vault in (False, True):
        with tempfile.TemporaryDirectory() as folder, cloud_with_keys(Path(folder), vault) as cloud:
            name, signing = ("vault" if vault else "files"), Clients(read_settings()).signing
            print(f"{name}: {statements(signing, count)}; {calls(cloud)}")
            timed = Timed(Clients(read_settings()).signing)
            whole_s, before = asyncio.run(promotion(timed)), calls(cloud)
            spent = {kind: sum(times) for kind, times in timed.times.items()}
            print(
                f"{name}: a promotion took {whole_s:.2f} s; signed {dict(timed.purposes)} in {spent['sign'] * 1e3:.0f} "
                f"ms, verified {len(timed.times['objection'])} in {spent['objection'] * 1e3:.0f} ms; {before}"
            )


@contextmanager
def cloud_with_keys(folder: Path, vault: bool) -> Iterator[LocalCloud]:
    """The emulators, and the environment that names their keys."""
    cloud = LocalCloud(ROOT, folder, vault=vault)
    try:
        cloud.start_services()
        os.environ.update(cloud.endpoints.environment())
        yield cloud
    finally:
        cloud.stop()


def statements(signing: Signing, count: int) -> str:
    """The medians of signing one statement, after the first, and of verifying it."""
    start = time.perf_counter()
    envelope = signing.sign(Purpose.DOOR, STATEMENT_TYPE, _PAYLOAD)
    first_s = time.perf_counter() - start
    sign_s = median(lambda: signing.sign(Purpose.DOOR, STATEMENT_TYPE, _PAYLOAD), count)
    now = datetime.now(UTC)
    assert signing.objection(Purpose.DOOR, envelope, now) == ""
    verify_s = median(lambda: signing.objection(Purpose.DOOR, envelope, now), count)
    return f"sign {sign_s * 1e3:.2f} ms (the first {first_s * 1e3:.0f} ms), verify {verify_s * 1e3:.2f} ms"


def median(action: Callable[[], object], count: int) -> float:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def calls(cloud: LocalCloud) -> str:
    """What the vault was asked for so far, by operation."""
    effects: dict[str, Any] = requests.get(
        f"{cloud.endpoints.vault}/_control/effects", verify=str(cloud.endpoints.ca), timeout=10
    ).json()
    return "calls to the vault so far: " + (", ".join(f"{name} {times}" for name, times in effects.items()) or "none")


async def promotion(signing: Timed) -> float:
    """Seconds of one promotion up to the registry, with two approvals."""
    from tests.promotion.conftest import CONFIGURATION, running

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.promotion.conftest.signing", lambda: signing)
        async with running(CONFIGURATION, Path(folder), patch) as app:
            app.register("1", error=1.0)
            start = time.perf_counter()
            result = await app.whole("churn:1")
            assert result.reached == "central", result
            return time.perf_counter() - start


if __name__ == "__main__":
    main()
