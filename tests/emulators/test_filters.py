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
    },
}


@pytest.mark.parametrize(
    ("operator", "key", "value", "wanted"),
    [
        ("StringIn", "data.api", ["PutBlockList", "putblob"], True),
        ("StringIn", "data.api", ["CopyBlob"], False),
        ("StringIn", "data.absent", ["PutBlob"], False),
        ("StringIn", "data.contentLength", ["524288"], False),
        ("StringNotIn", "data.api", ["CopyBlob"], True),
        ("StringNotIn", "data.api", ["CopyBlob", "PutBlob"], False),
        ("StringNotIn", "data.absent", ["PutBlob"], True),
        ("StringContains", "data.RunTags.breached", ["due to one", "DUE TO DRIFT"], True),
        ("StringContains", "data.api", ["Copy"], False),
        ("StringNotContains", "data.api", ["Copy"], True),
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
    ("raw", "said"),
    [
        ({"operatorType": "StringLike", "key": "data.api", "values": ["x"]}, "filters.operatorType is 'StringLike'"),
        ({"operatorType": "StringIn", "values": ["x"]}, "filters.key is None"),
        ({"operatorType": "NumberIn", "key": "data.n"}, "filters.values of NumberIn on data.n is missing"),
    ],
)
def test_a_wrong_filter_is_refused_with_its_remedy(raw: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_filter(raw)


def test_all_filters_must_admit_and_a_subject_has_case_where_asked() -> None:
    base = {"name": "s", "topic": "hub", "url": "http://x", "subject_begins_with": "/containers/landing/"}
    large = {"operatorType": "NumberGreaterThan", "key": "data.contentLength", "value": 10}
    small = {"operatorType": "NumberLessThan", "key": "data.contentLength", "value": 10}

    assert read_subscription(base | {"filters": [large]}).wants("hub", EVENT)
    assert not read_subscription(base | {"filters": [large, small]}).wants("hub", EVENT)
    assert not read_subscription(base | {"is_subject_case_sensitive": True}).wants("hub", EVENT)
    assert not read_subscription(base).wants("stdev", EVENT)
