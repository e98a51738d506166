"""Where spans and metrics go: OpenTelemetry's own variables say so, and nothing here reads any other.

On Azure the worker has made the providers before the app is loaded; here they are made only where a variable asks.
It refuses nothing: without a variable the API's spans and counters cost next to nothing and go nowhere.
"""

import os
from functools import cache
from typing import Any

from opentelemetry import metrics, trace

from shared.telemetry.ids import DerivedIds

_OTLP, _CONSOLE = "otlp", "console"


@cache
def configure() -> None:
    """Once for each process: add the exporters that are asked for, and let spans have ids of our choice."""
    traces, measures = _exporter_name("TRACES"), _exporter_name("METRICS")
    if traces:
        _tracing().add_span_processor(_processor(traces))
    if measures and not hasattr(metrics.get_meter_provider(), "force_flush"):
        metrics.set_meter_provider(_metering(measures))
    provider: Any = trace.get_tracer_provider()
    if hasattr(provider, "id_generator"):
        provider.id_generator = DerivedIds(provider.id_generator)


def _exporter_name(signal: str) -> str:
    """The exporter that OTEL_<signal>_EXPORTER names; OTLP where only its endpoint is set; empty for none."""
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    variable = os.environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    exporter = variable or (_OTLP if endpoint else "")
    return exporter if exporter in (_OTLP, _CONSOLE) else ""


def _tracing() -> Any:
    from opentelemetry.sdk.trace import TracerProvider

    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    return provider


def _processor(exporter: str) -> Any:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    if exporter == _CONSOLE:
        return BatchSpanProcessor(ConsoleSpanExporter(formatter=_line))
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return BatchSpanProcessor(OTLPSpanExporter())


def _metering(exporter: str) -> Any:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

    if exporter == _CONSOLE:
        return MeterProvider([PeriodicExportingMetricReader(ConsoleMetricExporter())])
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])


def _line(span: Any) -> str:
    return str(span.to_json(indent=None)) + "\n"
