"""A sample app that sends: each route has another output; and a blob trigger that tells a queue what came."""

import datetime
import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("bus/{kind}", methods=["POST"])
@app.service_bus_queue_output(arg_name="orders", queue_name="%ORDERS%", connection="BUS")
@app.service_bus_topic_output(arg_name="news", topic_name="{topic}", connection="BUS")
def send_to_bus(req: func.HttpRequest, orders: func.Out[str], news: func.Out[bytes]) -> str:
    if req.route_params["kind"] == "orders":
        orders.set(json.dumps(req.get_json()["messages"]))
    else:
        news.set(b"\x00news")
    return "sent"


@app.route("events", methods=["POST"])
@app.event_grid_output(arg_name="event", topic_endpoint_uri="TOPIC", topic_key_setting="TOPIC_KEY")
def publish(req: func.HttpRequest, event: func.Out[func.EventGridOutputEvent]) -> str:
    event.set(
        func.EventGridOutputEvent(
            id=req.get_json()["id"],
            subject="models/iris",
            event_type="Ours.Trained",
            event_time=datetime.datetime.now(datetime.UTC),
            data={"accuracy": 0.9},
            data_version="1",
        )
    )
    return "published"


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
@app.service_bus_queue_output(arg_name="$return", queue_name="missing", connection="BUS")
def send_nowhere(timer: func.TimerRequest) -> str:
    return "lost"


@app.blob_trigger(arg_name="blob", path="landing/{name}", connection="ACCOUNT", source="EventGrid")
@app.queue_output(arg_name="$return", queue_name="landed", connection="ACCOUNT")
def landed(blob: func.InputStream) -> func.QueueMessage:
    return func.QueueMessage(body=f"{blob.name} has {blob.length} bytes")
