"""A sample app with one orchestrator per durable feature."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
attempts: dict[str, int] = {}


@app.activity_trigger(input_name="name")
def greet(name: str) -> str:
    return f"hello {name}"


@app.activity_trigger(input_name="number")
async def double(number: int) -> int:
    return number * 2


@app.activity_trigger(input_name="order")
def flaky(order: dict) -> int:
    key = order["key"]
    attempts[key] = attempts.get(key, 0) + 1
    if attempts[key] <= order["failures"]:
        raise ValueError(f"attempt {attempts[key]} fails")
    return attempts[key]


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    results = []
    for name in context.get_input():
        greeting = yield context.call_activity("greet", name)
        results += [greeting]
    return results


@app.orchestration_trigger(context_name="context")
def fan(context: df.DurableOrchestrationContext):
    tasks = [context.call_activity("double", number) for number in range(context.get_input())]
    return sum((yield context.task_all(tasks)))


@app.orchestration_trigger(context_name="context")
def retrying(context: df.DurableOrchestrationContext):
    begun = context.current_utc_datetime
    options = df.RetryOptions(first_retry_interval_in_milliseconds=60_000, max_number_of_attempts=3)
    result = yield context.call_activity_with_retry("flaky", options, context.get_input())
    return [result, (context.current_utc_datetime - begun).total_seconds()]


@app.orchestration_trigger(context_name="context")
def catching(context: df.DurableOrchestrationContext):
    try:
        yield context.call_activity("flaky", context.get_input())
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def sleeping(context: df.DurableOrchestrationContext):
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()))
    return "awake"


@app.orchestration_trigger(context_name="context")
def approval(context: df.DurableOrchestrationContext):
    answer = context.wait_for_external_event("Approval")
    deadline = context.create_timer(context.current_utc_datetime + timedelta(days=3))
    context.set_custom_status({"waiting": True})
    winner = yield context.task_any([answer, deadline])
    if winner is deadline:
        return "silence"
    deadline.cancel()
    yield context.call_activity("greet", "x")
    return answer.result


@app.orchestration_trigger(context_name="context")
def collecting(context: df.DurableOrchestrationContext):
    """Takes one event per generation and continues as new, three times."""
    seen = context.get_input() or []
    seen.append((yield context.wait_for_external_event("item")))
    if len(seen) == 3:
        return seen
    context.continue_as_new(seen)


@app.orchestration_trigger(context_name="context")
def parent(context: df.DurableOrchestrationContext):
    first = yield context.call_sub_orchestrator("chain", ["a"])
    second = yield context.call_sub_orchestrator("chain", ["b"], f"{context.instance_id}-child")
    return [first, second]


@app.orchestration_trigger(context_name="context")
def failing(context: df.DurableOrchestrationContext):
    yield context.call_activity("greet", "x")
    raise ValueError("no good")


@app.orchestration_trigger(context_name="context")
def parent_of_failing(context: df.DurableOrchestrationContext):
    options = df.RetryOptions(first_retry_interval_in_milliseconds=1000, max_number_of_attempts=2)
    try:
        yield context.call_sub_orchestrator_with_retry("failing", options)
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def identifiers(context: df.DurableOrchestrationContext):
    before = [context.new_uuid(), str(context.new_guid()), context.current_utc_datetime.isoformat()]
    yield context.call_activity("greet", "x")
    echoed = yield context.call_activity("greet", before)
    return [echoed, f"hello {before}"]


@app.orchestration_trigger(context_name="context")
def asks_for_nothing_there(context: df.DurableOrchestrationContext):
    yield context.call_activity("missing")


@app.orchestration_trigger(context_name="context")
def counting(context: df.DurableOrchestrationContext):
    entity = df.EntityId("counter", "one")
    context.signal_entity(entity, "add", 5)
    value = yield context.call_entity(entity, "add", 2)
    try:
        yield context.call_entity(entity, "explode")
    except Exception as error:
        return [value, str(error)]


@app.orchestration_trigger(context_name="context")
def colliding(context: df.DurableOrchestrationContext):
    tasks = [context.call_sub_orchestrator("sleeping", 5, "same-child") for _ in range(2)]
    try:
        yield context.task_all(tasks)
    except Exception as error:
        return str(error)


@app.orchestration_trigger(context_name="context")
def calling_nobody(context: df.DurableOrchestrationContext):
    try:
        yield context.call_entity(df.EntityId("nobody", "one"), "add", 2)
    except Exception as error:
        return str(error)


@app.activity_trigger(input_name="given")
def unserialisable(given: str) -> object:
    return {given}


@app.orchestration_trigger(context_name="context")
def returning_a_set(context: df.DurableOrchestrationContext):
    yield context.call_activity("unserialisable", "x")


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext):
    value = context.get_state(lambda: 0)
    if context.operation_name == "explode":
        raise ValueError("bang")
    if context.operation_name == "add":
        value += context.get_input()
    context.set_state(value)
    context.set_result(value)


@app.route("run/{name}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    chosen = await client.start_new(req.route_params["name"], req.route_params["id"], req.get_json())
    return client.create_check_status_response(req, chosen)
