"""Azure SDK errors as the product's two failures: `Refused` (permanent) and `Transient`."""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.domain.failures import Refused, Transient
from shared.domain.redaction import redacted

_TRANSIENT = {408, 409, 429, 500, 502, 503, 504}


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Re-raise any Azure error inside as Refused or Transient, prefixed with *what* was attempted."""
    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        raise Transient(f"{what}: {_said(error)}") from error
    except ClientAuthenticationError as error:
        raise Refused(f"{what}: {_said(error)}; check the app's identity and its roles") from error
    except HttpResponseError as error:
        raise failure(what, error.status_code, _said(error)) from error
    except AzureError as error:
        raise Transient(f"{what}: {_said(error)}") from error


def failure(what: str, status: int | None, said: str) -> Exception:
    """The failure that HTTP *status* means; 409 is somebody else's turn, and passes. Services may quote addresses."""
    said = redacted(said)
    if "ScopeLocked" in said:
        return Refused(f"{what}: a resource lock forbids it ({said}); ask a platform engineer")
    kind = Transient if status is None or status in _TRANSIENT else Refused
    return kind(f"{what}: {status} {said}")


def _said(error: AzureError) -> str:
    return redacted(str(error.message).splitlines()[0])[:300] if error.message else type(error).__name__
