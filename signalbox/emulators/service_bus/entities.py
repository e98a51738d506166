"""The namespace: queues, topics and subscriptions with their options, of the settings and of administrators."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from signalbox.emulators.service_bus.sql.expressions import Message
from signalbox.emulators.service_bus.sql.rules import SqlAction, SqlFilter

DEAD_LETTERS = "/$deadletterqueue"
TRANSFER_LETTERS = "/$transfer/$deadletterqueue"  # Of what could not be forwarded.
SUBSCRIPTIONS, RULES = "/subscriptions/", "/rules/"
DEFAULT_RULE = "$Default"


class Status(StrEnum):
    """Whether an entity takes messages and gives them."""

    ACTIVE = "Active"
    DISABLED = "Disabled"
    SEND_DISABLED = "SendDisabled"
    RECEIVE_DISABLED = "ReceiveDisabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A correlation filter: every named value must be equal. An empty one accepts everything, a closed one nothing.

    With a *condition*, that decides instead. What an *action* changes is a copy of its own.
    """

    name: str = DEFAULT_RULE
    properties: Mapping[str, Any] = field(default_factory=dict)  # correlation_id, message_id, label, session_id, ...
    application: Mapping[str, Any] = field(default_factory=dict)
    is_closed: bool = False
    condition: SqlFilter | None = None
    action: SqlAction | None = None

    def accepts(self, properties: Mapping[str, Any], application: Mapping[str, Any]) -> bool:
        """Raises FilterError where a condition has no value for these."""
        if self.condition is not None:
            return self.condition.accepts(Message(properties, application))
        pairs = [(self.properties, properties), (self.application, application)]
        equal = (_is_same(values.get(name), value) for rule, values in pairs for name, value in rule.items())
        return not self.is_closed and all(equal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A queue, a subscription or a dead-letter sub-queue: what messages are received from. Times in seconds."""

    path: str
    lock_s: float = 60.0
    max_deliveries: int = 10
    sessions: bool = False
    time_to_live_s: float | None = None
    dead_letter_expired: bool = False
    dead_letter_filter_errors: bool = True  # Of a subscription: else a message on which a rule fails is dropped.
    duplicate_window_s: float | None = None
    status: Status = Status.ACTIVE
    forward_to: str = ""  # Where its messages go on to, and
    forward_letters_to: str = ""  # where its dead letters do: paths.
    idle_s: float | None = None  # After so long without use it is deleted.

    @property
    def dead_letters(self) -> str:
        return self.path + DEAD_LETTERS

    @property
    def is_sub_queue(self) -> bool:
        return self.path.endswith(DEAD_LETTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What is sent to *path* is copied to each subscription one of whose rules accepts it."""

    path: str
    duplicate_window_s: float | None = None
    time_to_live_s: float | None = None
    status: Status = Status.ACTIVE
    idle_s: float | None = None
    subscriptions: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription to the topic at a path, with its rules."""

    topic: str
    entity: Entity
    rules: tuple[Rule, ...]


class Namespace:
    """All entities by path. Paths are compared without regard to case, as in the service.

    *queues* and *topics* are those of the settings; administrators add others, by `serve`.
    """

    def __init__(self, queues: Sequence[Mapping[str, Any]], topics: Sequence[Mapping[str, Any]]) -> None:
        self.given_queues = [_entity(queue["name"], queue) for queue in queues]
        self.given_topics = [
            Topic(path=topic["name"].lower(), duplicate_window_s=topic.get("duplicate_window_s")) for topic in topics
        ]
        self.given_subscriptions = [
            _subscription(topic["name"].lower(), raw) for topic in topics for raw in topic.get("subscriptions", ())
        ]
        self._entities: dict[str, Entity] = {}
        self._topics: dict[str, Topic] = {}
        self.serve()

    def serve(
        self,
        queues: Iterable[Entity] = (),
        topics: Iterable[Topic] = (),
        subscriptions: Iterable[Subscription] = (),
    ) -> None:
        """Have these entities beside those of the settings from now on, and no others."""
        self._entities, self._topics = {}, {}
        for queue in (*self.given_queues, *queues):
            self._add(queue)
        for topic in (*self.given_topics, *topics):
            self._topics[topic.path] = topic
        for subscription in (*self.given_subscriptions, *subscriptions):
            self._add(subscription.entity)
            topic = self._topics[subscription.topic]
            rules = {**topic.subscriptions, subscription.entity.path: subscription.rules}
            self._topics[topic.path] = replace(topic, subscriptions=rules)

    def entity(self, path: str) -> Entity | None:
        """What messages are received from at *path*, None where there is none (a topic itself is none)."""
        return self._entities.get(path.lower())

    def topic(self, path: str) -> Topic | None:
        return self._topics.get(path.lower())

    def exists(self, path: str) -> bool:
        return path.lower() in self._entities or path.lower() in self._topics

    def takes_messages(self, path: str) -> bool:
        """Whether *path* is a queue or a topic: nobody sends to a subscription, nor to a sub-queue."""
        path = path.lower()
        is_part = SUBSCRIPTIONS in path or path.endswith(DEAD_LETTERS)
        return path in self._topics or (path in self._entities and not is_part)

    @property
    def idle_times(self) -> dict[str, float]:
        """After how many seconds without use each entity is deleted that is not kept for ever."""
        entities: list[Entity | Topic] = [*self._entities.values(), *self._topics.values()]
        return {entity.path: entity.idle_s for entity in entities if entity.idle_s is not None}

    def __iter__(self) -> Iterator[Entity]:
        return iter(self._entities.values())

    def _add(self, entity: Entity) -> None:
        self._entities[entity.path] = entity
        for sub_queue, forward_to in (
            (entity.dead_letters, entity.forward_letters_to),
            (entity.path + TRANSFER_LETTERS, ""),
        ):
            self._entities[sub_queue] = Entity(
                path=sub_queue, lock_s=entity.lock_s, max_deliveries=2**31, forward_to=forward_to
            )


def _is_same(found: Any, wanted: Any) -> bool:
    """A number is never a truth value, although Python's are numbers."""
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _entity(path: str, raw: Mapping[str, Any]) -> Entity:
    options = {name: raw[name] for name in Entity.__slots__ if name in raw and name != "path"}
    return Entity(path=path.lower(), **options)


def _subscription(topic: str, raw: Mapping[str, Any]) -> Subscription:
    rules = raw.get("rules", ({},))
    return Subscription(
        topic=topic,
        entity=_entity(f"{topic}{SUBSCRIPTIONS}{raw['name']}", raw),
        rules=tuple(_rule(rule, number) for number, rule in enumerate(rules)),
    )


def _rule(raw: Mapping[str, Any], number: int) -> Rule:
    name = f"rule-{number}" if number or raw else DEFAULT_RULE
    return Rule(name=name, properties=raw.get("properties", {}), application=raw.get("application", {}))
