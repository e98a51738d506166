"""Deliver events to webhooks: at least once, with Event Grid's retry schedule and its statuses that are never retried.

Schedule and statuses: "Event Grid message delivery and retry". Faults for tests: duplicates, losses, shuffled order.
"""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from signalbox.emulators.database import transaction
from signalbox.emulators.event_grid.alarm import Alarm
from signalbox.emulators.event_grid.dead_letters import (
    NEVER_RETRIED,
    DeadLetters,
    LastAttempt,
    outcome_of,
    undeliverable,
)
from signalbox.emulators.event_grid.store import Delivery, EventStore
from signalbox.emulators.event_grid.subscriptions import Subscription

_SCHEDULE_S = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600)
_LONGEST_WAIT_S = 43200
_AT_ONCE = 16
_ANSWER_WITHIN_S = 30
_SHUFFLED_OVER_S = 2.0


@dataclass(slots=True)
class Faults:
    """Probabilities from 0 to 1; *shuffle* spreads deliveries over two seconds."""

    duplicate: float = 0.0
    drop: float = 0.0
    shuffle: bool = False
    seed: int = 0


class Deliverer:
    def __init__(
        self, store: EventStore, subscriptions: Mapping[str, Subscription], dead: DeadLetters, time_scale: float
    ) -> None:
        self._store, self._subscriptions, self._dead_letters = store, subscriptions, dead
        self._time_scale, self._alarm = time_scale, Alarm()
        self._validated_subscriptions, self._tasks = set[tuple[str, str]](), set[asyncio.Task[None]]()
        self._faults, self._chance = Faults(), random.Random(0)

    def set_faults(self, faults: Faults) -> None:
        self._faults, self._chance = faults, random.Random(faults.seed)

    def accept(self, topic: str, event: dict[str, Any]) -> None:
        """Keep *event* durably and have it delivered to every subscription that wants it."""
        with transaction(self._store.database):
            number = self._store.add(topic, event)
            for name, subscription in self._subscriptions.items():
                if subscription.wants(topic, event):
                    self.schedule(number, name, self._copies())

    def schedule(self, event: int, subscription: str, copies: int = 1) -> None:
        for _ in range(copies):
            delay = self._chance.random() * _SHUFFLED_OVER_S if self._faults.shuffle else 0.0
            self._store.schedule(event, subscription, time.time() + delay)
        self._alarm.ring()

    async def validate(self, subscription: Subscription) -> None:
        """The handshake with a destination, before there is an event for it. Raises ClientError and TimeoutError."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)) as session:
            await _validate(session, subscription)
        self._validated_subscriptions.add((subscription.name, subscription.url))

    async def run(self) -> None:
        """Deliver for ever."""
        self._store.recover()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)) as session:
            while True:
                for delivery in self._store.take_due(time.time(), _AT_ONCE - len(self._tasks)):
                    task = asyncio.create_task(self._deliver(session, delivery))
                    self._tasks.add(task)
                    task.add_done_callback(self._done)
                await self._alarm.wait(self._store.next_due() if len(self._tasks) < _AT_ONCE else None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._alarm.ring()

    def _copies(self) -> int:
        if self._chance.random() < self._faults.drop:
            return 0
        return 2 if self._chance.random() < self._faults.duplicate else 1

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        subscription = self._subscriptions.get(delivery.subscription)
        if subscription is None:
            self._store.finish(delivery.number, "dead", "the subscription is gone")
            return
        if delivery.attempts and time.time() - delivery.published_at > subscription.ttl_s * self._time_scale:
            self._die(delivery, subscription, "TimeToLiveExceeded")  # Looked at before an attempt only, as on Azure.
            return
        outcome, status = await self._attempt(session, subscription, delivery)
        now = time.time()
        attempt = replace(delivery, attempts=delivery.attempts + 1, outcome=outcome, status=status, tried_at=now)
        with transaction(self._store.database):
            self._store.tried(delivery.number, outcome, status, now)
            self._conclude(attempt, subscription)

    async def _attempt(
        self, session: aiohttp.ClientSession, subscription: Subscription, delivery: Delivery
    ) -> tuple[str, int | None]:
        """The outcome's name, and the status where there was an answer."""
        try:
            if (subscription.name, subscription.url) not in self._validated_subscriptions:
                await _validate(session, subscription)
                self._validated_subscriptions.add((subscription.name, subscription.url))
            status = await _post(session, subscription, delivery)
        except TimeoutError:
            return "TimedOut", None
        except aiohttp.ClientConnectorDNSError:
            return "ResolutionError", None
        except (aiohttp.ClientError, OSError):
            return "SocketError", None
        return "Delivered" if 200 <= status < 300 else outcome_of(status), status

    def _conclude(self, attempt: Delivery, subscription: Subscription) -> None:
        if attempt.outcome == "Delivered":
            self._store.finish(attempt.number, "delivered", attempt.outcome)
        elif attempt.status in NEVER_RETRIED:
            self._die(attempt, subscription, undeliverable(attempt.status))
        elif attempt.attempts >= subscription.max_attempts:
            self._die(attempt, subscription, "MaxDeliveryAttemptsExceeded")
        else:
            wait = _SCHEDULE_S[attempt.attempts - 1] if attempt.attempts <= len(_SCHEDULE_S) else _LONGEST_WAIT_S
            self._store.retry(attempt.number, attempt.tried_at + wait * self._time_scale)

    def _die(self, delivery: Delivery, subscription: Subscription, reason: str) -> None:
        last = LastAttempt(
            attempts=delivery.attempts,
            outcome=delivery.outcome,
            status=delivery.status,
            at=delivery.tried_at,
            published_at=delivery.published_at,
        )
        with transaction(self._store.database):
            self._store.finish(delivery.number, "dead", reason)
            self._dead_letters.bury(delivery.event_number, delivery.event, subscription, reason, last)


async def _validate(session: aiohttp.ClientSession, subscription: Subscription) -> None:
    """The handshake that proves the endpoint wants events; raises ClientError where it fails."""
    if subscription.schema != "EventGridSchema":
        headers = {"WebHook-Request-Origin": "eventgrid.azure.net"}
        async with session.options(subscription.url, headers=headers) as answer:
            answer.raise_for_status()
        return
    event = {
        "id": "validation",
        "topic": subscription.topic,
        "subject": "",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {"validationCode": "local-validation"},
        "dataVersion": "1",
    }
    headers = {"aeg-event-type": "SubscriptionValidation", "aeg-subscription-name": subscription.name.upper()}
    async with session.post(subscription.url, json=[event], headers=headers) as answer:
        answer.raise_for_status()
        if (await answer.json(content_type=None)).get("validationResponse") != "local-validation":
            raise aiohttp.ClientError("the endpoint did not echo the validation code")


async def _post(session: aiohttp.ClientSession, subscription: Subscription, delivery: Delivery) -> int:
    cloud = subscription.schema != "EventGridSchema"
    headers = {
        "aeg-event-type": "Notification",
        "aeg-subscription-name": subscription.name.upper(),
        "aeg-delivery-count": str(delivery.attempts),
        "Content-Type": "application/cloudevents+json; charset=utf-8" if cloud else "application/json; charset=utf-8",
    }
    async with session.post(subscription.url, json=subscription.envelope(delivery.event), headers=headers) as answer:
        await answer.read()
        return answer.status
