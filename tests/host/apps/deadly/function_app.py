"""A sample app that tries to end its host in every way it knows. What ran is a line each in the file EFFECTS."""

import asyncio
import ctypes
import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
_background = set()


def _write(line: str) -> None:
    with Path(os.environ["EFFECTS"]).open("a") as file:
        file.write(f"{line}\n")


@app.activity_trigger(input_name="how")
def work(how: str) -> str:
    _write(how)
    if how == "exit":
        os._exit(3)
    elif how == "fault":
        ctypes.string_at(0)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how.startswith("slow"):
        threading.Event().wait(1.0)
    return how


@app.orchestration_trigger(context_name="context")
def at_once(context: df.DurableOrchestrationContext):
    """Everything at once; the answer says what failed, and why."""
    retry = df.RetryOptions(100, 2)
    outcomes = []
    tasks = [context.call_activity_with_retry("work", retry, how) for how in context.get_input()]
    for task in tasks:
        try:
            outcomes.append((yield task))
        except Exception as error:
            outcomes.append(str(error))
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=1))
    return outcomes


@app.route("start/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.start_new("at_once", req.route_params["id"], req.get_json())
    return func.HttpResponse(status_code=202)


@app.route("later", methods=["POST"])
async def later(req: func.HttpRequest) -> func.HttpResponse:
    """A task that outlives the call."""

    async def leave() -> None:
        sys.exit(int(req.get_body()))

    _background.add(asyncio.ensure_future(leave()))
    return func.HttpResponse(status_code=202)


@app.route("alive", methods=["POST"])
def alive(req: func.HttpRequest) -> str:
    return req.method
