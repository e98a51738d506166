"""The app of the promotions' tests, for attackers who may write its records."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from tests.pasts import past_after
from tests.promotion.conftest import CONFIGURATION, PromotionApp, app, running
from tests.trust.attacks import asking

__all__ = ["app"]


@pytest.fixture
async def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    """Version 1 waits for both roles before it is published."""
    start = partial(running, CONFIGURATION)
    past = await past_after((asking,), repr(CONFIGURATION), start)
    async with start(tmp_path, monkeypatch, past) as app:
        yield app
