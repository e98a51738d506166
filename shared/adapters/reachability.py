"""Whether an https service answers at all: any answer that is not a fault of its own counts. Nothing is sent.

It stands alone, because it belongs to no vendor's service.
"""

from azure.core import PipelineClient
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.azure_faults import translated
from shared.domain.failures import Transient

_TIMEOUT_S = 4


def reach(url: str) -> None:
    """Raises Transient where *url* does not answer, or answers with a 5xx."""
    client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(url, policies=[])
    with translated(f"reach {url}"):
        answer = client.send_request(HttpRequest("GET", url), connection_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S)
    if answer.status_code >= 500:
        raise Transient(f"{url} answered {answer.status_code}")
