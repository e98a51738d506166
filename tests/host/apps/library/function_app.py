"""An app that tells where it runs, and how often its orchestrator looked at its history."""

import asyncio
import json
import logging
import os
import sys

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
looks: list[int] = []


@app.route("see/{place}")
def see(req: func.HttpRequest, context: func.Context) -> str:
    logging.getLogger("the.app").warning("seen")
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
