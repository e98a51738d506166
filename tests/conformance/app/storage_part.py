"""Functions of queues and blobs."""

import json
from typing import List  # noqa: UP035 (the SDK refuses list[...])

import azure.functions as func
from events_part import seen

blueprint = func.Blueprint()
ACCOUNT = "CONFORMANCE_STORAGE"


@blueprint.queue_trigger(arg_name="message", queue_name="%CONFORMANCE_QUEUE%", connection=ACCOUNT)
@blueprint.queue_output(arg_name="$return", queue_name="conformance-answers", connection=ACCOUNT)
@blueprint.blob_input(arg_name="before", path="conformance/counts/{number}.txt", connection=ACCOUNT)
@blueprint.blob_output(arg_name="after", path="conformance/counts/{number}.txt", connection=ACCOUNT)
def order(message: func.QueueMessage, before: func.InputStream, after: func.Out[str]) -> str:
    """Counts the messages of each number in a blob."""
    given = message.get_json()
    seen.append(["order", given["number"], message.dequeue_count])
    if given.get("failures", 0) >= (message.dequeue_count or 0):
        raise ValueError(f"try {message.dequeue_count} of {given['number']} fails")
    times = [message.insertion_time, message.expiration_time, message.time_next_visible]
    seen.append(["order_fields", given["number"], all([message.id, message.pop_receipt, *times])])
    count = 1 + (int(before.read()) if before else 0)
    after.set(str(count))
    return f"{given['number']}: {count}"


@blueprint.queue_trigger(arg_name="text", queue_name="conformance-answers", connection=ACCOUNT)
def answered(text: str) -> None:
    seen.append(["answered", text])


@blueprint.route("send/{queue}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@blueprint.queue_output(arg_name="messages", queue_name="conformance-{queue}", connection=ACCOUNT)
def send(req: func.HttpRequest, messages: func.Out[List[str]]) -> func.HttpResponse:  # noqa: UP006
    given = req.get_json()
    messages.set(func.QueueMessage(body=given["body"]) if isinstance(given, dict) else given)
    return func.HttpResponse(status_code=202)


@blueprint.route("copy/{name}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@blueprint.blob_input(arg_name="source", path="{source}", connection=ACCOUNT, data_type="BINARY")
@blueprint.blob_output(arg_name="copy", path="conformance-{Query.folder}/copies/{name}", connection=ACCOUNT)
async def copy(req: func.HttpRequest, source: bytes, copy: func.Out[bytes]) -> func.HttpResponse:
    if source is None:
        return func.HttpResponse("there is no such blob", status_code=404)
    copy.set(source)
    return func.HttpResponse(str(len(source)))


@blueprint.route("returns-nothing", auth_level=func.AuthLevel.ANONYMOUS)
@blueprint.blob_input(arg_name="blob", path="conformance/text/{rand-guid}", connection=ACCOUNT)
def no_blob(req: func.HttpRequest, blob: func.InputStream) -> str:
    return repr(blob)


@blueprint.route("hand-over/{kind}", methods=["POST"], binding_arg_name="answer", auth_level=func.AuthLevel.ANONYMOUS)
@blueprint.blob_output(arg_name="$return", path="conformance/handed/{kind}", connection=ACCOUNT)
def hand_over(req: func.HttpRequest, answer: func.Out[func.HttpResponse]):
    """Returns what goes to a blob, and may answer besides."""
    if req.route_params["kind"] == "answered":
        answer.set(func.HttpResponse("taken", status_code=202))
    return req.get_body() if req.route_params["kind"] == "bytes" else req.get_body().decode()


@blueprint.generic_trigger(arg_name="req", type="httpTrigger", route="hand-over-alone", auth_level="ANONYMOUS")
@blueprint.generic_output_binding(arg_name="$return", type="blob", path="conformance/handed/alone", connection=ACCOUNT)
def hand_over_alone(req: func.HttpRequest):
    return req.get_body().decode()


@blueprint.route("hand-over-message", methods=["POST"], binding_arg_name="answer", auth_level=func.AuthLevel.ANONYMOUS)
@blueprint.queue_output(arg_name="$return", queue_name="conformance-handed", connection=ACCOUNT)
def hand_over_message(req: func.HttpRequest, answer: func.Out[func.HttpResponse]):
    assert answer is not None
    return func.QueueMessage(body=req.get_body())


@blueprint.blob_trigger(
    arg_name="blob", path="conformance/landing/{folder}/{name}.csv", connection=ACCOUNT, source="EventGrid"
)
@blueprint.blob_output(arg_name="seen_blob", path="conformance/seen/{folder}/{name}.json", connection=ACCOUNT)
def landed(blob: func.InputStream, seen_blob: func.Out[str]) -> None:
    content = blob.read()
    seen.append(["landed", blob.name, blob.length, blob.metadata, (blob.uri or "").endswith(blob.name or "?")])
    if content == b"broken":
        raise ValueError("this blob is broken")
    seen_blob.set(json.dumps({"lines": content.decode().count("\n")}))
