"""Every durable feature, through the SDK's replay, on a virtual clock."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from signalbox.host.clock import RealClock
from signalbox.host.testing import LocalHost

APP = Path(__file__).parent / "apps" / "durable"


@pytest_asyncio.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with LocalHost(APP, tmp_path) as running:
        yield running


async def run(host: LocalHost, name: str, input_: object = None) -> object:
    await host.start(name, "i", input_)
    outcome = await host.advance_until_finished("i")
    assert outcome.status == "Completed", outcome.output
    return outcome.output


async def test_activities_run_one_after_another(host: LocalHost) -> None:
    assert await run(host, "chain", ["a", "b", "c"]) == ["hello a", "hello b", "hello c"]


async def test_activities_run_side_by_side(host: LocalHost) -> None:
    assert await run(host, "fan", 40) == sum(range(40)) * 2


async def test_retries_wait_their_interval(host: LocalHost) -> None:
    assert await run(host, "retrying", {"key": "one", "failures": 2}) == [3, 120.0]


async def test_a_timer_lasts_as_long_as_asked(host: LocalHost) -> None:
    await host.start("sleeping", "i", 100)
    await host.advance(timedelta(seconds=99))
    assert host.get("i").status == "Running"
    await host.advance(timedelta(seconds=1))
    assert (await host.wait("i")).output == "awake"


async def test_an_extra_timer_follows_the_last_attempt(host: LocalHost) -> None:
    await host.start("retrying", "i", {"key": "two", "failures": 9})
    outcome = await host.advance_until_finished("i")
    assert outcome.status == "Failed"
    assert "Activity function 'flaky' failed: ValueError: attempt 3 fails" in outcome.output


async def test_a_failed_activity_can_be_caught(host: LocalHost) -> None:
    text = await run(host, "catching", {"key": "three", "failures": 1})
    assert str(text).startswith("Activity function 'flaky' failed: ValueError: attempt 1 fails")


async def test_an_event_ends_a_wait_whatever_its_case(host: LocalHost) -> None:
    await host.start("approval", "i")
    await host.settle()
    assert host.get("i").custom_status == {"waiting": True}
    await host.raise_event("i", "APPROVAL", {"by": "ann"})
    assert (await host.wait("i")).output == {"by": "ann"}


async def test_a_cancelled_timer_no_longer_waits(host: LocalHost) -> None:
    await host.start("approval", "i")
    await host.raise_event("i", "Approval", 1)
    await host.wait("i")
    await host.settle()
    assert host._virtual_clock().next_alarm() is None


async def test_silence_ends_at_the_deadline(host: LocalHost) -> None:
    assert await run(host, "approval") == "silence"


async def test_early_events_are_kept_across_generations(host: LocalHost) -> None:
    await host.start("collecting", "i")
    for item in ("a", "b", "c"):
        await host.raise_event("i", "Item", item)
    assert (await host.wait("i")).output == ["a", "b", "c"]


async def test_sub_orchestrations_give_their_output(host: LocalHost) -> None:
    assert await run(host, "parent") == [["hello a"], ["hello b"]]
    assert host.get("i-child").output == ["hello b"]


async def test_a_failing_sub_orchestration_is_retried_then_reported(host: LocalHost) -> None:
    assert "Orchestrator function 'failing' failed: no good" in str(await run(host, "parent_of_failing"))


async def test_identifiers_and_time_are_the_same_on_replay(host: LocalHost) -> None:
    echoed, expected = await run(host, "identifiers")  # type: ignore[misc]
    assert echoed == expected


async def test_an_unknown_activity_fails_by_name(host: LocalHost) -> None:
    await host.start("asks_for_nothing_there", "i")
    outcome = await host.wait("i")
    assert outcome.status == "Failed"
    assert "The function 'missing' doesn't exist" in outcome.output


async def test_entities_keep_state_and_answer_orchestrators(host: LocalHost) -> None:
    assert await run(host, "counting") == [7, "bang"]


async def test_terminate_ends_an_instance_with_its_reason(host: LocalHost) -> None:
    await host.start("approval", "i")
    await host.terminate("i", "enough")
    outcome = await host.wait("i")
    assert (outcome.status, outcome.output) == ("Terminated", "enough")


async def test_a_taken_child_id_is_reported_to_the_parent(host: LocalHost) -> None:
    text = str(await run(host, "colliding"))
    assert text.startswith("An Orchestration instance with the status Pending already exists.")


async def test_an_unknown_entity_is_reported_to_the_caller(host: LocalHost) -> None:
    assert "The function 'nobody' doesn't exist" in str(await run(host, "calling_nobody"))


async def test_a_result_that_is_no_json_fails_with_a_sentence(host: LocalHost) -> None:
    await host.start("returning_a_set", "i")
    outcome = await host.wait("i")
    assert outcome.status == "Failed"
    assert "Activity function 'unserialisable' failed: ValueError" in outcome.output


async def test_a_real_clock_fires_timers_too(tmp_path: Path) -> None:
    async with LocalHost(APP, tmp_path, clock=RealClock()) as host:
        await host.start("sleeping", "i", 0.05)
        assert (await host.wait("i")).output == "awake"
