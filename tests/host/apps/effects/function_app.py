"""A sample app whose activities leave a line per effect, so that a killed host can be held to account."""

import os
import threading
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="key")
def effect(key: str) -> str:
    with Path(os.environ["EFFECTS"]).open("a") as log:
        log.write(f"{key}\n")
    threading.Event().wait(0.005)  # Work takes a moment.
    return key


@app.orchestration_trigger(context_name="context")
def leaf(context: df.DurableOrchestrationContext):
    key = f"{context.instance_id}/leaf"
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=30))
    return (yield context.call_activity("effect", key))


@app.orchestration_trigger(context_name="context")
def tree(context: df.DurableOrchestrationContext):
    me, generation = context.instance_id, context.get_input()
    yield context.call_activity("effect", f"{me}/{generation}/first")
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=40))
    tasks = [context.call_activity("effect", f"{me}/{generation}/fan{n}") for n in range(3)]
    tasks.append(context.call_sub_orchestrator("leaf", None, f"{me}-{generation}-leaf"))
    yield context.task_all(tasks)
    if generation < 2:
        context.continue_as_new(generation + 1)
        return None
    event = yield context.wait_for_external_event("finish")
    return event


@app.route("start/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.start_new("tree", req.route_params["id"], 1)
    await client.raise_event(req.route_params["id"], "finish", "done")
    return func.HttpResponse(status_code=202)
