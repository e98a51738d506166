"""`@app.retry`: a timer's call is made again as its policy says, and its context tells how often."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from signalbox.host.clock import VirtualClock
from signalbox.host.errors import HostError
from signalbox.host.testing import LocalHost
from signalbox.host.triggers.retries import retry_policy

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def app_with(seen: list[Any], failures: int, **policy: str) -> func.FunctionApp:
    app = func.FunctionApp()

    @app.retry(**policy)
    @app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
    def hourly(timer: func.TimerRequest, context: func.Context) -> None:
        retry = context.retry_context
        seen.append((retry.retry_count, retry.max_retry_count, retry.exception and retry.exception.message))
        if len(seen) <= failures:
            raise ValueError(f"try {len(seen)}")

    return app


@pytest.mark.parametrize(("failures", "calls"), [(0, 1), (2, 3), (9, 3)])
async def test_a_failed_call_is_made_again_after_the_delay(tmp_path: Path, failures: int, calls: int) -> None:
    seen: list[Any] = []
    app = app_with(seen, failures, strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:10")
    async with LocalHost(app, tmp_path, clock=VirtualClock(NEW_YEAR)) as host:
        await host.advance(timedelta(hours=1))
        await host.settle()
        assert len(seen) == 1
        await host.advance(timedelta(seconds=9))
        assert len(seen) == 1
        await host.advance(timedelta(seconds=11))
        await host.settle()
        assert len(seen) == calls
        assert seen == [(0, 2, None), (1, 2, "ValueError: try 1"), (2, 2, "ValueError: try 2")][:calls]
        await host.advance(timedelta(hours=1))
        assert len(seen) > calls


async def test_what_may_not_be_retried_is_said_and_served(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = func.FunctionApp()

    @app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:10")
    @app.event_grid_trigger(arg_name="event")
    def plain(event: func.EventGridEvent) -> None:
        raise AssertionError(event)

    async with LocalHost(app, tmp_path) as host:
        assert list(host.host.functions) == ["plain"]
    assert "function 'plain' has a retry policy, which Azure does not apply to 'eventGridTrigger'" in caplog.text


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"strategy": "fixed_delay", "max_retry_count": "x", "delay_interval": "00:00:01"}, "max_retry_count is 'x'"),
        ({"strategy": "fixed_delay", "max_retry_count": "1", "delay_interval": "10"}, "delay_interval is '10'"),
        ({"strategy": "fixed_delay", "max_retry_count": "1"}, "delay_interval is None"),
        ({"strategy": "other", "max_retry_count": "1"}, "strategy is 'other'"),
        (
            {
                "strategy": "exponential_backoff",
                "max_retry_count": "-1",
                "minimum_interval": "00:01:00",
                "maximum_interval": "00:00:01",
            },
            "minimum_interval is longer",
        ),
    ],
)
def test_a_wrong_policy_is_refused_by_the_function_that_has_it(
    tmp_path: Path, policy: dict[str, str], message: str
) -> None:
    with pytest.raises(HostError, match=f"hourly.*{message}"):
        LocalHost(app_with([], 0, **policy), tmp_path)


def test_a_backoff_grows_to_its_longest_pause() -> None:
    intervals = {"minimum_interval": "00:00:10", "maximum_interval": "00:05:00"}
    policy = retry_policy({"strategy": "exponential_backoff", "max_retry_count": "-1", **intervals})
    assert policy.allows(10**6)
    pauses = [policy.pause(retry).total_seconds() for retry in range(1, 12)]
    assert 10 <= pauses[0] <= 12
    assert 32 <= pauses[2] <= 48
    assert pauses[-1] == 300
