"""An app whose functions end or block the process they run in."""

import ctypes
import logging
import os
import threading
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
together = threading.Event()


def end(how: str) -> str:
    match how:
        case "exit":
            os._exit(3)
        case "fault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
    return how


@app.route("end/{how}")
def ending(req: func.HttpRequest) -> str:
    return end(req.route_params["how"])


@app.route("awaited-end/{how}")
async def awaited_ending(req: func.HttpRequest) -> str:
    return end(req.route_params["how"])


@app.route("log")
def log(req: func.HttpRequest, context: func.Context) -> str:
    logging.getLogger("the.app").warning("written by %s", req.method)
    return context.invocation_id


@app.route("spin")
async def spin(req: func.HttpRequest) -> str:
    """Blocks the event loop of its process for ever."""
    while True:
        together.wait(0.05)


@app.route("block")
def block(req: func.HttpRequest) -> str:
    threading.Event().wait()
    return req.method


@app.route("process")
def process(req: func.HttpRequest) -> str:
    together.wait(0.3)  # So long that a second call finds the first one's worker busy.
    return f"{os.getpid()} {req.method}"


@app.entity_trigger(context_name="context")
def fragile(context: df.DurableEntityContext) -> None:
    """Counts its operations; each ends its process as often as the key says, before it counts."""
    with Path(os.environ["EFFECTS"]).open("a+") as log:
        log.write(f"{context.entity_key}\n")
        log.seek(0)
        attempts = log.read().split().count(context.entity_key)
    if attempts <= int(context.entity_key):
        os._exit(3)
    context.set_state(context.get_state(lambda: 0) + 1)


@app.activity_trigger(input_name="how")
def ending_activity(how: str) -> str:
    return end(how)


@app.orchestration_trigger(context_name="context")
def caring(context: df.DurableOrchestrationContext):
    """Runs several activities, and says how each ended."""
    answers = []
    tasks = [context.call_activity("ending_activity", how) for how in context.get_input()]
    for task in tasks:
        try:
            answers.append((yield task))
        except Exception as error:
            answers.append(str(error))
    return answers


@app.orchestration_trigger(context_name="context")
def ending_orchestrator(context: df.DurableOrchestrationContext):
    yield context.create_timer(context.current_utc_datetime)
    end("exit")


@app.orchestration_trigger(context_name="context")
def patient(context: df.DurableOrchestrationContext):
    first = yield context.wait_for_external_event("go")
    second = yield context.call_activity("ending_activity", "well")
    third = yield context.wait_for_external_event("go")
    return [first, second, third]


@app.blob_trigger(arg_name="blob", path="in/{name}", connection="STORAGE")
def not_served(blob: func.InputStream) -> None:
    blob.read()
