"""The notifications of action groups: to webhooks, in the common schema, tried again, and then silent for a while.

Rules: https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#webhook. Kept in memory: a restart forgets
what has not been delivered.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

RETRIED = frozenset({408, 429, 503, 504})
_RETRIES_S = (5.0, 20.0, 5.0, 40.0, 5.0)  # Five more tries; the waits between them are not all documented.
_SILENT_S = 900.0
_TIMEOUT_S = 10.0


@dataclass(slots=True, kw_only=True)
class Notification:
    """*statuses*: what each try was answered with, 0 where nothing answered. *state*: waiting, delivered, failed, or
    silenced."""

    url: str
    body: dict[str, Any]
    due: float
    state: str = "waiting"
    statuses: list[int] = field(default_factory=list)


class Webhooks:
    """Times are those of *clock*; waits are shortened by *time_scale*."""

    def __init__(self, clock: Callable[[], float], time_scale: float) -> None:
        self._clock, self._time_scale = clock, time_scale
        self.notifications: list[Notification] = []
        self._silent_until: dict[str, float] = {}

    def send(self, url: str, body: dict[str, Any]) -> None:
        """Soon; never, while *url* is left alone because it failed."""
        now = self._clock()
        notification = Notification(url=url, body=body, due=now)
        if now < self._silent_until.get(url, 0.0):
            notification.state = "silenced"
        self.notifications.append(notification)

    async def deliver(self) -> None:
        """Try every notification that is due."""
        due = [one for one in self.notifications if one.state == "waiting" and one.due <= self._clock()]
        if due:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as session:
                await asyncio.gather(*(self._try(session, notification) for notification in due))

    async def _try(self, session: aiohttp.ClientSession, notification: Notification) -> None:
        status = await _post(session, notification)
        notification.statuses.append(status)
        tries = len(notification.statuses)
        if 200 <= status < 300:
            notification.state = "delivered"
        elif status not in RETRIED and status:
            notification.state = "failed"
        elif tries <= len(_RETRIES_S):
            notification.due = self._clock() + _RETRIES_S[tries - 1] * self._time_scale
        else:
            notification.state = "failed"
            self._silent_until[notification.url] = self._clock() + _SILENT_S * self._time_scale


async def _post(session: aiohttp.ClientSession, notification: Notification) -> int:
    try:
        async with session.post(notification.url, json=notification.body) as response:
            await response.read()
            return response.status
    except (aiohttp.ClientError, OSError, TimeoutError):
        return 0
