"""Drive Microsoft's own worker library without its host: run by tests/infra/test_worker.py with another Python.

Its messages are protobufs; the library only reads and makes their fields, so that plain objects do. It reads from its
input which functions to invoke and with what, as JSON, and prints JSON.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

APP = sys.argv[1]
# As the platform puts them: the app, and the libraries that were deployed with it before the worker's own.
sys.path[:0] = [APP, str(Path(APP) / ".python_packages" / "lib" / "site-packages")]
os.environ["AzureWebJobsScriptRoot"] = APP  # noqa: SIM112 (the platform spells it so)

from azure_functions_runtime import handle_event  # noqa: E402  (the paths come first)


class Fields(SimpleNamespace):
    """A message of any type; `WhichOneof` is what protobuf has for a choice of fields."""

    def WhichOneof(self, _: str) -> str:
        return next(iter(vars(self)))


class Protocol:
    """Every message type by its name, and the numbers of the enumerations that the library asks for."""

    CHOICES = {"Success": 1, "Failure": 0, "inout": 2, "in": 0, "out": 1, "undefined": 0}

    def __getattr__(self, name: str) -> type:
        enumerations = {
            "Direction": SimpleNamespace(Value=lambda value: {"in": 0, "out": 1, "inout": 2}[value]),
            "DataType": SimpleNamespace(Value=lambda _: 0),
        }
        message = type(name, (Fields,), {**self.CHOICES, **enumerations})
        setattr(self, name, message)
        return message


def bindings(function: Any) -> list[dict[str, Any]]:
    return [json.loads(text) for text in function.raw_bindings]


def trigger(function: Any) -> str:
    return next(str(part["type"]) for part in bindings(function) if str(part["type"]).endswith("Trigger"))


async def invoke(function: Any, order: dict[str, Any], client: str) -> dict[str, str]:
    """What an invocation with the data of *order* for the trigger gives: its value, or the error and its trace."""
    inputs = [
        Fields(data=typed(order) if part["type"].endswith("Trigger") else Fields(string=client), name=part["name"])
        for part in bindings(function)
        if part["direction"].lower() == "in"
    ]
    request = SimpleNamespace(
        invocation_id="i1",
        function_id=function.function_id,
        input_data=inputs,
        trigger_metadata={name: typed(field) for name, field in order.get("metadata", {}).items()},
        trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )
    result = await handle_event.invocation_request(SimpleNamespace(request=SimpleNamespace(invocation_request=request)))
    if result.result.status != 1:
        failure = result.result.exception
        return {"error": failure.message, "trace": failure.stack_trace}
    return {"value": value_of(result.return_value)}


def typed(order: dict[str, Any]) -> Fields:
    """The protocol's typed data of `{"json": ...}`, `{"string": ...}`, `{"bytes": ...}` or `{"http": URL}`."""
    (kind, value), *_ = order.items()
    if kind == "http":
        return http(value)
    return Fields(**{kind: value.encode() if kind == "bytes" else value})


def value_of(data: Any) -> str:
    field, value = next(iter(vars(data).items())) if data is not None else ("", "")
    return value_of(value.body) if field == "http" else value.decode() if isinstance(value, bytes) else str(value)


def http(url: str) -> Fields:
    return Fields(http=SimpleNamespace(method="GET", url=url, headers={}, params={}, query={}, body=Fields(bytes=b"")))


async def main() -> None:
    orders = json.load(sys.stdin)
    initialise = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=APP)),
        properties={"host": "127.0.0.1", "protos": Protocol()},
    )
    started = await handle_event.worker_init_request(initialise)
    metadata = await handle_event.functions_metadata_request(SimpleNamespace())
    functions = {function.name: function for function in metadata.function_metadata_results or []}
    loads = 0
    for function in functions.values():
        request = SimpleNamespace(function_load_request=SimpleNamespace(function_id=function.function_id))
        answer = await handle_event.function_load_request(SimpleNamespace(request=request))
        loads += answer.result.status
    output = {
        "started": started.result.status,
        "functions": {name: trigger(function) for name, function in functions.items()},
        "loads": loads,
        "from": {name: sys.modules[name].__file__ for name in ("function_app", "azure.functions")},
        "invocations": {
            name: await invoke(functions[name], order, orders["client"])
            for name, order in orders["invocations"].items()
        },
    }
    sys.stdout.write(json.dumps(output))


asyncio.run(main())
