"""The app of the promotions' tests, for attackers who may write its records. Its approvals expire sooner."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.pasts import Step, past_after
from tests.promotion.conftest import CONFIGURATION, PromotionApp, running
from tests.trust.attacks import asked, asking

# Most forgeries end in a promotion that nobody approves, and every day of waiting is a sweep of the whole app.
STAGES = tuple(
    replace(stage, approvals=replace(stage.approvals, expire_after_s=2 * 86400)) if stage.approvals.roles else stage
    for stage in CONFIGURATION.ladder.stages
)
HURRIED = replace(CONFIGURATION, ladder=replace(CONFIGURATION.ladder, stages=STAGES))


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    async with running(HURRIED, tmp_path, monkeypatch) as app:
        yield app


async def running_after(
    steps: Sequence[Step[PromotionApp]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[PromotionApp]:
    start = partial(running, HURRIED)
    past = await past_after(steps, repr(HURRIED), start)
    async with start(folder, monkeypatch, past) as app:
        yield app


async def approve(app: PromotionApp) -> None:
    promotion, _ = await asked(app)
    await app.approve(promotion)
    await app.finish(promotion)


@pytest.fixture
async def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    """Version 1 waits for both roles before it is published."""
    async for app in running_after((asking,), tmp_path, monkeypatch):
        yield app


@pytest.fixture
async def arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    """Version 1 was approved by both, and is published."""
    async for app in running_after((asking, approve), tmp_path, monkeypatch):
        yield app
