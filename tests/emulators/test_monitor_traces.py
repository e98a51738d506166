"""`signalbox trace` from Application Insights: the same spans make the same tree as on this machine."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from shared.domain.failures import Refused, Transient
from shared.telemetry.names import SPAN_ATTRIBUTES
from signalbox.emulators.azure_monitor.logs.telemetry import SPAN_TABLES
from signalbox.host.state_folder.spans import SpanFile
from signalbox.traces import application_insights
from signalbox.traces.application_insights import LoggedSpans
from signalbox.traces.span_file import FiledSpans
from tests.emulators.monitored import LOGS, LOGS_ID, MINUTE_0, Monitored

BEGAN = MINUTE_0 * 60 * 10**9 - 120 * 10**9  # Two minutes before the emulator's clock starts.


def keep(path: Path, instance: str, began: int = BEGAN) -> None:
    """A trace as the product makes one: an event received, a start, an orchestration with a failed activity."""
    provider, spans = TracerProvider(), SpanFile(path)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer, about = provider.get_tracer("test"), {"signalbox.instance": instance}
    with tracer.start_as_current_span(
        "receive blob", kind=SpanKind.CONSUMER, start_time=began, end_on_exit=False
    ) as top:
        with tracer.start_as_current_span(
            "start run_inference",
            kind=SpanKind.PRODUCER,
            attributes=about,
            start_time=began + 1_234_000,
            end_on_exit=False,
        ) as start:
            inner = tracer.start_span(
                "submit_job", attributes={**about, "error.type": "Refused"}, start_time=began + 2 * 10**9
            )
            inner.set_status(Status(StatusCode.ERROR))
            inner.end(began + 3 * 10**9)
            start.end(began + 4 * 10**9)
        top.end(began + 5 * 10**9)
    spans.shutdown()


def send(monitored: Monitored, path: Path) -> None:
    """What is in the file, as the exporter would have sent it."""
    with sqlite3.connect(path) as database:
        names = ("trace", "span", "parent", "name", "kind", "began", "ended", "failed", "attributes")
        rows = [dict(zip(names, row, strict=True)) for row in database.execute(f"SELECT {', '.join(names)} FROM spans")]
    database.close()
    spans = [row | {"attributes": json.loads(row["attributes"]), "failed": bool(row["failed"])} for row in rows]
    monitored._control("PUT", "/_control/spans", {"spans": spans})


def logged(monitored: Monitored, days: int = 30) -> LoggedSpans:
    return LoggedSpans(monitored.credential(), monitored.logs, LOGS, days)


def test_both_places_give_the_same_trace(monitored: Monitored, tmp_path: Path) -> None:
    keep(tmp_path / "spans.db", "run-1")
    send(monitored, tmp_path / "spans.db")

    here, there = FiledSpans(tmp_path / "spans.db").newest("run-1"), logged(monitored).newest("run-1")

    assert here is not None
    assert there is not None
    assert there.trace == here.trace
    assert [(depth, span.name, span.failed, span.attributes) for depth, span in there.tree()] == [
        (depth, span.name, span.failed, span.attributes) for depth, span in here.tree()
    ]
    # The service keeps a time to the ten-millionth of a second, and this emulator to the microsecond.
    assert all(abs(one.began - other.began) < 1_000 for one, other in zip(there.spans, here.spans, strict=True))
    assert [span.note for span in there.spans if span.failed] == ["run-1  Refused"]


def test_the_newest_trace_of_an_instance_counts_and_others_are_not_in_it(monitored: Monitored, tmp_path: Path) -> None:
    for name, instance, began in (("a", "run-1", BEGAN - 60 * 10**9), ("b", "run-1", BEGAN), ("c", "run-10", BEGAN)):
        keep(tmp_path / name, instance, began)
        send(monitored, tmp_path / name)

    newest = logged(monitored).newest("run-1")

    assert newest == logged(monitored).newest("run-1")
    assert newest is not None
    assert newest.trace == FiledSpans(tmp_path / "b").newest("run-1").trace  # type: ignore[union-attr]
    assert len(newest.spans) == 3
    assert logged(monitored).newest("run-2") is None


def test_what_is_older_than_the_days_is_not_found(monitored: Monitored, tmp_path: Path) -> None:
    keep(tmp_path / "spans.db", "run-1", BEGAN - 3 * 86400 * 10**9)
    send(monitored, tmp_path / "spans.db")

    assert logged(monitored, days=2).newest("run-1") is None
    assert logged(monitored, days=4).newest("run-1") is not None


@pytest.mark.parametrize("instance", ["run' or 1 == 1 //", "", "run\n| take 1"])
def test_no_text_of_the_caller_becomes_part_of_a_query(monitored: Monitored, instance: str) -> None:
    with pytest.raises(Refused, match="is no id of a run"):
        logged(monitored).newest(instance)


def test_a_part_of_an_answer_is_no_trace(monitored: Monitored, tmp_path: Path) -> None:
    keep(tmp_path / "spans.db", "run-1")
    send(monitored, tmp_path / "spans.db")
    monitored.publish(partial=True)

    with pytest.raises(Transient, match="a part only"):
        logged(monitored).newest("run-1")


def test_who_may_not_read_the_workspace_is_refused(monitored: Monitored) -> None:
    monitored.grant({"principal": "somebody", "role": "Log Analytics Reader", "scope": LOGS_ID})

    with pytest.raises(Refused, match="insufficient access"):
        logged(monitored).newest("run-1")


def test_the_queries_name_only_what_the_code_emits_and_azure_documents() -> None:
    queries = f"{application_insights.NEWEST} {application_insights.WHOLE}"

    assert set(re.findall(r'Properties\["([^"]+)"\]', queries)) <= set(SPAN_ATTRIBUTES)
    names = set(re.findall(r"\b[A-Z][A-Za-z]+\b", queries))
    for table in application_insights.TABLES:
        assert names <= set(SPAN_TABLES[table])
