"""Records golden histories of rollouts and rollbacks that are missing (tests/replay/recording.py)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.domain import identity
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)
from tests.rollout.conftest import RolloutApp, running_with
from tests.rollout.test_rehearsals import configuration

pytestmark = only_when_asked


async def test_record_a_step_that_goes_on_and_one_that_is_aborted(app: RolloutApp, seen: dict[str, str]) -> None:  # noqa: F811
    """The watch over a step waits between looks; a person's order wakes it."""
    await app.released("1")
    promotion = await app.shifting()
    await app.until(lambda: 25 in app.traffic.values(), every_s=60)
    await app.order(promotion, "abort")
    await app.finish(promotion)

    record("watch_step-advanced", "watch_step", seen[identity.rollout_step_id(promotion, "prod", 0)])
    record("watch_step-aborted", "watch_step", seen[identity.rollout_step_id(promotion, "prod", 1)])
    record("promote-rollout_aborted", "promote", seen[promotion])


async def test_record_a_release(app: RolloutApp, seen: dict[str, str]) -> None:  # noqa: F811
    await app.released("1")
    promotion = await app.promote(str(await app.entered("2")), "prod")
    await app.finish(promotion)

    record("promote-rollout", "promote", seen[promotion])


@pytest.mark.parametrize("stem", ["roll_back-warm", "roll_back-cold", "roll_back-refused"])
async def test_record_a_rollback(app: RolloutApp, seen: dict[str, str], stem: str) -> None:  # noqa: F811
    champion = await app.released("1")
    if stem != "roll_back-refused":
        await app.pass_time(hours=1)
        await app.released("2")
    if stem == "roll_back-cold":
        del app.cloud.state["deployments"][f"prod/onlineEndpoints/churn-online/{app.deployment(champion)}"]
    rollback = await app.order_rollback()
    await app.rolled_back(rollback)

    record(stem, "roll_back", seen[rollback])


@pytest.mark.parametrize("stem", ["revoke-rolled_back", "revoke-still_serving"])
async def test_record_a_revocation(app: RolloutApp, seen: dict[str, str], stem: str) -> None:  # noqa: F811
    """The version that serves is revoked; with one before it, production goes back to that one."""
    if stem == "revoke-rolled_back":
        await app.released("1")
        await app.pass_time(hours=1)
    await app.released("2")
    status, answer = await app.ask("POST", "models/churn/revoke", {"version": "2", "reason": "leaks"}, "linus")
    assert status == 202, answer
    await app.host.advance_until_finished(answer["id"], timeout=60)

    record(stem, "revoke", seen[answer["id"]])


@pytest.fixture
async def rehearsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    async for made in running_with(configuration(), tmp_path, monkeypatch):
        yield made


@pytest.mark.parametrize("stem", ["rehearse-warm", "rehearse-cold"])
async def test_record_a_rehearsal(rehearsing: RolloutApp, seen: dict[str, str], stem: str) -> None:  # noqa: F811
    """In pre-production traffic is switched and switched back; from the registry a version is deployed beside."""
    place = rehearsing.released if stem == "rehearse-cold" else rehearsing.entered
    await place("1")
    await rehearsing.pass_time(hours=1)
    await place("2")
    order = {"reason": "audit", "cold": stem == "rehearse-cold"}
    status, answer = await rehearsing.ask("POST", "models/churn/rehearse", order, "linus")
    assert status == 202, answer
    await rehearsing.host.advance_until_finished(answer["id"], timeout=60)

    record(stem, "rehearse", seen[answer["id"]])
