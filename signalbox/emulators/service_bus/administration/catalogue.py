"""All entities of a namespace with their descriptions: those of the settings, and those that administrators made.

The latter are kept in the broker's database; the namespace serves what the catalogue has.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from signalbox.emulators.database import transaction
from signalbox.emulators.service_bus.administration.descriptions import (
    QUEUE,
    SUBSCRIPTION,
    TOPIC,
    Field,
    entity_of,
    topic_of,
    values_of,
)
from signalbox.emulators.service_bus.administration.refusals import given
from signalbox.emulators.service_bus.administration.rules import content_of, rule_of
from signalbox.emulators.service_bus.broker import Broker
from signalbox.emulators.service_bus.entities import RULES, SUBSCRIPTIONS, Namespace, Subscription


class Kind(StrEnum):
    """As the addresses of the lists call them."""

    QUEUES = "queues"
    TOPICS = "topics"
    SUBSCRIPTIONS = "subscriptions"
    RULES = "rules"

    @property
    def tag(self) -> str:
        return f"{self.title()[:-1]}Description"

    @property
    def fields(self) -> Mapping[str, Field]:
        return {Kind.QUEUES: QUEUE, Kind.TOPICS: TOPIC, Kind.SUBSCRIPTIONS: SUBSCRIPTION}.get(self, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An entity or a rule: *name* as its maker wrote it, *content* its description, moments in seconds."""

    kind: Kind
    path: str
    name: str
    content: Mapping[str, Any]
    created: float
    updated: float
    is_given: bool = False  # By the settings: it can be read, and not changed.


class Catalogue:
    def __init__(self, broker: Broker) -> None:
        self._broker, self._database = broker, broker.database
        self.since = broker.clock()  # When the namespace began, as far as this process knows.
        self._given = {definition.path: definition for definition in self._of_settings(broker.namespace)}
        self._made = {definition.path: definition for definition in self._stored()}
        broker.delete_idle = self.delete
        self._serve()

    def find(self, path: str) -> Definition | None:
        path = path.lower()
        return self._given.get(path) or self._made.get(path)

    def below(self, kind: Kind, path: str = "") -> list[Definition]:
        """All of a kind by name: in the namespace, or of the topic or the subscription at *path*."""
        within = f"{path.lower()}/{kind}/" if path else ""
        found = (each for each in self if each.kind is kind and each.path.startswith(within))
        return sorted(found, key=lambda each: each.path)

    def __iter__(self) -> Iterator[Definition]:
        yield from self._given.values()
        yield from self._made.values()

    def put(self, kind: Kind, path: str, name: str, content: Mapping[str, Any]) -> Definition:
        """Make it, or change it. Raises AdministrationError for what belongs to the settings."""
        path, now = path.lower(), self._broker.clock()
        earlier = self.find(path)
        if path in self._given:
            raise given(path)
        definition = Definition(
            kind=kind,
            path=path,
            name=earlier.name if earlier else name,
            content=content,
            created=earlier.created if earlier else now,
            updated=now,
        )
        record = (path, kind, definition.name, json.dumps(content), definition.created, now)
        self._database.execute("INSERT OR REPLACE INTO definitions VALUES (?, ?, ?, ?, ?, ?)", record)
        self._made[path] = definition
        self._serve()
        self._broker.touch(path)
        return definition

    def delete(self, path: str) -> None:
        """Delete what is at *path*, all below it, and their messages. Raises AdministrationError as `put` does."""
        path = path.lower()
        if path in self._given:
            raise given(path)
        below = (f"{path}{SUBSCRIPTIONS}", f"{path}{RULES}")
        own = [each for each in self._made.values() if each.path == path or each.path.startswith(below)]
        with transaction(self._database):
            for definition in own:
                self._database.execute("DELETE FROM definitions WHERE path = ?", (definition.path,))
                del self._made[definition.path]
        self._serve()
        for definition in own:
            if definition.kind is not Kind.RULES:
                self._broker.clear(definition.path)

    def _serve(self) -> None:
        subscriptions = [
            Subscription(
                topic=each.path.partition(SUBSCRIPTIONS)[0],
                entity=entity_of(each.path, each.content),
                rules=tuple(rule_of(rule.name, rule.content) for rule in self.below(Kind.RULES, each.path)),
            )
            for each in self._made.values()
            if each.kind is Kind.SUBSCRIPTIONS and self.find(each.path.partition(SUBSCRIPTIONS)[0]) is not None
        ]
        self._broker.namespace.serve(
            queues=[entity_of(each.path, each.content) for each in self._made.values() if each.kind is Kind.QUEUES],
            topics=[topic_of(each.path, each.content) for each in self._made.values() if each.kind is Kind.TOPICS],
            subscriptions=subscriptions,
        )

    def _stored(self) -> Iterator[Definition]:
        for row in self._database.execute("SELECT * FROM definitions ORDER BY created, path"):
            fields = {name: row[name] for name in ("path", "name", "created", "updated")}
            if row["path"] not in self._given:  # The settings of a newer release may have made it their own.
                yield Definition(kind=Kind(row["kind"]), content=json.loads(row["content"]), **fields)

    def _of_settings(self, namespace: Namespace) -> Iterator[Definition]:
        for queue in namespace.given_queues:
            yield self._definition(Kind.QUEUES, queue.path, values_of(queue, QUEUE))
        for topic in namespace.given_topics:
            yield self._definition(Kind.TOPICS, topic.path, values_of(topic, TOPIC))
        for subscription in namespace.given_subscriptions:
            path = subscription.entity.path
            yield self._definition(Kind.SUBSCRIPTIONS, path, values_of(subscription.entity, SUBSCRIPTION))
            for rule in subscription.rules:
                yield self._definition(Kind.RULES, f"{path}{RULES}{rule.name}", content_of(rule), rule.name)

    def _definition(self, kind: Kind, path: str, content: Mapping[str, Any], name: str = "") -> Definition:
        return Definition(
            kind=kind,
            path=path.lower(),
            name=name or path.rpartition("/")[2] if kind in (Kind.SUBSCRIPTIONS, Kind.RULES) else path,
            content=content,
            created=self.since,
            updated=self.since,
            is_given=True,
        )
