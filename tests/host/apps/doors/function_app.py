"""A sample app with HTTP, Event Grid and timer triggers; `seen` records what arrived."""

import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
seen: list[object] = []


@app.route("orders/{id:int}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def order(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(dict(req.route_params)), mimetype="application/json")


@app.route("orders/{name:alpha}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def order_by_name(req: func.HttpRequest) -> str:
    return f"name {req.route_params['name']}"


@app.route("orders/new", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
def new_order(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), status_code=201, headers={"X-Kind": req.headers.get("X-Kind", "none")})


@app.route("files/{*rest}", auth_level=func.AuthLevel.ANONYMOUS)
async def files(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(f"{req.route_params.get('rest')} {req.params.get('q')}")


@app.route("page/{number:int?}", auth_level=func.AuthLevel.ANONYMOUS)
def page(req: func.HttpRequest) -> str:
    return req.route_params.get("number", "none")


@app.route("guarded")
def guarded(req: func.HttpRequest, context: func.Context) -> str:
    assert req.method
    assert context.function_directory.endswith("doors")
    assert context.retry_context.retry_count == 0
    assert context.thread_local_storage is not None
    return f"{context.function_name} {len(context.invocation_id)}"


@app.route("administered", auth_level=func.AuthLevel.ADMIN)
def administered(req: func.HttpRequest) -> str:
    return req.method


@app.route("cookies", auth_level=func.AuthLevel.ANONYMOUS)
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(req.method)
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2")
    return response


@app.route("broken", auth_level=func.AuthLevel.ANONYMOUS)
def broken(req: func.HttpRequest) -> str:
    raise ValueError(f"broken {req.method}")


@app.event_grid_trigger(arg_name="event")
def typed(event: func.EventGridEvent) -> None:
    if event.subject == "bad":
        raise ValueError("bad event")
    seen.append((event.event_type, event.subject, event.get_json()))


@app.event_grid_trigger(arg_name="event")
def cloud(event: func.CloudEvent) -> None:
    seen.append((event.type, event.source, event.get_json()))


@app.event_grid_trigger(arg_name="event")
def either(event) -> None:
    seen.append(type(event).__name__)


@app.timer_trigger(arg_name="timer", schedule="0 */10 * * * *")
def tick(timer: func.TimerRequest) -> None:
    seen.append(("tick", timer.past_due, timer.schedule_status["Next"]))


@app.timer_trigger(arg_name="timer", schedule="1.00:00:00", run_on_startup=True)
def daily(timer: func.TimerRequest) -> None:
    seen.append(("daily", timer.past_due))


@app.timer_trigger(arg_name="timer", schedule="0 */10 * * * *", use_monitor=False)
def unwatched(timer: func.TimerRequest) -> None:
    seen.append(("unwatched", timer.past_due))
