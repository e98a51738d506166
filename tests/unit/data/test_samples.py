"""Sentences of reports of earlier releases had values in them: they are made anew from the findings."""

import math
from collections import Counter
from datetime import UTC, datetime

import pytest

from activities.golden_requests import api_test
from activities.online_rows import predictions_of
from shared import contracts as c
from shared.domain.data.data_samples import lines_with_samples, plain_sentences, samples_of, without_samples
from shared.domain.failures import Refused
from shared.domain.inference.runs import RunOutcome
from shared.ports import EndpointResponse
from shared.records.inference import RunRecord
from shared.records.paths import data_report
from shared.records.store import RecordStore
from tests.fakes.ports import MemoryHub
from tests.inference.conftest import CONFIGURATION, a_route
from triggers.http.inference.run_records import reason_of

FINDINGS = (
    {"rule": "max", "column": "age", "count": 2, "examples": [{"file": "a.csv", "row": 1, "value": "999"}]},
    {
        "rule": "column",
        "column": "sex",
        "count": 1,
        "examples": [{"file": "a.csv", "row": 0, "value": "no such column"}],
    },
)
OLD = (
    "max: column age: 2 values are above the maximum (a.csv row 1: 999)",
    "column: sex is missing (a.csv: no such column)",
    "min_rows: 2 rows, at least 3 are needed",
)
PLAIN = ("max: column age: 2 values are above the maximum (a.csv row 1)", *OLD[1:])
REPORT = {"outcome": "failed", "rows": 2, "summary": list(OLD), "findings": list(FINDINGS), "tolerated": list(FINDINGS)}


def test_an_old_sentence_is_told_without_its_values_and_a_new_one_as_it_is() -> None:
    assert plain_sentences(OLD, FINDINGS) == PLAIN
    assert plain_sentences(PLAIN, FINDINGS) == PLAIN


def test_a_report_without_samples_has_its_counts_and_no_value() -> None:
    bare = without_samples(REPORT)

    assert "999" not in str(bare)
    assert Counter(finding["count"] for name in ("findings", "tolerated") for finding in bare[name]) == {2: 2, 1: 2}
    assert bare["summary"] == list(PLAIN)


def test_values_stand_below_their_sentence_and_reasons_in_our_own_words_are_none() -> None:
    assert [sample.value for sample in samples_of(FINDINGS[0])] == ["999"]
    assert samples_of(FINDINGS[1]) == ()
    assert list(lines_with_samples({**REPORT, "summary": PLAIN})) == [PLAIN[0], "  a.csv row 1: 999", *PLAIN[1:]]


def test_why_a_run_of_an_earlier_release_ended_is_told_without_values() -> None:
    hub = MemoryHub(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    store = RecordStore(hub, "signalbox")
    store.create_document(data_report("each-1-1"), REPORT)
    inference = c.Inference(
        run="each-1-1", route=a_route("each"), hub=CONFIGURATION.hub, captures={}, date="2026-01-01"
    )
    record = RunRecord(
        run="each-1-1",
        route="each",
        execution="x",
        opened="2026-01-01",
        inference=inference,
        outcome=RunOutcome.FAILED,
        because=f"the data check failed: {'; '.join(OLD)}",
    )

    assert reason_of(store, record) == f"the data check failed: {'; '.join(PLAIN)}"


def test_what_a_script_that_fails_says_of_a_row_is_not_repeated() -> None:
    body = b"Traceback (most recent call last):\nValueError: 'marked-4711' is odd"

    with pytest.raises(Refused, match=r"^dev/e/v1 answered 424: ValueError; its log says why$"):
        predictions_of(EndpointResponse(status=424, body=body, took_ms=1.0), 1, "dev/e/v1")


@pytest.mark.parametrize(
    ("recorded", "body", "difference"),
    [
        ([0.5], b'["marked-4711"]', "a text instead of a number"),
        (["marked-4710"], b'["marked-4711"]', "another text"),
        ([1, 2], b"[1]", "a list of 1 instead of 2"),
        ({"a": 1}, b'{"marked-4711": 1}', "an object with other names"),
        ([True], b"[1]", "a number instead of true or false"),
        ([True], b"[false]", "the other of true or false"),
        ([math.nan], b"[1]", "a finite number instead of NaN"),
        ([1], b"[NaN]", "NaN instead of a finite number"),
    ],
)
def test_an_answer_to_a_golden_request_is_told_by_its_form(recorded: object, body: bytes, difference: str) -> None:
    test = api_test([recorded], [EndpointResponse(status=200, body=body, took_ms=1.0)])

    assert test.schema_problems == (f"request 0 was answered 200: {difference}",)
    assert "marked" not in str(test)
