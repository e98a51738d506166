"""An app that tells where it runs, and how often its orchestrator looked at its history."""

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
looks: list[int] = []


@app.route("see/{place}")
def see(req: func.HttpRequest, context: func.Context) -> str:
    logging.getLogger("the.app").warning("seen")
    logging.getLogger("the.app").info("not seen")
    return json.dumps(
        {
            "route": req.route_params["place"],
            "query": req.params.get("query"),
            "header": req.headers.get("x-own"),
            "invocation": context.invocation_id,
            "process": os.getpid(),
            "python": sys.version_info[:2],
        }
    )


@app.route("cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(req.method)
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2; Secure; SameSite=Strict")
    return response


@app.route("raise/{how}")
async def raising(req: func.HttpRequest) -> str:
    match req.route_params["how"]:
        case "exit":
            sys.exit(3)
        case "generator":
            raise GeneratorExit
    raise asyncio.CancelledError


@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:00")
@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def yearly(timer: func.TimerRequest, context: func.Context) -> None:
    """Fails twice."""
    retry = context.retry_context
    (name,) = (name for name in ("exception", "rpc_exception") if hasattr(retry, name))
    past = getattr(retry, name)
    note(f"yearly {retry.retry_count} of {retry.max_retry_count}, {name}: {past.message if past else 'none'}")
    if retry.retry_count < 2:
        raise ValueError(f"try {retry.retry_count} (late: {timer.past_due})")


@app.retry(
    strategy="exponential_backoff", max_retry_count="3", minimum_interval="00:00:00", maximum_interval="00:00:01"
)
@app.event_grid_trigger(arg_name="event")
def told(event: func.EventGridEvent) -> None:
    """Azure applies no policy to this trigger."""
    note(f"told {event.subject}")
    raise ValueError("it fails")


def note(line: str) -> None:
    with Path(os.environ["EFFECTS"]).open("a") as file:
        file.write(f"{line}\n")


@app.activity_trigger(input_name="number")
def add_one(number: int) -> int:
    return number + 1


@app.orchestration_trigger(context_name="context")
def count(context: df.DurableOrchestrationContext):
    """Each look at the history begins here: the numbers of looks are one more than the steps."""
    looks.append(len(looks) + 1)
    number = 0
    for _ in range(context.get_input()):
        number = yield context.call_activity("add_one", number)
    return {"sum": number, "looks": looks}
