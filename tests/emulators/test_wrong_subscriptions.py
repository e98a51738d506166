"""Definitions that Event Grid refuses are refused when the subscription is made, and leave none behind."""

from typing import Any

from tests.emulators.managed import HUB, Managed

KIND = f"{HUB}/providers/Microsoft.EventGrid/eventSubscriptions"


def filters(*documents: dict[str, Any]) -> dict[str, Any]:
    return {"filter": {"advancedFilters": list(documents)}}


def values(operator: str, *content: Any) -> dict[str, Any]:
    return filters({"operatorType": operator, "key": "data.n", "values": list(content)})


def value(operator: str, content: Any) -> dict[str, Any]:
    return filters({"operatorType": operator, "key": "data.n", "value": content})


def hook(**properties: Any) -> dict[str, Any]:
    address = "http://127.0.0.1:1/hook"
    return {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": address, **properties}}}


WRONG: tuple[dict[str, Any], ...] = (
    values("NumberInRange", [2, 1]),
    values("NumberNotInRange", [1, 2, 3]),
    values("NumberInRange", 3),
    values("NumberIn", "7"),
    values("NumberNotIn", True),
    value("NumberLessThan", "3"),
    value("NumberGreaterThan", None),
    value("BoolEquals", "true"),
    values("StringIn", 7),
    values("StringContains", "x" * 513),
    values("StringBeginsWith"),
    values("StringLike", "x"),
    values("StringIn", *map(str, range(26))),
    filters(*({"operatorType": "IsNotNull", "key": f"data.k{number}"} for number in range(26))),
    filters({"operatorType": "StringIn", "values": ["x"]}),
    filters({"operatorType": "StringIn", "key": "", "values": ["x"]}),
    {"filter": {"advancedFilters": {"operatorType": "IsNotNull", "key": "subject"}}},
    {"filter": {"advancedFilters": ["subject"]}},
    {"filter": {"includedEventTypes": "All"}},
    {"filter": {"includedEventTypes": [7]}},
    {"filter": {"includedEventTypes": [""]}},
    {"filter": {"subjectBeginsWith": 7}},
    {"filter": {"subjectEndsWith": ["x"]}},
    {"filter": {"isSubjectCaseSensitive": "yes"}},
    {"filter": {"enableAdvancedFilteringOnArrays": "yes"}},
    {"filter": "subject"},
    {"eventDeliverySchema": "AnySchema"},
    {"retryPolicy": {"maxDeliveryAttempts": 0}},
    {"retryPolicy": {"maxDeliveryAttempts": 31}},
    {"retryPolicy": {"maxDeliveryAttempts": "30"}},
    {"retryPolicy": {"eventTimeToLiveInMinutes": 0}},
    {"retryPolicy": {"eventTimeToLiveInMinutes": 1441}},
    {"retryPolicy": {"eventTimeToLiveInMinutes": 1.5}},
    {"destination": None},
    {"destination": {"endpointType": "WebHook", "properties": {}}},
    {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": "hook"}}},
    {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": 7}}},
    {"destination": {"endpointType": "WebHook", "properties": "hook"}},
    hook(maxEventsPerBatch=0),
    hook(maxEventsPerBatch=5001),
    hook(preferredBatchSizeInKilobytes=1025),
    hook(maxEventsPerBatch="5"),
    {"deadLetterDestination": {"endpointType": "StorageBlob", "properties": {"resourceId": HUB}}},
)


UNSERVED = (
    hook(maxEventsPerBatch=10),
    hook(preferredBatchSizeInKilobytes=128),
    hook(deliveryAttributeMappings=[{"name": "x", "type": "Static", "properties": {"value": "y"}}]),
    hook(azureActiveDirectoryTenantId="t"),
    {"destination": {"endpointType": "StorageQueue", "properties": {"queueName": "q"}}},
    {"expirationTimeUtc": "2030-01-01T00:00:00Z"},
)
NAMES = ("ab", "x" * 65, "with_underscore", "with.dot")


def test_a_wrong_definition_is_refused_when_it_is_made(managed: Managed) -> None:
    base = {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": f"{managed.hook}/hook"}}}

    def fault(name: str, wrong: dict[str, Any]) -> str:
        answer = managed.ask("PUT", f"{KIND}/{name}", "2025-02-15", {"properties": base | wrong})
        is_refused = answer.status_code == 400 and answer.json()["error"]["code"] == "BadRequest"
        return "" if is_refused else f"{name} {str(wrong)[:100]}: {answer.status_code} {answer.text[:200]}"

    faults = [fault("wrong", wrong) for wrong in WRONG] + [fault(name, {}) for name in NAMES]

    assert not any(faults), "\n".join(filter(None, faults))
    assert [row["name"] for row in managed.ask("GET", KIND, "2025-02-15").json()["value"]] == ["given"]


def test_what_is_not_served_is_not_passed_over(managed: Managed) -> None:
    base = hook()
    answers = [managed.ask("PUT", f"{KIND}/unserved", "2025-02-15", {"properties": base | own}) for own in UNSERVED]

    assert [answer.status_code for answer in answers] == [501] * len(UNSERVED)
