"""A row for each documented operation of the administration client, in an order in which each finds what it needs.

`python -m tests.service_bus.administration_rows` writes their table into docs/service-bus.md.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.servicebus.management import (
    AccessRights,
    AuthorizationRule,
    CorrelationRuleFilter,
    FalseRuleFilter,
    SqlRuleAction,
    SqlRuleFilter,
    TrueRuleFilter,
)
from azure.servicebus.management import ServiceBusAdministrationClient as Client

from tests.emulators.documented.page import page

PAGE = Path(__file__).parents[2] / "docs" / "service-bus.md"
Call = Callable[[Client], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Administered:
    """*call* returns something true where the operation is served; where it is not, it meets the 501."""

    area: str
    words: str
    call: Call
    is_served: bool = True


def _rows(area: str, served: Mapping[str, Call], refused: Mapping[str, Call] | None = None) -> Iterator[Administered]:
    for words, call in served.items():
        yield Administered(area=area, words=words, call=call)
    for words, call in (refused or {}).items():
        yield Administered(area=area, words=words, call=call, is_served=False)


def _names(listed: Any) -> set[str]:
    return {each.name for each in listed}


def _changed_queue(client: Client) -> bool:
    queue = client.get_queue("documented")
    queue.max_delivery_count = 4
    client.update_queue(queue, lock_duration=timedelta(minutes=2))
    changed = client.get_queue("documented")
    return (changed.max_delivery_count, changed.lock_duration) == (4, timedelta(minutes=2))


def _forwarding_queue(client: Client) -> bool:
    made = client.create_queue("documented-2", forward_to="documented", forward_dead_lettered_messages_to="documented")
    return made.forward_to.endswith("/documented") and made.forward_dead_lettered_messages_to.endswith("/documented")


def _full_queue(client: Client) -> bool:
    made = client.create_queue(
        "documented-3",
        auto_delete_on_idle=timedelta(minutes=10),
        dead_lettering_on_message_expiration=True,
        default_message_time_to_live="PT11M",
        duplicate_detection_history_time_window=timedelta(minutes=12),
        enable_batched_operations=False,
        max_size_in_megabytes=3072,
        requires_duplicate_detection=True,
        requires_session=True,
        user_metadata="of a test",
    )
    lives = (made.auto_delete_on_idle, made.default_message_time_to_live, made.duplicate_detection_history_time_window)
    flags = (made.dead_lettering_on_message_expiration, made.requires_duplicate_detection, made.requires_session)
    return (
        lives == tuple(timedelta(minutes=minutes) for minutes in (10, 11, 12))
        and all(flags)
        and not made.enable_batched_operations
        and (made.max_size_in_megabytes, made.user_metadata) == (3072, "of a test")
    )


def _status(client: Client) -> bool:
    queue = client.get_queue("documented")
    queue.status = "SendDisabled"
    client.update_queue(queue)
    found = client.get_queue("documented").status
    queue.status = "Active"
    client.update_queue(queue)
    return found == "SendDisabled"


def _deleted(client: Client, kind: str, *names: str) -> bool:
    getattr(client, f"delete_{kind}")(*names)
    return True


def _changed_topic(client: Client) -> bool:
    client.update_topic(client.get_topic("documented-t"), default_message_time_to_live=timedelta(minutes=3))
    return client.get_topic("documented-t").default_message_time_to_live == timedelta(minutes=3)


def _changed_subscription(client: Client) -> bool:
    subscription = client.get_subscription("documented-t", "s")
    client.update_subscription("documented-t", subscription, max_delivery_count=3)
    return client.get_subscription("documented-t", "s").max_delivery_count == 3


def _rule(client: Client, name: str, **options: Any) -> Any:
    return client.create_rule("documented-t", "s", name, **options)


def _correlated(client: Client) -> bool:
    day = datetime(2026, 7, 5, 11, 12, 13, tzinfo=UTC)
    values = {"a": 1, "b": "two", "c": True, "d": 1.5, "e": 2**40, "f": day, "g": timedelta(1, 7380)}
    _rule(client, "correlated", filter=CorrelationRuleFilter(label="x", correlation_id="c", properties=values))
    found = client.get_rule("documented-t", "s", "correlated").filter
    assert isinstance(found, CorrelationRuleFilter)
    return (found.label, found.correlation_id, dict(found.properties or {})) == ("x", "c", values)


def _changed_rule(client: Client) -> bool:
    rule = client.get_rule("documented-t", "s", "correlated")
    rule.filter = TrueRuleFilter()
    client.update_rule("documented-t", "s", rule)
    return isinstance(client.get_rule("documented-t", "s", "correlated").filter, TrueRuleFilter)


def _by_sql(client: Client) -> bool:
    parameters = {"@n": 7, "@text": "a"}
    rule = SqlRuleFilter("n = @n AND sys.Label LIKE @text", parameters=parameters)
    _rule(client, "sql", filter=rule, action=SqlRuleAction("SET n = @n", parameters={"@n": 8}))
    found = client.get_rule("documented-t", "s", "sql")
    assert isinstance(found.filter, SqlRuleFilter)
    assert isinstance(found.action, SqlRuleAction)
    texts = (found.filter.sql_expression, found.action.sql_expression)
    assert texts == ("n = @n AND sys.Label LIKE @text", "SET n = @n")
    return (dict(found.filter.parameters or {}), dict(found.action.parameters or {})) == (parameters, {"@n": 8})


def _policy() -> AuthorizationRule:
    return AuthorizationRule(
        type="SharedAccessAuthorizationRule",
        claim_type="SharedAccessKey",
        claim_value="None",
        rights=[AccessRights.LISTEN],
        key_name="k",
        primary_key="p",
        secondary_key="s",
    )


ROWS = (
    *_rows(
        "queues",
        {
            "create": lambda c: c.create_queue("documented").name == "documented",
            "create with every option": _full_queue,
            "`forward_to`, `forward_dead_lettered_messages_to`": _forwarding_queue,
            "get": lambda c: c.get_queue("DOCUMENTED").max_delivery_count == 10,
            "list": lambda c: {"documented", "documented-2", "orders"} <= _names(c.list_queues()),
            "update": _changed_queue,
            "status": _status,
            "runtime properties": lambda c: c.get_queue_runtime_properties("orders").total_message_count is not None,
            "list with runtime properties": lambda c: "documented" in _names(c.list_queues_runtime_properties()),
            "delete": lambda c: all(_deleted(c, "queue", f"documented{part}") for part in ("", "-2", "-3")),
        },
        {
            "`enable_partitioning`": lambda c: c.create_queue("x", enable_partitioning=True),
            "`enable_express`": lambda c: c.create_queue("x", enable_express=True),
            "`authorization_rules`": lambda c: c.create_queue("x", authorization_rules=[_policy()]),
        },
    ),
    *_rows(
        "topics",
        {
            "create": lambda c: c.create_topic("documented-t", requires_duplicate_detection=True).name,
            "get": lambda c: c.get_topic("documented-t").requires_duplicate_detection,
            "list": lambda c: {"documented-t", "news"} <= _names(c.list_topics()),
            "update": _changed_topic,
        },
        {
            "`enable_partitioning`": lambda c: c.create_topic("x", enable_partitioning=True),
            "`enable_express`": lambda c: c.create_topic("x", enable_express=True),
            "`authorization_rules`": lambda c: c.create_topic("x", authorization_rules=[_policy()]),
        },
    ),
    *_rows(
        "subscriptions",
        {
            "create": lambda c: c.create_subscription("documented-t", "s", requires_session=True).requires_session,
            "get": lambda c: c.get_subscription("documented-t", "s").name == "s",
            "list": lambda c: _names(c.list_subscriptions("documented-t")) == {"s"},
            "update": _changed_subscription,
            "runtime properties": lambda c: (
                c.get_subscription_runtime_properties("documented-t", "s").active_message_count == 0
            ),
            "list with runtime properties": lambda c: (
                _names(c.list_subscriptions_runtime_properties("documented-t")) == {"s"}
            ),
        },
    ),
    *_rows(
        "rules",
        {
            "create with a correlation filter": _correlated,
            "create with a SQL filter and a SQL action, with parameters": _by_sql,
            "with the false filter": lambda c: _rule(c, "none", filter=FalseRuleFilter()).name,
            "get": lambda c: isinstance(c.get_rule("documented-t", "s", "none").filter, FalseRuleFilter),
            "list": lambda c: _names(c.list_rules("documented-t", "s")) == {"$Default", "correlated", "sql", "none"},
            "update": _changed_rule,
            "delete": lambda c: _deleted(c, "rule", "documented-t", "s", "$Default"),
        },
        {
            "SQL of system properties that are numbers or moments": lambda c: _rule(
                c, "x", filter=SqlRuleFilter("sys.DeliveryCount = 1")
            ),
            "durations in SQL actions": lambda c: _rule(
                c, "x", action=SqlRuleAction("SET a = @a", parameters={"@a": timedelta(1)})
            ),
        },
    ),
    *_rows(
        "subscriptions",
        {"delete": lambda c: _deleted(c, "subscription", "documented-t", "s")},
    ),
    *_rows(
        "topics",
        {
            "runtime properties": lambda c: c.get_topic_runtime_properties("documented-t").subscription_count == 0,
            "list with runtime properties": lambda c: "documented-t" in _names(c.list_topics_runtime_properties()),
            "delete": lambda c: _deleted(c, "topic", "documented-t"),
        },
    ),
    *_rows("namespace", {"properties": lambda c: c.get_namespace_properties().messaging_sku == "Standard"}),
)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(), ROWS))
