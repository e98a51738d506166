"""Runs in another Python, which has `azure-functions-runtime`: hands the host's calls to Microsoft's worker library.

On Azure a small program of Microsoft's stands here. It speaks gRPC with the host and passes each message on to the
library, which reads and makes fields of protobufs. Plain objects have the same fields, so no protobuf is needed. What
crosses to our host are tuples, dictionaries, text and bytes, because the two sides have different SDKs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import signal
import socket
import sys
from email.utils import formatdate
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_FOLDER, _DESCRIPTOR, _LEVEL, _LEVELS = sys.argv[1], int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
_HOST = Path(__file__).parents[2]
# The host's package is not imported here: the app may have one of the same name.
frames = SimpleNamespace(**runpy.run_path(str(_HOST / "workers" / "frames.py")))
log = SimpleNamespace(**runpy.run_path(str(_HOST / "log.py")))
lifeline = SimpleNamespace(**runpy.run_path(str(_HOST.parent / "lifeline.py")))

# As the platform puts them: the app, and the libraries that were deployed with it before the worker's own.
sys.path[:0] = [_FOLDER, str(Path(_FOLDER) / ".python_packages" / "lib" / "site-packages")]
os.environ["AzureWebJobsScriptRoot"] = _FOLDER  # noqa: SIM112 (the platform spells it so)

from azure_functions_runtime import handle_event  # noqa: E402  (the paths come first)
from azure_functions_runtime.utils.executor import invocation_id_cv  # noqa: E402
from azure_functions_runtime.utils.threadpool import start_threadpool_executor  # noqa: E402

_SUCCESS, _FAILURE = 1, 0


class Fields(SimpleNamespace):
    """A message of any type; `WhichOneof` is what protobuf has for a choice of fields."""

    def WhichOneof(self, _: str) -> str | None:  # noqa: N802 (protobuf's own name)
        return next(iter(vars(self)), None)


class StatusResult(Fields):
    """How a request ended."""

    Success, Failure = _SUCCESS, _FAILURE


class BindingInfo(Fields):
    """The directions and the data type that the library compares with."""

    inout, out, undefined = 2, 1, 0


class RpcHttpCookie(Fields):
    """A cookie of an answer."""

    SameSite = SimpleNamespace(**{"None": None, "Lax": "Lax", "Strict": "Strict", "ExplicitNone": "None"})


class Protocol:
    """The module of messages that the library asks its host for: every type by its name."""

    StatusResult, BindingInfo, RpcHttpCookie = StatusResult, BindingInfo, RpcHttpCookie

    def __getattr__(self, name: str) -> type[Fields]:
        return Fields


async def load(folder: str) -> dict[str, Any]:
    """The functions of the app in *folder*, loaded, and which library runs them. Raises RuntimeError with what the
    library objects to."""
    start_threadpool_executor()
    request = SimpleNamespace(worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=folder))
    properties = {"host": "127.0.0.1", "protos": Protocol()}
    started = await handle_event.worker_init_request(SimpleNamespace(request=request, properties=properties))
    _check(started)
    metadata = await handle_event.functions_metadata_request(SimpleNamespace())
    _check(metadata)
    functions = metadata.function_metadata_results or []
    for function in functions:
        wanted = SimpleNamespace(function_load_request=SimpleNamespace(function_id=function.function_id))
        _check(await handle_event.function_load_request(SimpleNamespace(request=wanted)))
    address = (started.capabilities or {}).get("HttpUri")  # Set where the app has imported the http-fastapi extension.
    worker, sdk = started.worker_metadata, sys.modules["azure.functions"].__file__
    return {
        "library": f"azure-functions-runtime {worker.worker_version}, Python {worker.runtime_version}, "
        f"azure.functions of {sdk}",
        "address": address,
        "functions": [
            {"name": f.name, "id": f.function_id, "bindings": list(f.raw_bindings), "retry": _retry(f)}
            for f in functions
        ],
    }


def _retry(function: Any) -> dict[str, str] | None:
    """The policy of a function as `@app.retry` has set it."""
    options = function.retry_options
    if options is None:
        return None
    fields = {name: str(value) for name, value in vars(options).items()}
    return {**fields, "strategy": fields["retry_strategy"]}


def _check(answer: Any) -> None:
    if answer.result.status != _SUCCESS:
        raise RuntimeError(answer.result.exception.message)


async def invoke(order: dict[str, Any]) -> tuple[Any, ...]:
    """What one call gives: its value and outputs, or its error's text and trace."""
    # The library itself sets this for functions in threads alone.
    invocation_id_cv.set(order["invocation"])
    (parent, state), (count, most, past) = order["trace"], order["retry"]
    request = SimpleNamespace(
        invocation_id=order["invocation"],
        function_id=order["id"],
        input_data=[Fields(data=_typed(data), name=name) for name, data in order["inputs"]],
        trigger_metadata={name: _typed(data) for name, data in order["metadata"].items()},
        trace_context=SimpleNamespace(trace_parent=parent, trace_state=state, attributes={}),
        retry_context=SimpleNamespace(retry_count=count, max_retry_count=most, exception=past and Fields(**past)),
    )
    for_library = SimpleNamespace(request=SimpleNamespace(invocation_request=request))
    answer = await handle_event.invocation_request(for_library)
    if answer.result.status != _SUCCESS:
        return "error", answer.result.exception.message, answer.result.exception.stack_trace
    outputs = {output.name: _untyped(output.data) for output in answer.output_data}
    return "value", _untyped(answer.return_value), outputs


def _typed(data: tuple[str, Any] | None) -> Fields:
    """The protocol's TypedData of a kind and its value; without a field where there is nothing."""
    if data is None:
        return Fields()
    kind, value = data
    if kind == "http":
        return Fields(http=SimpleNamespace(**{**value, "body": _typed(value["body"])}))
    return Fields(**{kind: SimpleNamespace(bytes=value) if kind == "collection_bytes" else value})


def _untyped(data: Fields | None) -> tuple[str, Any] | None:
    if data is None or not vars(data):
        return None
    ((kind, value),) = vars(data).items()
    if kind != "http":
        return kind, value
    cookies = [_cookie(cookie) for cookie in value.cookies or ()]
    fields = {"status": value.status_code, "headers": dict(value.headers), "cookies": cookies}
    return kind, {**fields, "body": _untyped(value.body)}


def _cookie(cookie: Fields) -> str:
    """The cookie as a header says it."""
    morsel: Morsel[str] = Morsel()
    morsel.set(cookie.name, *SimpleCookie().value_encode(cookie.value))
    values = {name: value.value for name, value in vars(cookie).items() if isinstance(value, Fields)}
    names = {"http_only": "httponly", "max_age": "max-age"}
    if (expiry := values.pop("expires", None)) is not None:
        morsel["expires"] = formatdate(expiry.seconds, usegmt=True)
    morsel.update({names.get(name, name): value for name, value in values.items()})
    if cookie.same_site is not None:
        morsel["samesite"] = cookie.same_site
    return morsel.OutputString()


async def serve(connection: socket.socket) -> None:
    """Answer the host's calls until it has gone."""
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        app = await load(_FOLDER)
    except RuntimeError as error:
        writer.write(frames.pack(("error", str(error))))
        await writer.drain()
        return
    writer.write(frames.pack(("app", app)))
    names = {function["id"]: function["name"] for function in app["functions"]}
    tasks: set[asyncio.Task[None]] = set()
    while True:
        try:
            number, _, _, order = await frames.read(reader)
        except EOFError:
            return
        _RUNNING[order["invocation"]] = names[order["id"]]
        task = asyncio.ensure_future(_answer(writer, number, order))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


_RUNNING: dict[str, str] = {}
"""The function of each invocation that runs."""


async def _answer(writer: asyncio.StreamWriter, number: int, order: dict[str, Any]) -> None:
    try:
        answer = await invoke(order)
    finally:
        del _RUNNING[order["invocation"]]
    writer.write(frames.pack((number, answer, False)))
    await writer.drain()


def _name_invocation(_: logging.LogRecord) -> bool:
    invocation = invocation_id_cv.get()
    log.INVOCATION.set(f"function={_RUNNING.get(invocation)} invocation={invocation}" if invocation else "")
    return True


def main() -> None:
    log.set_up_logging(_LEVEL, _LEVELS)
    for handler in logging.getLogger().handlers:
        handler.filters.insert(0, _name_invocation)  # The filter of categories asks whose invocation it is.
    lifeline.die_with_parent(signal.SIGKILL)  # The loop may hang, and then does not notice that the host has gone.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # Both may reach the whole group; the host alone decides when it ends.
    connection = socket.socket(fileno=_DESCRIPTOR)
    connection.setblocking(False)
    os._exit(_outcome(connection))  # A function that still runs cannot be waited for.


def _outcome(connection: socket.socket) -> int:
    """Serve until the host has gone, or until a function ends the process, as it does in Microsoft's program."""
    try:
        asyncio.run(serve(connection))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        logging.getLogger().exception("the worker ends")
        return 1
    finally:
        logging.shutdown()
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    main()
