"""Event subscriptions that Resource Manager is asked for: the destination proves that it wants events, then they come.

Those to a queue of a namespace that Resource Manager keeps bring nothing: the namespace has no messages. A name belongs
to one subscription of all sources here, while Azure tells them apart by their source.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp

from signalbox.emulators.azure_ml.doors import Refusal, bad
from signalbox.emulators.event_grid.arm_documents import Places, document, queue_of, read_row
from signalbox.emulators.event_grid.subscription_book import SubscriptionBook
from signalbox.emulators.event_grid.subscriptions import Subscription, read_subscription
from signalbox.emulators.resource_manager.resource_ids import ResourceId

KINDS = ("Microsoft.EventGrid/eventSubscriptions", "Microsoft.EventGrid/systemTopics/eventSubscriptions")


class EventSubscriptions:
    """A kind of Resource Manager's book; *validate* is the handshake with a destination."""

    def __init__(
        self, book: SubscriptionBook, places: Places, validate: Callable[[Subscription], Awaitable[None]]
    ) -> None:
        self._book, self._places, self._validate = book, places, validate

    def serves(self, body: Mapping[str, Any], stands: Callable[[str], bool]) -> bool:
        queue = queue_of(body.get("properties") or {})
        return not queue or not stands(queue)

    async def put(self, resource: ResourceId, body: Mapping[str, Any], parent: Mapping[str, Any] | None) -> bool:
        row = read_row(resource.name, _source(resource, parent), body.get("properties") or {}, self._places)
        known = self._book.row(resource.name)
        if known is not None and known["topic"] != row["topic"]:
            message = f"The local Event Grid has one subscription of a name, and {resource.name} is of another source."
            raise Refusal(501, "NotImplemented", message)
        try:
            await self._validate(read_subscription(row))
        except ValueError as problem:
            raise bad(str(problem)) from problem
        except (aiohttp.ClientError, OSError) as fault:
            message = f"Webhook validation handshake failed for {row['url'].partition('?')[0]}: {fault}"
            raise Refusal(400, "URLValidation", message) from fault
        return self._book.put(row)

    def find(self, resource: ResourceId, parent: Mapping[str, Any] | None) -> dict[str, Any] | None:
        row, source = self._book.row(resource.name), _source(resource, parent)
        if row is None or self._places.topic_of(source) != row["topic"]:
            return None
        return {**document(source, row, self._places.hub), "id": resource.id, "type": resource.type}

    def remove(self, resource: ResourceId, parent: Mapping[str, Any] | None) -> bool:
        return self.find(resource, parent) is not None and self._book.remove(resource.name)


def _source(resource: ResourceId, parent: Mapping[str, Any] | None) -> str:
    """What raises the events: of a system topic that is written in its properties."""
    return resource.scope if parent is None else str(parent["properties"].get("source", ""))
