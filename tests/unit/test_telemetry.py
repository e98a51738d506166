"""Where spans go: a file on one machine, any OTLP endpoint; and what goes out with jobs and calls."""

import http.server
import subprocess
import sys
import threading
from pathlib import Path

from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest
from click.testing import CliRunner
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from shared.adapters.azure_ml.invocations import with_trace
from shared.adapters.trace_headers import TraceHeaders
from shared.telemetry.carried import Carried, carried_in, carry
from shared.telemetry.ids import span_of, trace_of, traceparent
from shared.telemetry.spans import activity_span, start_span
from signalbox.cli.commands import traces
from signalbox.host.state_folder.spans import SpanFile
from signalbox.traces.span_file import FiledSpans
from tests.recorder import recorder

PROJECT = Path(__file__).parents[2]
CARRIED = Carried(parent=traceparent(trace_of("run-1"), span_of("x")), since="2026-01-01T00:00:00+00:00", source="s")


def test_spans_are_kept_once_under_their_ids_and_read_back_as_a_tree(tmp_path: Path):
    provider, kept = TracerProvider(), SpanFile(tmp_path / "spans.db")
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("outer", attributes={"signalbox.instance": "run-1"}) as outer:
        with tracer.start_as_current_span("inner") as inner:
            pass
        kept.export([inner])  # type: ignore[list-item]

    found = FiledSpans(tmp_path / "spans.db").newest("run-1")
    assert found is not None
    assert found.trace == f"{outer.get_span_context().trace_id:032x}"
    assert [(depth, span.name) for depth, span in found.tree()] == [(0, "outer"), (1, "inner")]
    assert FiledSpans(tmp_path / "spans.db").newest("another") is None
    assert FiledSpans(tmp_path / "none.db").newest("run-1") is None
    kept.shutdown()


def test_the_command_prints_the_tree_and_says_where_else_to_look(tmp_path: Path, monkeypatch):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SpanFile(tmp_path / "spans.db")))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("start run_inference", attributes={"signalbox.instance": "run-1"}):
        tracer.start_span("open_run").end()
    monkeypatch.setattr(traces, "find_endpoints", lambda: type("Ends", (), {"state": str(tmp_path)}))

    shown = CliRunner().invoke(traces.trace, ["run-1"])
    assert "\n" in shown.output
    assert [line.split()[1] for line in shown.output.splitlines()[1:]] == ["start", "open_run"]
    assert "Application Insights" in CliRunner().invoke(traces.trace, ["run-2"]).output


def test_what_is_carried_comes_back_and_hides_from_the_payload_type():
    assert carried_in(carry({"run": "r"}, CARRIED)) == CARRIED
    assert carry({"run": "r"}, None) == {"run": "r"}
    assert CARRIED.under("run-1", "t") == CARRIED.under("run-1", "t") != CARRIED.under("run-1", "u")


def test_a_job_and_a_call_carry_the_trace_of_the_activity_that_made_them():
    recorder()
    call = PipelineRequest(HttpRequest("GET", "https://localhost"), PipelineContext(None))
    TraceHeaders().on_request(call)
    assert "traceparent" not in call.http_request.headers
    assert with_trace("job", {"name": "n"}) == {"name": "n"}

    with activity_span("submit_job", CARRIED):
        first, again = with_trace("job", {"properties": {"a": "b"}}), with_trace("job", {"properties": {"a": "b"}})
        TraceHeaders().on_request(call)

    trace = f"{trace_of('run-1'):032x}"
    assert first == again
    assert first["properties"]["traceparent"].split("-")[1] == trace
    assert call.http_request.headers["traceparent"].split("-")[1] == trace


def test_a_start_is_in_the_trace_of_what_it_starts_and_one_that_comes_again_has_its_own():
    recorder()
    with start_span("start", "run_inference", "run-1") as once, start_span("start", "reconcile", "reconcile") as other:
        pass
    with start_span("start", "reconcile", "reconcile", again=True) as again:
        pass

    assert once.parent.split("-")[1] == f"{trace_of('run-1'):032x}"
    assert other.parent.split("-")[1] == f"{trace_of('reconcile'):032x}" != again.parent.split("-")[1]


SENDS = """
from datetime import UTC, datetime
from opentelemetry import metrics, trace
from shared.telemetry.spans import receiving, start_span
with receiving("BlobArrived", datetime.now(UTC)), start_span("start", "run_inference", "run-1"):
    pass
trace.get_tracer_provider().shutdown()
metrics.get_meter_provider().shutdown()
"""


def test_spans_and_metrics_go_to_the_endpoint_that_the_environment_names():
    got: dict[str, bytes] = {}

    class Sink(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "PYTHONPATH": "."}
        subprocess.run([sys.executable, "-W", "ignore", "-c", SENDS], cwd=PROJECT, env=endpoint, check=True)
        server.shutdown()

    assert b"start run_inference" in got["/v1/traces"]
    assert trace_of("run-1").to_bytes(16) in got["/v1/traces"]
    assert b"signalbox.events" in got["/v1/metrics"]
