"""A sample app with Service Bus triggers: what arrives is written to the file EFFECTS, one line each, and flushed."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import List  # noqa: UP035 (the SDK refuses list[...])

import azure.functions as func

app = func.FunctionApp()
_tries: dict[str, int] = {}


def _write(*words: object) -> None:
    with Path(os.environ["EFFECTS"]).open("a") as file:
        file.write(json.dumps(words) + "\n")


@app.service_bus_queue_trigger(arg_name="message", queue_name="%ORDERS%", connection="BUS")
async def take(message: func.ServiceBusMessage) -> None:
    text = message.get_body().decode()
    _tries[text] = _tries.get(text, 0) + 1
    if text == "poison":
        sys.exit("poison ends the call, not the host")
    if text == "once" and _tries[text] == 1:
        raise ValueError(f"{text} cannot be taken")
    if text == "slow":
        await asyncio.sleep(2.5)  # Longer than the queue's lock.
    _write("take", text, message.delivery_count, message.message_id, message.application_properties)


@app.service_bus_queue_trigger(arg_name="message", queue_name="ordered", connection="BUS", is_sessions_enabled=True)
def in_order(message: func.ServiceBusMessage) -> None:
    _write("in_order", message.session_id, message.get_body().decode())


@app.service_bus_topic_trigger(
    arg_name="messages", topic_name="news", subscription_name="all", connection="BUS", cardinality="many"
)
def batch(messages: List[func.ServiceBusMessage]) -> None:  # noqa: UP006
    _write("batch", *sorted(message.get_body().decode() for message in messages))
