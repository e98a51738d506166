"""What callers and messages send, as the dataclass of the request: a refusal names field, value and remedy of every
fault, and repeats no long value."""

from dataclasses import dataclass
from typing import Any, TypeVar

from shared.validation import Fault, read

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFault:
    """What is wrong with one field: `field 'reason' is ''; give ...`."""

    field: str
    value: str
    remedy: str

    def __str__(self) -> str:
        return f"field {self.field!r} is {self.value}; {self.remedy}"


class BadRequest(ValueError):
    """The request cannot be used; *faults* has everything that is wrong with it."""

    def __init__(self, faults: tuple[RequestFault, ...]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


def requested(kind: type[T], raw: Any) -> T:
    """*raw*, decoded JSON, as a *kind*. Raises BadRequest with every fault in it."""
    reading = read(kind, raw)
    if reading.value is None:
        raise BadRequest(tuple(_request_fault(fault) for fault in reading.faults))
    return reading.value


def _request_fault(fault: Fault) -> RequestFault:
    if fault.kind == "unknown":
        remedy = f"use only {fault.expected or 'an empty object'}"
        return RequestFault(field=fault.field[:60], value="not known here", remedy=remedy)
    value = "missing" if fault.kind == "missing" else fault.shown
    return RequestFault(field=fault.field or "body", value=value, remedy=f"give {fault.expected}")
