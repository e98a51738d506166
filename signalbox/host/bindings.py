"""Turn wire data into function arguments and results back, with the converters of the azure-functions SDK."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum, get_binding_registry

from signalbox.host.errors import HostError
from signalbox.host.functions import Function

# What a function may have beside its trigger.
SERVED_BINDINGS = frozenset({"durableClient", "http"})
ClientBinding = Callable[[], str]


_TRACE_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


class TraceContext:
    """The W3C trace of one invocation: the caller's if its headers name one, with a span of the host's own in it.

    The worker on Azure has each name twice, the second from before its code followed PEP 8.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        caller = _TRACE_PARENT.fullmatch(headers.get("traceparent", ""))
        trace, flags = caller.groups() if caller else (secrets.token_hex(16), "00")
        self._parent = f"00-{trace}-{secrets.token_hex(8)}-{flags}"
        self._state = headers.get("tracestate", "") if caller else ""

    @property
    def trace_parent(self) -> str:
        return self._parent

    @property
    def trace_state(self) -> str:
        return self._state

    @property
    def attributes(self) -> dict[str, str]:
        return {}

    Traceparent, Tracestate, Attributes = trace_parent, trace_state, attributes


class Output(func.Out[Any]):
    """An output parameter of one invocation."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


class InvocationContext(func.Context):
    """The `context: func.Context` argument of one invocation."""

    _local = threading.local()

    def __init__(self, function: Function, invocation_id: str, headers: Mapping[str, str]) -> None:
        self._function = function
        self._invocation_id = invocation_id
        self._trace = TraceContext(headers)

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return self._local

    @property
    def function_name(self) -> str:
        return self._function.name

    @property
    def function_directory(self) -> str:
        return str(self._function.folder)

    @property
    def trace_context(self) -> Any:
        return self._trace

    @property
    def retry_context(self) -> Any:
        return None


def check_bindings(function: Function) -> None:
    """Refuse bindings this host cannot fill. Raises HostError that names the function and the binding."""
    for binding in function.bindings:
        if binding["type"] not in SERVED_BINDINGS:
            raise HostError(
                f"function {function.name!r} has binding {binding['name']!r} of type {binding['type']!r}, "
                "which this host does not serve: use an SDK client in the function instead"
            )


def check_annotation(function: Function) -> None:
    """Refuse a trigger parameter the real worker refuses. Raises HostError that names what works."""
    if function.annotation is None:
        return
    try:
        fits = converter(function.kind).check_input_type_annotation(function.annotation)
    except TypeError:  # The SDK's converter asks `issubclass` of what is no class.
        fits = True
    if not fits:
        raise HostError(
            f"function {function.name!r}: parameter {function.argument!r} is annotated {function.annotation!r}, which "
            f"the azure-functions SDK does not convert for {function.kind}: use the SDK's own class or no annotation"
        )


def decode(function: Function, data: Datum, metadata: Mapping[str, Datum]) -> Any:
    """The trigger argument of *function* made from *data* by the SDK's converter for its kind."""
    return converter(function.kind).decode(data, trigger_metadata=metadata)


def encode(function: Function, result: Any) -> Any:
    """What the host needs of a function's *result*: an HTTP response as the SDK writes it (None where the output
    parameter is not set), the JSON text of an activity, the text of an entity. Raises TypeError."""
    match function.kind:
        case "httpTrigger" if result is None and function.output is not None:
            return None
        case "httpTrigger":
            try:
                return converter("http").encode(result, expected_type=None)
            except NotImplementedError:
                raise TypeError(f"function {function.name!r} returned {result!r}, which is no HTTP response") from None
        case "activityTrigger":
            return converter("activityTrigger").encode(result, expected_type=None).value
        case "entityTrigger":
            return str(result)
    return None


def converter(kind: str) -> Any:
    """The SDK's converter for a binding type. Raises HostError when the SDK has none."""
    binding = get_binding_registry().get(kind)  # type: ignore[no-untyped-call]
    if binding is None:
        raise HostError(f"the azure-functions SDK has no converter for binding type {kind!r}")
    return binding


def arguments(
    function: Function, trigger_value: Any, client: ClientBinding, invocation_id: str, headers: Mapping[str, str]
) -> dict[str, Any]:
    """Every keyword argument of one invocation: trigger data, durable clients, the HTTP output and the context."""
    values = {function.argument: trigger_value}
    for binding in function.bindings:
        if binding["type"] == "durableClient":
            values[binding["name"]] = client()
    if function.output is not None:
        values[function.output] = Output()
    if "context" in function.parameters and "context" not in values:
        values["context"] = InvocationContext(function, invocation_id, headers)
    return values
