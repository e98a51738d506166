"""`@app.retry`: how often a failed call is made again, and after how long.

Source: "Azure Functions error handling and retries", and FixedDelayRetryAttribute and ExponentialBackoffRetryAttribute
of azure-webjobs-sdk. Azure applies a policy to timers, Event Hubs, Kafka and Cosmos DB; this host serves only timers of
these.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.log import LOGGER

RETRIED_KINDS = frozenset({"timerTrigger"})
_SPAN = re.compile(r"(\d+):([0-5]?\d):([0-5]?\d)")
_JITTER = (0.8, 1.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """*most* retries, -1 for retries without end. The pause doubles each time, from *shortest* to *longest*."""

    most: int
    shortest: timedelta
    longest: timedelta

    def allows(self, retry: int) -> bool:
        """Whether there is a retry of this number, which begins with 1."""
        return self.most == -1 or retry <= self.most

    def pause(self, retry: int) -> timedelta:
        if self.shortest == self.longest:
            return self.shortest
        grown: timedelta = self.shortest * float(2 ** min(retry - 1, 20)) * random.uniform(*_JITTER)
        return max(self.shortest, min(grown, self.longest))


def retry_policy(setting: Mapping[str, Any]) -> RetryPolicy:
    """Read what `@app.retry` has written. Raises HostError that names the field."""
    strategy, most = str(setting.get("strategy")), str(setting.get("max_retry_count"))
    if re.fullmatch(r"-1|\d+", most) is None:
        raise HostError(f"max_retry_count is {most!r}: use a whole number, or -1 for retries without end")
    if strategy == "fixed_delay":
        shortest = longest = _span(setting, "delay_interval")
    elif strategy == "exponential_backoff":
        shortest, longest = _span(setting, "minimum_interval"), _span(setting, "maximum_interval")
        if shortest > longest:
            raise HostError("minimum_interval is longer than maximum_interval")
    else:
        raise HostError(f"strategy is {strategy!r}: use 'fixed_delay' or 'exponential_backoff'")
    return RetryPolicy(most=int(most), shortest=shortest, longest=longest)


def check_retries(function: Function) -> None:
    """Refuse a policy that cannot be read; say where Azure applies none. Raises HostError that names the function."""
    if function.retry is None:
        return
    try:
        retry_policy(function.retry)
    except HostError as error:
        raise HostError(f"function {function.name!r} has a wrong retry policy: {error}") from None
    if function.kind not in RETRIED_KINDS:
        name, kind = function.name, function.kind
        LOGGER.warning("function %r has a retry policy, which Azure does not apply to %r: it has no effect", name, kind)


def _span(setting: Mapping[str, Any], name: str) -> timedelta:
    match = _SPAN.fullmatch(str(setting.get(name)))
    if match is None:
        raise HostError(f"{name} is {setting.get(name)!r}: use hh:mm:ss, such as '00:00:05'")
    hours, minutes, seconds = (int(part) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
