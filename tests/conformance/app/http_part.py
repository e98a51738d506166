"""HTTP triggers that tell what reached them, and answer in every way a function can."""

import asyncio
import base64
import json
import sys
import threading

import azure.functions as func

blueprint = func.Blueprint()
OPEN = func.AuthLevel.ANONYMOUS


@blueprint.route("echo/{*rest}", auth_level=OPEN)
def echo(req: func.HttpRequest) -> str:
    """Everything a function can see of a request."""
    return json.dumps(
        {
            "method": req.method,
            "url": req.url,
            "query": dict(req.params),
            "headers": dict(req.headers),
            "body": req.get_body().hex(),
        }
    )


@blueprint.route("json", methods=["POST"], auth_level=OPEN)
def as_json(req: func.HttpRequest) -> func.HttpResponse:
    try:
        return func.HttpResponse(json.dumps(req.get_json()), mimetype="application/json")
    except ValueError:
        return func.HttpResponse("no JSON", status_code=400)


@blueprint.route("form", methods=["POST"], auth_level=OPEN)
def form(req: func.HttpRequest) -> str:
    files = {name: file.read().decode() for name, file in req.files.items()}
    return json.dumps({"form": dict(req.form), "files": files})


@blueprint.route("status/{code:int}", auth_level=OPEN)
def status(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=int(req.route_params["code"]))


@blueprint.route("text", auth_level=OPEN)
def text(req: func.HttpRequest) -> str:
    return "plain " + req.method


@blueprint.route("bytes", auth_level=OPEN)
def raw_bytes(req: func.HttpRequest) -> func.HttpResponse:
    assert req.method
    return func.HttpResponse(b"\x00\xff", mimetype="application/octet-stream")


@blueprint.route("latin", auth_level=OPEN)
def latin(req: func.HttpRequest) -> func.HttpResponse:
    assert req.method
    return func.HttpResponse("Zürich", mimetype="text/plain", charset="iso-8859-1")


@blueprint.route("headers", auth_level=OPEN)
def headers(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("", headers={"X-Own": req.method, "X-Set-By": "the function"})


@blueprint.route("cookies", auth_level=OPEN)
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(req.method)
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2; Secure; SameSite=Strict")
    return response


@blueprint.route("cookie", auth_level=OPEN)
def cookie(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(req.method)
    response.headers.add("Set-Cookie", req.params["line"])
    return response


@blueprint.generic_trigger(arg_name="req", type="httpTrigger", route="speechless", auth_level="ANONYMOUS")
def speechless(req: func.HttpRequest):
    """A route without any output."""
    return req.params.get("word")


@blueprint.route("awaited", auth_level=OPEN)
async def awaited(req: func.HttpRequest) -> str:
    return "awaited " + req.method


@blueprint.route("nothing", auth_level=OPEN)
def nothing(req: func.HttpRequest):  # The worker refuses the app where the annotation says None, int or dict.
    assert req.method


@blueprint.route("number", auth_level=OPEN)
def number(req: func.HttpRequest):
    return len(req.method)


@blueprint.route("dictionary", auth_level=OPEN)
def dictionary(req: func.HttpRequest):
    return {"method": req.method}


@blueprint.route("raises/{kind}", auth_level=OPEN)
def raises(req: func.HttpRequest) -> str:
    match req.route_params["kind"]:
        case "exit":
            sys.exit(3)
        case "interrupt":
            raise KeyboardInterrupt
        case "generator":
            raise GeneratorExit
    raise ValueError("this is the function's own error")


@blueprint.route("awaited-raises/{kind}", auth_level=OPEN)
async def awaited_raises(req: func.HttpRequest) -> str:
    return raises(req)


@blueprint.route("hangs", auth_level=OPEN)
async def hangs(req: func.HttpRequest) -> str:
    await asyncio.Event().wait()
    return req.method


@blueprint.route("blocks", auth_level=OPEN)
def blocks(req: func.HttpRequest) -> str:
    threading.Event().wait(60)
    return req.method


@blueprint.route("out/{value?}", binding_arg_name="answer", auth_level=OPEN)
def out(req: func.HttpRequest, answer: func.Out[func.HttpResponse]) -> None:
    value = req.route_params.get("value")
    if value == "text":
        answer.set("set as text")
    elif value is not None:
        answer.set(func.HttpResponse(value, status_code=201))


@blueprint.route("context", auth_level=OPEN)
def context(req: func.HttpRequest, context: func.Context) -> str:
    assert req.method
    trace = context.trace_context
    return json.dumps(
        {
            "function": context.function_name,
            "folder": context.function_directory,
            "invocation": context.invocation_id,
            "parent": trace.trace_parent,
            "state": trace.trace_state,
        }
    )


@blueprint.route("caller", auth_level=OPEN)
def caller(req: func.HttpRequest) -> str:
    """For whom the caller's token was made; the token itself is not told."""
    scheme, _, token = req.headers.get("authorization", "").partition(" ")
    body = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return f"{scheme} for {claims['aud']}"


@blueprint.route("verbs", methods=["GET"], auth_level=OPEN)
def reads(req: func.HttpRequest) -> str:
    return "reads " + req.method


@blueprint.route("verbs", methods=["POST", "PUT"], auth_level=OPEN)
def writes(req: func.HttpRequest) -> str:
    return "writes " + req.method


@blueprint.route("locked", auth_level=func.AuthLevel.FUNCTION)
def locked(req: func.HttpRequest) -> str:
    return "locked " + req.method


@blueprint.route("administered", auth_level=func.AuthLevel.ADMIN)
def administered(req: func.HttpRequest) -> str:
    return "administered " + req.method


@blueprint.route("switched-off", auth_level=OPEN)
def switched_off(req: func.HttpRequest) -> str:
    return "never " + req.method


@blueprint.route(auth_level=OPEN)
def named_by_itself(req: func.HttpRequest) -> str:
    return "by its name " + req.method
