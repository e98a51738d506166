"""Turn wire data into function arguments and results back, with the converters of the azure-functions SDK."""

from __future__ import annotations

import json
import re
import secrets
import threading
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum, get_binding_registry

from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.streaming.extension import is_request_type
from signalbox.host.web.responses import cookie_lines

# What a function may have beside its trigger.
SERVED_BINDINGS = frozenset({"durableClient", "http", "blob", "queue", "serviceBus", "eventGrid"})
ClientBinding = Callable[[], str]
RETURN = "$return"  # The name of a binding whose data is what the function returns.


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


@dataclass(frozen=True, slots=True)
class Ready:
    """Trigger data that no converter has to read."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PastError:
    """What the call before has raised, with the names of the real worker."""

    source: str = ""
    stack_trace: str = ""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`context.retry_context`: the number of this retry, 0 for a first call, and how many the policy allows."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: PastError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a call is given beside the data of its trigger: *inputs* by the names of their bindings."""

    inputs: Mapping[str, Datum | None] = field(default_factory=dict)
    retry: Retry = field(default_factory=Retry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a function with output bindings has given: its answer, and the data of each output that it has set."""

    answer: Any
    outputs: Mapping[str, Datum]


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

    def __init__(self, function: Function, invocation_id: str, headers: Mapping[str, str], retry: Retry) -> None:
        self._function = function
        self._retry = retry
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
        return self._retry


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
    if function.annotation is None or _is_plain(function.kind, function.annotation):
        return
    if function.kind == "httpTrigger" and is_request_type(function.annotation):
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


def decode(function: Function, data: Datum | Ready, metadata: Mapping[str, Datum]) -> Any:
    """The trigger argument of *function* made from *data* by the SDK's converter for its kind."""
    if isinstance(data, Ready):
        return data.value
    return _decoded(function.kind, function.annotation, data, metadata)


def _decoded(kind: str, annotation: Any, data: Datum | None, metadata: Mapping[str, Datum] | None) -> Any:
    if not _is_plain(kind, annotation):
        return converter(kind).decode(data, trigger_metadata=metadata)
    value = None if data is None else data.value
    return value.decode() if annotation is str and isinstance(value, bytes) else value


def _is_plain(kind: str, annotation: Any) -> bool:
    """Whether a parameter gets its data as it is: the real worker converts nothing for `str` and `bytes`."""
    return annotation in (str, bytes) and not getattr(converter(kind), "has_implicit_output", bool)()


def encode(function: Function, result: Any, values: Mapping[str, Any]) -> Any:
    """What the host needs of a function's *result* and its arguments: an HTTP response as the SDK writes it (None where
    there is none), the JSON text of an activity, the text of an entity. Raises TypeError."""
    match function.kind:
        case "httpTrigger" if not function.returns_response:
            _check_return(function, result)
            given = None if function.output is None else values[function.output].get()
            return None if given is None else _encode_response(function, given)
        case "httpTrigger":
            return _encode_response(function, result)
        case "activityTrigger":
            return converter("activityTrigger").encode(result, expected_type=None).value
        case "entityTrigger":
            return str(result)
    _check_return(function, result)
    return None


def _check_return(function: Function, result: Any) -> None:
    if result is not None and not any(binding["name"] == RETURN for binding in function.outputs):
        raise RuntimeError(f"function {function.name!r} without a $return binding returned a non-None value")


def _encode_response(function: Function, response: Any) -> Datum:
    try:
        datum: Datum = converter("http").encode(response, expected_type=None)
    except NotImplementedError:
        raise TypeError(f"function {function.name!r} returned {response!r}, which is no HTTP response") from None
    if datum.type == "http":
        datum.value["cookies"] = cookie_lines(datum.value["cookies"] or ())
    return datum


def encode_outputs(function: Function, result: Any, values: Mapping[str, Any]) -> dict[str, Datum]:
    """The data of each output that the function has set, or has returned. Raises TypeError."""
    outputs = {}
    for binding in function.outputs:
        name = str(binding["name"])
        value = result if name == RETURN else values[name].get()
        if value is not None or name == RETURN:
            outputs[name] = _encoded(str(binding["type"]), function.annotations.get(name), value)
    return outputs


def _encoded(kind: str, annotation: Any, value: Any) -> Datum:
    if isinstance(value, dict | list) and typing.get_args(annotation) in ((str,), (bytes,)):
        return Datum(json.dumps(value), "json")  # What `Out[str]` holds is not looked at by the binding's converter.
    try:
        datum: Datum = converter(kind).encode(value, expected_type=None)
    except NotImplementedError:
        message = f'unable to encode outgoing TypedData: unsupported type "{kind}" for Python type '
        raise TypeError(f'{message}"{type(value).__name__}"') from None
    return datum


def converter(kind: str) -> Any:
    """The SDK's converter for a binding type. Raises HostError when the SDK has none."""
    binding = get_binding_registry().get(kind)  # type: ignore[no-untyped-call]
    if binding is None:
        raise HostError(f"the azure-functions SDK has no converter for binding type {kind!r}")
    return binding


def arguments(
    function: Function,
    trigger_value: Any,
    client: ClientBinding,
    inputs: Mapping[str, Datum | None],
) -> dict[str, Any]:
    """The keyword arguments of one invocation but its context: trigger data, inputs, durable clients and outputs."""
    values = {function.argument: trigger_value}
    for binding in function.bindings:
        if binding["type"] == "durableClient":
            values[binding["name"]] = client()
    for binding in function.inputs:
        name = str(binding["name"])
        values[name] = _decoded(str(binding["type"]), function.annotations.get(name), inputs.get(name), None)
    outputs = [str(binding["name"]) for binding in function.outputs]
    values |= {name: Output() for name in (*outputs, function.output) if name is not None and name != RETURN}
    return values
