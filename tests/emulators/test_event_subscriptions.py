"""Event subscriptions that `azure-mgmt-eventgrid` makes, and what then arrives: filters, deletion, a restart."""

from typing import Any

from tests.emulators.managed import GROUP, HUB, VISITOR, Managed, refused
from tests.emulators.services import eventually

TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/evgst-hub"


def event(number: int, subject: str, **data: Any) -> dict[str, Any]:
    return {
        "id": f"e{number}",
        "topic": HUB,
        "subject": subject,
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": data,
        "dataVersion": "1",
    }


def subscription(url: str, **filters: Any) -> dict[str, Any]:
    destination = {"endpointType": "WebHook", "properties": {"endpointUrl": url}}
    return {"properties": {"destination": destination, "filter": filters}}


def arrived(managed: Managed, name: str) -> list[str]:
    return [subject for subscribed, subject in managed.hooks if subscribed == name]


def test_a_subscription_gets_what_its_filters_let_through(managed: Managed) -> None:
    grid = managed.grid().event_subscriptions
    flushed = {"operatorType": "StringIn", "key": "data.api", "values": ["PutBlob"]}
    content = subscription(
        f"{managed.hook}/hook",
        subjectBeginsWith="/landing/",
        includedEventTypes=["Microsoft.Storage.BlobCreated"],
        advancedFilters=[flushed],
    )
    made = grid.begin_create_or_update(HUB.lstrip("/"), "mine", content).result()
    assert (made.provisioning_state, made.filter.subject_begins_with) == ("Succeeded", "/landing/")
    assert [each.key for each in made.filter.advanced_filters] == ["data.api"]
    assert {each.name for each in grid.list_by_resource(*_parts(HUB))} == {"given", "mine"}
    managed.publish(event(1, "/landing/a", api="PutBlob"))
    managed.publish(event(2, "/staging/a", api="PutBlob"))
    managed.publish(event(3, "/landing/b", api="FlushFile"))
    managed.publish(event(4, "/landing/c", api="PutBlob"))
    eventually(lambda: len(managed.hooks) == 6)
    assert sorted(arrived(managed, "MINE")) == ["/landing/a", "/landing/c"]
    managed.stop()
    managed.start()
    managed.publish(event(5, "/landing/d", api="PutBlob"))
    eventually(lambda: "/landing/d" in arrived(managed, "MINE") + arrived(managed, "GIVEN"))


def test_what_is_deleted_gets_nothing_any_more_and_a_restart_does_not_bring_it_back(managed: Managed) -> None:
    grid = managed.grid().event_subscriptions
    grid.begin_create_or_update(HUB.lstrip("/"), "mine", subscription(f"{managed.hook}/hook")).result()
    grid.begin_delete(HUB.lstrip("/"), "given").result()
    managed.stop()
    managed.start()
    again = managed.grid().event_subscriptions
    assert refused(again.get, HUB.lstrip("/"), "given")[0] == 404
    assert again.get(HUB.lstrip("/"), "mine").name == "mine"


def test_a_subscription_of_a_system_topic_is_one_of_its_source(managed: Managed) -> None:
    managed.resources().resource_groups.create_or_update("rg-team", {"location": "westeurope"})
    topic = {"location": "westeurope", "properties": {"source": HUB, "topicType": "Microsoft.Storage.StorageAccounts"}}
    managed.kept().put(TOPIC, "2025-02-15", topic)
    own = managed.grid().system_topic_event_subscriptions
    function = {"endpointType": "AzureFunction", "properties": {"resourceId": f"{GROUP}/sites/app/functions/receive"}}
    content = {"properties": {"destination": function, "filter": {"subjectEndsWith": ".csv"}}}
    own.begin_create_or_update("rg-team", "evgst-hub", "files", content).result()
    assert own.get("rg-team", "evgst-hub", "files").filter.subject_ends_with == ".csv"
    managed.publish(event(1, "/landing/a.csv"))
    managed.publish(event(2, "/landing/a.txt"))
    eventually(lambda: len(managed.hooks) == 3)
    assert arrived(managed, "FILES") == ["/landing/a.csv"]


def test_what_azure_would_refuse_is_refused(managed: Managed) -> None:
    grid = managed.grid().event_subscriptions

    def answer(content: dict[str, Any], scope: str = HUB) -> tuple[int, str]:
        return refused(grid.begin_create_or_update, scope.lstrip("/"), "mine", content)

    hook = f"{managed.hook}/hook"
    values = {"operatorType": "StringIn", "key": "subject", "values": [str(number) for number in range(26)]}
    assert answer(subscription(hook, advancedFilters=[values])) == (400, "BadRequest")
    assert answer(subscription(f"{managed.hook}/silent")) == (400, "URLValidation")
    assert answer(subscription("http://127.0.0.1:9/hook")) == (400, "URLValidation")
    missing = {"endpointType": "AzureFunction", "properties": {"resourceId": f"{GROUP}/sites/app/functions/other"}}
    assert answer({"properties": {"destination": missing}}) == (400, "InvalidRequest")
    queue = {"endpointType": "ServiceBusQueue", "properties": {"resourceId": f"{GROUP}/queues/q"}}
    assert answer({"properties": {"destination": queue}}) == (501, "NotImplemented")
    visitor = managed.grid(VISITOR).event_subscriptions
    assert refused(visitor.begin_create_or_update, HUB.lstrip("/"), "mine", subscription(hook)) == (
        403,
        "AuthorizationFailed",
    )
    assert {each.name for each in grid.list_by_resource(*_parts(HUB))} == {"given"}


def test_one_to_a_queue_of_a_namespace_that_is_kept_is_kept_and_brings_nothing(managed: Managed) -> None:
    managed.resources().resource_groups.create_or_update("rg-team", {"location": "westeurope"})
    kept, version = managed.kept(), "2026-01-01"
    namespace = f"{GROUP}/providers/Microsoft.ServiceBus/namespaces/sbns-team"
    topic = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/evgst-team"
    for path in (namespace, f"{namespace}/queues/events"):
        kept.put(path, version, {"location": "westeurope", "properties": {}})
    kept.put(topic, "2025-02-15", {"location": "westeurope", "properties": {"source": HUB}})
    destination = {"endpointType": "ServiceBusQueue", "properties": {"resourceId": f"{namespace}/queues/events"}}
    content = {"properties": {"destination": destination, "filter": {"subjectBeginsWith": "/x/"}}}
    kept.put(f"{topic}/eventSubscriptions/to-queue", "2025-02-15", content)

    found = kept.get(f"{topic}/eventSubscriptions/to-queue", "2025-02-15").properties
    assert (found["destination"], found["filter"]) == (destination, {"subjectBeginsWith": "/x/"})
    kept.delete(f"{topic}/eventSubscriptions/to-queue", "2025-02-15")
    assert not kept.stands(f"{topic}/eventSubscriptions/to-queue", "2025-02-15")


def _parts(path: str) -> tuple[str, str, str, str]:
    """Group, provider, type and name, as the client wants them."""
    _, _, _, _, group, _, provider, kind, name = path.split("/")
    return group, provider, kind, name
