"""One orchestrator, activity or entity for each durable feature."""

import json
from collections import Counter
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

blueprint = df.Blueprint()
tries: Counter[str] = Counter()
looks: Counter[str] = Counter()
repaired: set[str] = set()
OPEN = func.AuthLevel.ANONYMOUS


@blueprint.activity_trigger(input_name="name")
def greet(name: str) -> str:
    return f"hello {name}"


@blueprint.activity_trigger(input_name="number")
async def double(number: int) -> int:
    return number * 2


@blueprint.activity_trigger(input_name="order")
def flaky(order: dict) -> int:
    """Fails as often as the order says."""
    tries[order["key"]] += 1
    if tries[order["key"]] <= order["failures"]:
        raise ValueError(f"try {tries[order['key']]} fails")
    return tries[order["key"]]


@blueprint.activity_trigger(input_name="key")
def broken(key: str) -> str:
    """Fails until `repair` is called."""
    tries[key] += 1
    if key not in repaired:
        raise ValueError(f"{key} is broken")
    return f"{key} works"


@blueprint.activity_trigger(input_name="kind")
def leaving(kind: str) -> str:
    if kind == "exit":
        raise SystemExit(3)
    raise KeyboardInterrupt


@blueprint.activity_trigger(input_name="seconds")
async def slow(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(seconds)


@blueprint.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    results = []
    for name in context.get_input() or ():
        greeting = yield context.call_activity("greet", name)
        results += [greeting]
    return results


@blueprint.orchestration_trigger(context_name="context")
def shouting(context: df.DurableOrchestrationContext):
    first = yield context.call_activity("GREET", "a")
    second = yield context.call_sub_orchestrator("Chain", ["b"])
    third = yield context.call_entity(df.EntityId("COUNTER", context.instance_id), "add", 3)
    return [first, second, third]


@blueprint.orchestration_trigger(context_name="context")
def echo_input(context: df.DurableOrchestrationContext):
    return context.get_input()


@blueprint.orchestration_trigger(context_name="context")
def fan(context: df.DurableOrchestrationContext):
    numbers = yield context.task_all([context.call_activity("double", n) for n in range(context.get_input())])
    return sum(numbers)


@blueprint.orchestration_trigger(context_name="context")
def racing(context: df.DurableOrchestrationContext):
    quick = context.create_timer(context.current_utc_datetime)
    long = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    winner = yield context.task_any([quick, long])
    long.cancel()
    return winner is quick


@blueprint.orchestration_trigger(context_name="context")
def retrying(context: df.DurableOrchestrationContext):
    options = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=3)
    return (yield context.call_activity_with_retry("flaky", options, context.get_input()))


@blueprint.orchestration_trigger(context_name="context")
def retrying_child(context: df.DurableOrchestrationContext):
    options = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=3)
    return (yield context.call_sub_orchestrator_with_retry("trying", options, context.get_input()))


@blueprint.orchestration_trigger(context_name="context")
def trying(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("flaky", context.get_input()))


@blueprint.orchestration_trigger(context_name="context")
def catching(context: df.DurableOrchestrationContext):
    try:
        yield context.call_activity(*context.get_input())
    except Exception as error:
        return f"caught {error}"


@blueprint.orchestration_trigger(context_name="context")
def failing(context: df.DurableOrchestrationContext):
    yield context.call_activity("greet", "x")
    raise ValueError("no good")


@blueprint.orchestration_trigger(context_name="context")
def exiting(context: df.DurableOrchestrationContext):
    yield context.call_activity("greet", "x")
    raise SystemExit(4)


@blueprint.orchestration_trigger(context_name="context")
def sleeping(context: df.DurableOrchestrationContext):
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=context.get_input()))
    return "awake"


@blueprint.orchestration_trigger(context_name="context")
def approval(context: df.DurableOrchestrationContext):
    context.set_custom_status({"waits": True})
    answer = yield context.wait_for_external_event("Approval")
    context.set_custom_status("done")
    return answer


@blueprint.orchestration_trigger(context_name="context")
def collecting(context: df.DurableOrchestrationContext):
    """Takes one event in each generation, three in all."""
    seen = context.get_input() or []
    seen.append((yield context.wait_for_external_event("item")))
    if len(seen) == 3:
        return seen
    context.continue_as_new(seen)


@blueprint.orchestration_trigger(context_name="context")
def parent(context: df.DurableOrchestrationContext):
    first = yield context.call_sub_orchestrator("chain", ["a"])
    second = yield context.call_sub_orchestrator("chain", ["b"], f"{context.instance_id}-child")
    return [first, second]


@blueprint.orchestration_trigger(context_name="context")
def telling(context: df.DurableOrchestrationContext):
    return [context.instance_id, context.parent_instance_id, context.version]


@blueprint.orchestration_trigger(context_name="context")
def telling_parent(context: df.DurableOrchestrationContext):
    return (yield context.call_sub_orchestrator("telling"))


@blueprint.orchestration_trigger(context_name="context")
def identifiers(context: df.DurableOrchestrationContext):
    before = [context.new_uuid(), str(context.new_guid()), context.current_utc_datetime.isoformat()]
    yield context.call_activity("greet", "x")
    echoed = yield context.call_activity("greet", json.dumps(before))
    return echoed == f"hello {json.dumps(before)}"


@blueprint.orchestration_trigger(context_name="context")
def large_status(context: df.DurableOrchestrationContext):
    context.set_custom_status("x" * context.get_input())
    yield context.call_activity("greet", "x")


@blueprint.orchestration_trigger(context_name="context")
def counting(context: df.DurableOrchestrationContext):
    entity = df.EntityId("counter", context.instance_id)
    context.signal_entity(entity, "add", 5)
    value = yield context.call_entity(entity, "add", 2)
    try:
        yield context.call_entity(entity, "explode")
    except Exception as error:
        return [value, "bang" in str(error)]


@blueprint.orchestration_trigger(context_name="context")
def calling_http(context: df.DurableOrchestrationContext):
    method, uri, content, headers = context.get_input()
    return (yield context.call_http(method, uri, content, headers))


@blueprint.orchestration_trigger(context_name="context")
def calling_as_itself(context: df.DurableOrchestrationContext):
    """Calls with the identity of the app."""
    uri, resource = context.get_input()
    return (yield context.call_http("GET", uri, token_source=df.ManagedIdentityTokenSource(resource)))


@blueprint.orchestration_trigger(context_name="context")
def changing(context: df.DurableOrchestrationContext):
    """Asks for something else than at first whenever it runs anew from its beginning."""
    looks[context.instance_id] += 1
    change, is_later = context.get_input(), looks[context.instance_id] > 1
    counters = df.EntityId("counter", context.instance_id)
    pairs = {
        "name": [(context.call_activity, "greet", "1"), (context.call_activity, "broken", "1")],
        "kind": [(context.call_activity, "greet", "1"), (context.create_timer, context.current_utc_datetime)],
        "child": [(context.call_sub_orchestrator, "chain", []), (context.call_sub_orchestrator, "echo_input", [])],
        "case": [(context.call_activity, "greet", "1"), (context.call_activity, "GREET", "1")],
        "input": [(context.call_activity, "greet", "1"), (context.call_activity, "greet", "2")],
        "child input": [(context.call_sub_orchestrator, "chain", []), (context.call_sub_orchestrator, "chain", ["a"])],
        "operation": [(context.call_entity, counters, "add", 1), (context.call_entity, counters, "note", 2)],
    }
    if change == "nothing more":
        if is_later:
            return "early"
        change = "input"
    call, *details = pairs[change][is_later]
    yield call(*details)
    yield context.call_activity("greet", "x")
    return "unnoticed"


@blueprint.orchestration_trigger(context_name="context")
def catching_http(context: df.DurableOrchestrationContext):
    try:
        yield context.call_http("GET", context.get_input())
    except Exception:
        return "caught"


@blueprint.orchestration_trigger(context_name="context")
def in_need_of_repair(context: df.DurableOrchestrationContext):
    before = yield context.call_activity("flaky", {"key": f"{context.instance_id} before", "failures": 0})
    after = yield context.call_activity("broken", context.get_input())
    return [before, after]


@blueprint.orchestration_trigger(context_name="context")
def with_broken_child(context: df.DurableOrchestrationContext):
    return (yield context.call_sub_orchestrator("in_need_of_repair", context.get_input()))


@blueprint.orchestration_trigger(context_name="context")
def with_broken_retries(context: df.DurableOrchestrationContext):
    options = df.RetryOptions(first_retry_interval_in_milliseconds=1, max_number_of_attempts=2)
    first = yield context.call_activity_with_retry("broken", options, context.get_input())
    second = yield context.call_activity("greet", first)
    return second


@blueprint.orchestration_trigger(context_name="context")
def broken_fan(context: df.DurableOrchestrationContext):
    tasks = [context.call_activity("broken", context.get_input()), context.call_activity("double", 4)]
    return (yield context.task_all(tasks))


@blueprint.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext):
    value = context.get_state(lambda: 0)
    match context.operation_name:
        case "explode":
            raise ValueError("bang")
        case "delete":
            context.destruct_on_exit()
            return
        case "add":
            value += context.get_input()
        case "note":
            value = context.get_input()
    context.set_state(value)
    context.set_result(value)


@blueprint.route("repair/{key}", methods=["POST"], auth_level=OPEN)
def repair(req: func.HttpRequest) -> str:
    repaired.add(req.route_params["key"])
    return "repaired"


@blueprint.route("accepted/{key}/{polls:int}", auth_level=OPEN)
def accepted(req: func.HttpRequest) -> func.HttpResponse:
    """Answers 202 as often as the path says, then how it was asked."""
    key, polls = req.route_params["key"], int(req.route_params["polls"])
    tries[key] += 1
    if tries[key] <= polls:
        return func.HttpResponse(
            status_code=202, headers={"Location": f"/api/accepted/{key}/{polls}", "Retry-After": "0"}
        )
    return func.HttpResponse(f"{req.method} {tries[key]} {req.headers.get('x-mark')}")


@blueprint.route("start/{name}/{id}", methods=["POST"], auth_level=OPEN)
@blueprint.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance = await client.start_new(req.route_params["name"], req.route_params["id"], req.get_json())
    return client.create_check_status_response(req, instance)


@blueprint.route("wait/{name}/{id}", methods=["POST"], auth_level=OPEN)
@blueprint.durable_client_input(client_name="client")
async def wait(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    instance = await client.start_new(req.route_params["name"], req.route_params["id"], req.get_json())
    return await client.wait_for_completion_or_create_check_status_response(req, instance, 20_000, 20)


@blueprint.route("client/{operation}/{id}", methods=["POST"], auth_level=OPEN)
@blueprint.durable_client_input(client_name="client")
async def ask(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """One operation of the SDK's client on an instance or, for those of entities, on a counter."""
    instance = req.route_params["id"]
    entity = df.EntityId("counter", instance)
    match req.route_params["operation"]:
        case "status":
            answer = (await client.get_status(instance)).to_json()
        case "terminate":
            answer = await client.terminate(instance, "enough")
        case "suspend":
            answer = await client.suspend(instance, "later")
        case "resume":
            answer = await client.resume(instance, "now")
        case "event":
            answer = await client.raise_event(instance, "Approval", {"by": "ann"})
        case "rewind":
            answer = await client.rewind(instance, "repaired")
        case "restart":
            answer = await client.restart(instance, restart_with_new_instance_id=False)
        case "purge":
            answer = (await client.purge_instance_history(instance)).instances_deleted
        case "signal":
            answer = await client.signal_entity(entity, "add", 4)
        case "entity":
            state = await client.read_entity_state(entity)
            answer = [state.entity_exists, state.entity_state]
        case other:
            raise ValueError(other)
    return func.HttpResponse(json.dumps(answer), mimetype="application/json")
