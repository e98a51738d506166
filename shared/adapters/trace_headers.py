"""W3C trace headers on every call of our HTTP pipelines. No span is made for a call: the activity's is the parent.

It stands alone, because every adapter over HTTP uses it.
"""

from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest, HttpResponse
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()


class TraceHeaders(SansIOHTTPPolicy[HttpRequest, HttpResponse]):
    """Nothing is added outside a recorded trace."""

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        _W3C.inject(request.http_request.headers)
