"""What the two services over HTTP share: one request without retries, and what its answer means for a sending.

It stands alone: a retry by the client would be a second sending that no record knows of.
"""

from azure.core import PipelineClient
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, UserAgentPolicy
from azure.core.rest import HttpRequest, HttpResponse
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

from shared.adapters.azure_faults import failure
from shared.domain.failures import PutOff, Transient

_TIMEOUT_S, _AGAIN_S = 30, 60


def sent_once(
    request: HttpRequest,
    action: str,
    authentication: BearerTokenCredentialPolicy[HttpRequest, HttpResponse] | None = None,
) -> HttpResponse:
    """The answer to *request*. *action* stands for its address in every message: that may be a secret."""
    policies = [UserAgentPolicy("signalbox"), *filter(None, (authentication,))]
    client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient("", policies=policies)
    # Instrumentation of HTTP clients would write the address into a span.
    token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        return client.send_request(request, connection_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S)
    except ServiceRequestError as error:  # Not connected: nothing was sent. The error itself would quote the address.
        raise PutOff(f"{action}: no connection ({type(error.inner_exception).__name__})", _AGAIN_S) from None
    except ServiceResponseError:
        raise Transient(f"{action}: the connection broke before the answer came") from None
    finally:
        client.close()
        detach(token)


def refuse_unless(answer: HttpResponse, accepted: tuple[int, ...], action: str) -> None:
    """Raises what the status means, without the answer's text, which may quote what was sent."""
    if answer.status_code in accepted:
        return
    error = failure(action, answer.status_code, answer.reason or "", answer.headers.get("Retry-After", ""))
    raise error
