"""An app that uses what orchestrations have: activities, timers, events, children, entities, an HTTP start.

Each effect leaves a line in the file EFFECTS.
"""

import os
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="key")
def effect(key: str) -> str:
    with Path(os.environ["EFFECTS"]).open("a") as log:
        log.write(f"{key}\n")
    return key


@app.entity_trigger(context_name="context")
def ledger(context: df.DurableEntityContext):
    """How often each key was added; a key that is removed is forgotten."""
    counts, key = context.get_state(dict), context.get_input()
    if context.operation_name == "add":
        counts[key] = counts.get(key, 0) + 1
        context.set_result(counts[key])
    else:
        counts.pop(key, None)
    if counts:
        context.set_state(counts)
    else:
        context.destruct_on_exit()


@app.orchestration_trigger(context_name="context")
def leaf(context: df.DurableOrchestrationContext):
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=50))
    return (yield context.call_activity("effect", context.instance_id))


@app.orchestration_trigger(context_name="context")
def order(context: df.DurableOrchestrationContext):
    me, ledger_key = context.instance_id, context.get_input()
    yield context.call_activity("effect", f"{me}/first")
    added = yield context.call_entity(df.EntityId("ledger", ledger_key), "add", me)
    event = context.wait_for_external_event("go")
    patience = context.create_timer(context.current_utc_datetime + timedelta(days=1))
    yield context.task_any([event, patience])
    patience.cancel()
    fan = [context.call_activity("effect", f"{me}/fan{number}") for number in range(2)]
    fan.append(context.call_sub_orchestrator("leaf", None, f"{me}-leaf"))
    yield context.task_all(fan)
    return [added, event.result]


@app.route("start/{id}/{ledger}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    await client.start_new("order", req.route_params["id"], req.route_params["ledger"])
    return func.HttpResponse(status_code=202)
