"""The namespace: queues, topics and subscriptions with their options, read from the emulators' settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

DEAD_LETTERS = "/$deadletterqueue"
_TRANSFER_LETTERS = "/$transfer/$deadletterqueue"  # Of what could not be forwarded: nothing is, so it stays empty.


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A correlation filter: every named value must be equal. An empty one is the true filter."""

    properties: Mapping[str, Any] = field(default_factory=dict)  # correlation_id, message_id, label, session_id, ...
    application: Mapping[str, Any] = field(default_factory=dict)

    def accepts(self, properties: Mapping[str, Any], application: Mapping[str, Any]) -> bool:
        pairs = [(self.properties, properties), (self.application, application)]
        return all(values.get(name) == value for rule, values in pairs for name, value in rule.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A queue, a subscription or a dead-letter sub-queue: what messages are received from. Times in seconds."""

    path: str
    lock_s: float = 60.0
    max_deliveries: int = 10
    sessions: bool = False
    time_to_live_s: float | None = None
    dead_letter_expired: bool = False
    duplicate_window_s: float | None = None

    @property
    def dead_letters(self) -> str:
        return self.path + DEAD_LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What is sent to *path* is copied to each subscription one of whose rules accepts it."""

    path: str
    duplicate_window_s: float | None
    subscriptions: Mapping[str, tuple[Rule, ...]]


class Namespace:
    """All entities by path. Paths are compared without regard to case, as in the service."""

    def __init__(self, queues: list[Mapping[str, Any]], topics: list[Mapping[str, Any]]) -> None:
        self._entities: dict[str, Entity] = {}
        self._topics: dict[str, Topic] = {}
        for queue in queues:
            self._add(_entity(queue["name"], queue))
        for topic in topics:
            self._add_topic(topic)

    def entity(self, path: str) -> Entity | None:
        """What messages are received from at *path*, None where there is none (a topic itself is none)."""
        return self._entities.get(path.lower())

    def topic(self, path: str) -> Topic | None:
        return self._topics.get(path.lower())

    def exists(self, path: str) -> bool:
        return path.lower() in self._entities or path.lower() in self._topics

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._entities.values())

    def _add(self, entity: Entity) -> None:
        self._entities[entity.path] = entity
        for sub_queue in (entity.dead_letters, entity.path + _TRANSFER_LETTERS):
            self._entities[sub_queue] = Entity(path=sub_queue, lock_s=entity.lock_s, max_deliveries=2**31)

    def _add_topic(self, raw: Mapping[str, Any]) -> None:
        path = raw["name"].lower()
        rules: dict[str, tuple[Rule, ...]] = {}
        for subscription in raw.get("subscriptions", ()):
            entity = _entity(f"{path}/subscriptions/{subscription['name']}", subscription)
            self._add(entity)
            rules[entity.path] = tuple(_rule(rule) for rule in subscription.get("rules", ({},)))
        self._topics[path] = Topic(path=path, duplicate_window_s=raw.get("duplicate_window_s"), subscriptions=rules)


def _entity(path: str, raw: Mapping[str, Any]) -> Entity:
    options = {name: raw[name] for name in Entity.__slots__ if name in raw and name != "path"}
    return Entity(path=path.lower(), **options)


def _rule(raw: Mapping[str, Any]) -> Rule:
    return Rule(properties=raw.get("properties", {}), application=raw.get("application", {}))
