"""Azure SDK errors as the product's two failures: `Refused` (permanent) and `Transient`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)

from shared.domain.access.redaction import redacted
from shared.domain.failures import PutOff, Refused, Transient

# Azure Monitor throttles with 529.
_TRANSIENT = {408, 409, 429, 500, 502, 503, 504, 529}
_LATER, _LATEST_S = {429, 503, 529}, 3600.0


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Re-raise any Azure error inside as Refused or Transient, with the *action* that was attempted before it."""
    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        raise Transient(f"{action}: {_error_text(error)}") from error
    except ClientAuthenticationError as error:
        raise Refused(f"{action}: {_error_text(error)}; check the app's identity and its roles") from error
    except HttpResponseError as error:
        raise failure(action, error.status_code, _error_text(error), _retry_after(error)) from error
    except AzureError as error:
        raise Transient(f"{action}: {_error_text(error)}") from error


def failure(action: str, status: int | None, message: str, retry_after: str = "") -> Exception:
    """The failure that HTTP *status* means; 409 passes: another writer was first. Services may quote addresses.

    With the header *retry_after* a service says that it has done nothing, and when to come again (RFC 9110, 10.2.3).
    """
    message = redacted(message)
    # Without the header a 503 may have had its effect, and counts as one of the attempts. With it the service has done
    # nothing, so that waiting is free and a durable timer can do it.
    if status in _LATER and retry_after:
        return PutOff(f"{action}: {status} {message}", _seconds(retry_after))
    # Resource Manager answers 409 for a lock too. Of all conflicts this is the one that waiting cannot solve.
    if "ScopeLocked" in message:
        return Refused(f"{action}: a resource lock forbids it ({message}); ask a platform engineer")
    # Azure ML refuses a deployment with 400 while its endpoint is changed: that passes, as a conflict does
    # (https://github.com/Azure/azure-sdk-for-net/issues/36961).
    passes = status is None or status in _TRANSIENT or "provisioning state" in message
    kind = Transient if passes else Refused
    return kind(f"{action}: {status} {message}")


def _retry_after(error: HttpResponseError) -> str:
    """The header, empty where the service sent none."""
    return str(getattr(error.response, "headers", {}).get("Retry-After", ""))


def _seconds(retry_after: str) -> float:
    """A number of seconds or a date; at least one, at most an hour."""
    try:
        wait_s = float(retry_after)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            wait_s = 0.0
    return round(min(_LATEST_S, max(1.0, wait_s)), 1)


def _error_text(error: AzureError) -> str:
    return redacted(str(error.message).splitlines()[0])[:300] if error.message else type(error).__name__
