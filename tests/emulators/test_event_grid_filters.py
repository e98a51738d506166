"""Advanced filters and subjects: which events a subscription wants, a row for each rule."""

from typing import Any

import pytest

from signalbox.emulators.event_grid.filters import read_filter
from signalbox.emulators.event_grid.subscriptions import read_subscription

EVENT = {
    "id": "1",
    "eventType": "Microsoft.Storage.BlobCreated",
    "subject": "/containers/Landing/blobs/a.csv",
    "data": {
        "api": "PutBlob",
        "contentLength": 524_288,
        "flag": True,
        "empty": None,
        "runTags": {"breached": "Has failed due to drift"},
        "labels": ["urgent", "customer", 7],
        "rows": [3, 12, None],
    },
}


@pytest.mark.parametrize(
    ("operator", "key", "value", "wanted"),
    [
        ("StringIn", "data.api", ["PutBlockList", "putblob"], True),
        ("StringIn", "data.api", ["CopyBlob"], False),
        ("StringIn", "data.absent", ["PutBlob"], False),
        ("StringIn", "data.contentLength", ["524288"], False),
        ("StringIn", "type", ["Microsoft.Storage.BlobCreated"], True),
        ("StringIn", "EventId", ["1"], True),
        ("StringIn", "data.labels", ["urgent"], False),
        ("StringNotIn", "data.api", ["CopyBlob"], True),
        ("StringNotIn", "data.api", ["CopyBlob", "PutBlob"], False),
        ("StringNotIn", "data.absent", ["PutBlob"], True),
        ("StringContains", "data.RunTags.breached", ["due to one", "DUE TO DRIFT"], True),
        ("StringContains", "data.api", ["Copy"], False),
        ("StringNotContains", "data.api", ["Copy"], True),
        ("StringNotContains", "data.absent", ["Copy"], False),
        ("StringNotContains", "data.empty", ["Copy"], False),
        ("StringNotContains", "data.labels", ["Copy"], False),
        ("StringNotBeginsWith", "data.absent", ["Copy"], False),
        ("StringNotEndsWith", "data.absent", ["Copy"], False),
        ("NumberNotIn", "data.absent", [1], True),
        ("NumberNotInRange", "data.absent", [[0, 1]], False),
        ("StringBeginsWith", "subject", ["/containers/landing/"], True),
        ("StringBeginsWith", "subject", ["landing"], False),
        ("StringNotBeginsWith", "subject", ["/containers/landing/"], False),
        ("StringEndsWith", "subject", [".json", ".CSV"], True),
        ("StringNotEndsWith", "subject", [".csv"], False),
        ("NumberIn", "data.contentLength", [1, 524_288], True),
        ("NumberIn", "data.flag", [1], False),
        ("NumberNotIn", "data.contentLength", [524_288], False),
        ("NumberGreaterThan", "data.contentLength", 524_288, False),
        ("NumberGreaterThanOrEquals", "data.contentLength", 524_288, True),
        ("NumberLessThan", "data.contentLength", 524_289.5, True),
        ("NumberLessThanOrEquals", "data.contentLength", 3, False),
        ("NumberLessThan", "data.api", 3, False),
        ("NumberInRange", "data.contentLength", [[0, 1], [524_288, 600_000]], True),
        ("NumberNotInRange", "data.contentLength", [[0, 1]], True),
        ("BoolEquals", "data.flag", True, True),
        ("BoolEquals", "data.flag", False, False),
        ("BoolEquals", "data.absent", False, False),
        ("IsNullOrUndefined", "data.empty", None, True),
        ("IsNullOrUndefined", "data.absent.deeper", None, True),
        ("IsNullOrUndefined", "data.api", None, False),
        ("IsNotNull", "data.api", None, True),
        ("IsNotNull", "data.empty", None, False),
    ],
)
def test_an_operator_wants_what_the_service_documents(operator: str, key: str, value: Any, wanted: bool) -> None:
    given = {} if value is None else {"values": value} if isinstance(value, list) else {"value": value}

    assert read_filter({"operatorType": operator, "key": key, **given}).admits(EVENT) is wanted


@pytest.mark.parametrize(
    ("operator", "key", "values", "is_admitted"),
    [
        ("StringIn", "data.labels", ["URGENT", "x"], True),
        ("StringIn", "data.labels", ["x"], False),
        ("StringNotIn", "data.labels", ["urgent"], False),
        ("StringNotIn", "data.labels", ["x"], True),
        ("StringNotContains", "data.labels", ["cust"], False),
        ("NumberIn", "data.labels", [7], True),
        ("NumberInRange", "data.rows", [[10, 20]], True),
        ("NumberNotInRange", "data.rows", [[10, 20]], False),
        ("NumberNotInRange", "data.rows", [[20, 30]], True),
    ],
)
def test_an_array_is_compared_element_by_element_where_asked(
    operator: str, key: str, values: list[Any], is_admitted: bool
) -> None:
    filter_ = {"operatorType": operator, "key": key, "values": values}
    subscription = {"name": "s", "topic": "hub", "url": "http://x", "filters": [filter_]}

    looking = read_subscription(subscription | {"filters_look_into_arrays": True})

    assert looking.wants("hub", EVENT) is is_admitted


def test_a_filter_names_a_key_of_a_cloud_event_in_either_schema() -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/context", "type": "com.example", "level": 5}

    for key, value in (("type", "com.example"), ("eventType", "com.example"), ("topic", "/context"), ("eventid", "1")):
        assert read_filter({"operatorType": "StringIn", "key": key, "values": [value]}).admits(event)
    assert read_filter({"operatorType": "NumberIn", "key": "level", "values": [5]}).admits(event)


def _text_filter(*values: Any, operator: str = "StringIn", key: str = "data.api") -> dict[str, Any]:
    return {"operatorType": operator, "key": key, "values": list(values)}


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ([_text_filter("x", operator="StringLike")], "filters.operatorType is 'StringLike'"),
        ([{"operatorType": "StringIn", "values": ["x"]}], "filters.key is None"),
        ([_text_filter("x", key="data..api")], "filters.key is 'data..api'"),
        ([{"operatorType": "NumberIn", "key": "data.n"}], "filters.values of NumberIn on data.n is missing"),
        (
            [{"operatorType": "StringIn", "key": "data.n", "value": "x"}],
            "filters.values of StringIn on data.n is missing",
        ),
        (
            [{"operatorType": "NumberLessThan", "key": "n", "values": [1]}],
            "filters.value of NumberLessThan on n is missing",
        ),
        ([{"operatorType": "StringIn", "key": "n", "values": "x"}], "is 'x'; give a list"),
        ([_text_filter(7)], "has 7; give texts"),
        ([_text_filter("x" * 513)], r"has 'x+\.\.\. \(515 characters\); give texts of at most 512"),
        ([_text_filter("7", operator="NumberIn")], "has '7'; give numbers"),
        ([_text_filter(True, operator="NumberNotIn")], "has True; give numbers"),
        ([_text_filter([2, 1], operator="NumberInRange")], r"has \[2, 1\]; give pairs of numbers, the smaller first"),
        ([_text_filter(3, operator="NumberNotInRange")], "has 3; give pairs"),
        ([{"operatorType": "BoolEquals", "key": "n", "value": "true"}], "has 'true'; give true or false"),
        ([{"operatorType": "NumberLessThan", "key": "n", "value": "3"}], "has '3'; give a number"),
        ([_text_filter(*map(str, range(26)))], "filters have 26 values together"),
        ([_text_filter("x", key=f"data.k{number}") for number in range(26)], "filters are 26"),
    ],
)
def test_a_wrong_filter_is_refused_with_its_remedy(filters: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_subscription({"name": "s", "topic": "hub", "url": "http://x", "filters": filters})


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("schema", "CustomInputSchema", "schema of subscription 's' is 'CustomInputSchema'; use one of"),
        ("max_attempts", 31, "max_attempts of subscription 's' is 31"),
        ("ttl_s", 0, "ttl_s of subscription 's' is 0"),
        ("event_types", "All", "event_types of subscription 's' is 'All'; give a list"),
        ("event_type", ["x"], "event_type of subscription 's' is no setting"),
    ],
)
def test_a_wrong_subscription_is_refused_with_its_remedy(setting: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_subscription({"name": "s", "topic": "hub", "url": "http://x", setting: value})


def test_all_as_the_event_type_leaves_none_out() -> None:
    assert read_subscription({"name": "s", "topic": "hub", "url": "http://x", "event_types": ["All"]}).wants(
        "hub", EVENT
    )


def test_all_filters_must_admit_and_a_subject_has_case_where_asked() -> None:
    base = {"name": "s", "topic": "hub", "url": "http://x", "subject_begins_with": "/containers/landing/"}
    large = {"operatorType": "NumberGreaterThan", "key": "data.contentLength", "value": 10}
    small = {"operatorType": "NumberLessThan", "key": "data.contentLength", "value": 10}

    assert read_subscription(base | {"filters": [large]}).wants("hub", EVENT)
    assert not read_subscription(base | {"filters": [large, small]}).wants("hub", EVENT)
    assert not read_subscription(base | {"is_subject_case_sensitive": True}).wants("hub", EVENT)
    assert not read_subscription(base).wants("stdev", EVENT)
