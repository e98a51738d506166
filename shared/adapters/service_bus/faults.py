"""What Service Bus refuses, as the product's two failures, each with its remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusError,
)

from shared.adapters.azure_faults import translated
from shared.domain.failures import Refused

_NO_ACCESS = (ServiceBusAuthenticationError, ServiceBusAuthorizationError)
_PERMANENT = (MessageSizeExceededError, MessagingEntityDisabledError, MessagingEntityNotFoundError)


@contextmanager
def bus_faults(action: str, role: str, setting: str) -> Iterator[None]:
    """*action* was tried; *role* allows it, and *setting* names the queue or topic."""
    with translated(action):
        try:
            yield
        except _NO_ACCESS as error:
            raise Refused(f"{action}: {_first(error)}; give the app's identity {role}") from error
        except _PERMANENT as error:
            raise Refused(f"{action}: {_first(error)}; look at it and at {setting}") from error


def _first(error: ServiceBusError) -> str:
    return (str(error.message).splitlines() or [type(error).__name__])[0][:300]
