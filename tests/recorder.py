"""What the app's telemetry said, kept in memory by OpenTelemetry's own SDK; set once for each process of the tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry import export, instruments, spans
from shared.telemetry.ids import trace_of

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class Recorder:
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def __post_init__(self) -> None:
        self._before = self._totals()
        self.exporter.clear()

    def of(self, instance: str) -> list[ReadableSpan]:
        """The spans of the trace of *instance*, in the order in which they ended."""
        return [span for span in self.exporter.get_finished_spans() if span.context.trace_id == trace_of(instance)]

    def names(self, instance: str) -> list[str]:
        return [span.name for span in self.of(instance)]

    def count(self, name: str, **attributes: str) -> float:
        """How much a counter, or the number of a histogram's values, has grown since this recorder was made."""
        return sum(self._grown(name, attributes, 0))

    def total(self, name: str, **attributes: str) -> float:
        """How much a histogram's sum has grown."""
        return sum(self._grown(name, attributes, 1))

    def levels(self) -> dict[tuple[str, str], float]:
        """Where gauges stand that were set since the last look, by name and by what they are about."""
        return {(name, said[0][1]): value for (name, said), (value, _) in self._totals().items() if "backlog" in name}

    def attributes(self) -> set[str]:
        """Every value of every attribute of every metric."""
        return {value for _, said in self._totals() for _, value in said}

    def _grown(self, name: str, wanted: dict[str, str], at: int) -> Iterator[float]:
        for (there, said), totals in self._totals().items():
            if there == name and wanted.items() <= dict(said).items():
                before = self._before.get((there, said), (0.0, 0.0))[at]
                yield totals[at] - before

    def _totals(self) -> dict[Key, tuple[float, float]]:
        return {(name, tuple(sorted(point.attributes.items()))): _size(point) for name, point in self._points()}

    def _points(self) -> Iterator[tuple[str, Any]]:
        """The app's own: libraries that other tests load count in the same process, with attributes of their own."""
        data = self.reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        for metric in (metric for scope in scopes if scope.scope.name == "signalbox" for metric in scope.metrics):
            yield from ((metric.name, point) for point in metric.data.data_points)


def _size(point: Any) -> tuple[float, float]:
    return (point.count, point.sum) if hasattr(point, "count") else (point.value, point.value)


@cache
def _installed() -> tuple[InMemorySpanExporter, InMemoryMetricReader]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    for made in (export.configure, spans.tracer, instruments._meter):
        made.cache_clear()  # An earlier test may have made them, for nobody.
    export.configure()
    return exporter, reader


def recorder() -> Recorder:
    return Recorder(*_installed())
