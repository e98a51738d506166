"""An app of the user's own: an order comes by HTTP, waits in a queue, and becomes a blob, of which another is told."""

import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.route("order/{name}")
@app.queue_output(arg_name="out", queue_name="orders", connection="ORDERS")
def order(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set(f'{{"name": "{req.route_params["name"]}"}}')
    return "ordered"


@app.queue_trigger(arg_name="message", queue_name="orders", connection="ORDERS")
@app.blob_output(arg_name="file", path="incoming/{name}.txt", connection="FILES")
def work(message: func.QueueMessage, file: func.Out[str]) -> None:
    file.set(f"made of {message.get_body().decode()}")


@app.blob_trigger(arg_name="blob", path="incoming/{name}", connection="FILES", source="EventGrid")
def landed(blob: func.InputStream) -> None:
    with Path(os.environ["EFFECTS"]).open("a") as file:
        file.write(f"{blob.name}: {blob.read().decode()}\n")
