"""What the administration says of an entity: its description, and what lies there now."""

from yarl import URL

from signalbox.emulators.service_bus.administration import atom
from signalbox.emulators.service_bus.administration.catalogue import Catalogue, Definition, Kind
from signalbox.emulators.service_bus.administration.rules import written
from signalbox.emulators.service_bus.broker import Broker
from signalbox.emulators.service_bus.entities import DEAD_LETTERS, TRANSFER_LETTERS

_NEVER = "0001-01-01T00:00:00Z"
_TICKS_1970 = 621355968000000000  # .NET counts 100 ns since the year 1.


class Answers:
    """*address* is what was asked; entities below it are named by their own."""

    def __init__(self, broker: Broker, catalogue: Catalogue, address: URL, max_message_bytes: int) -> None:
        self._broker, self._catalogue, self.address = broker, catalogue, address
        self._kilobytes = str(max_message_bytes // 1024)

    def namespace(self) -> tuple[str, str]:
        name, now = self.address.host or "", self._catalogue.since
        parts = {
            "CreatedTime": atom.moment(now),
            "MessagingSKU": "Standard" if self._kilobytes == "256" else "Premium",
            "ModifiedTime": atom.moment(now),
            "Name": name,
            "NamespaceType": "Messaging",
        }
        content = "".join(atom.element(tag, text) for tag, text in parts.items())
        return atom.entry(str(self.address), name, (now, now), atom.description("NamespaceInfo", content)), ""

    def entry(self, definition: Definition, *, is_listed: bool = False) -> tuple[str, str]:
        """The document, and its ETag."""
        if definition.kind is Kind.RULES:
            content = written(definition.name, definition.content, atom.moment(definition.created))
        else:
            values = {**definition.content, **self._own_values(definition)}
            content = "".join(atom.element(name, text) for name, text in values.items()) + self._counts(definition)
        own = self.address.with_path(f"/{definition.path}").with_query({"api-version": "2024-05"})
        times = (definition.created, definition.updated)
        document = atom.description(definition.kind.tag, content)
        return atom.entry(str(own), definition.name, times, document, is_listed=is_listed), self.etag(definition)

    def etag(self, definition: Definition) -> str:
        return str(int(definition.updated * 10_000_000) + _TICKS_1970)

    def _own_values(self, definition: Definition) -> dict[str, str]:
        used = self._broker.used_at(definition.path)
        own = {
            "CreatedAt": atom.moment(definition.created),
            "UpdatedAt": atom.moment(definition.updated),
            "AccessedAt": _NEVER if used is None else atom.moment(used),
            "EntityAvailabilityStatus": "Available",
        }
        here = self._broker.counts(definition.path)
        if definition.kind is not Kind.SUBSCRIPTIONS:
            own |= {"SizeInBytes": str(here.size), "MaxMessageSizeInKilobytes": self._kilobytes}
        if definition.kind is Kind.TOPICS:
            own["SubscriptionCount"] = str(len(self._catalogue.below(Kind.SUBSCRIPTIONS, definition.path)))
        else:
            dead = self._broker.counts(definition.path + DEAD_LETTERS).active
            own["MessageCount"] = str(here.active + here.deferred + here.scheduled + dead)
        return own

    def _counts(self, definition: Definition) -> str:
        here = self._broker.counts(definition.path)
        letters, transfer = (
            self._broker.counts(definition.path + part).active for part in (DEAD_LETTERS, TRANSFER_LETTERS)
        )
        return atom.counts(
            {
                "ActiveMessageCount": here.active,
                "DeadLetterMessageCount": letters,
                "ScheduledMessageCount": here.scheduled,
                "TransferMessageCount": 0,
                "TransferDeadLetterMessageCount": transfer,
            }
        )
