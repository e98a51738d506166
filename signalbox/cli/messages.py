"""Ask for inference by a message, as the Data Hub's other systems do, and hear what becomes of it."""

import json
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from signalbox.cli.app_client import find_endpoints
from signalbox.launcher.messaging import FOLLOWER, HUB_QUEUE, RESULTS_TOPIC

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusClient


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="CONTAINER/PATH...")
@click.option("--route", default="", help="The route that must take the files.")
@click.option("--session", default="signalbox-cli", show_default=True, help="The key whose order is kept.")
@click.option("--wait", "patience", default=0, show_default=True, help="Seconds to wait for the results.")
def send(paths: tuple[str, ...], route: str, session: str, patience: int) -> None:
    """Send a message to the local hub's queue that names files of the hub."""
    from azure.servicebus import ServiceBusClient, ServiceBusMessage  # Not before it is needed: it is slow to import.

    message_id = f"cli-{uuid4().hex[:12]}"
    body = {"paths": list(paths)} | ({"route": route} if route else {})
    message = ServiceBusMessage(json.dumps(body), message_id=message_id, session_id=session)
    with ServiceBusClient.from_connection_string(find_endpoints().service_bus) as client:
        with client.get_queue_sender(HUB_QUEUE) as sender:
            sender.send_messages(message)
        click.echo(f"sent {message_id} in session {session}")
        if patience and _hear(client, message_id, len(paths), patience) < len(paths):
            raise click.ClickException(f"not all results came within {patience} s; see `signalbox status`")


def _hear(client: "ServiceBusClient", correlation: str, wanted: int, patience: int) -> int:
    """Print the results of one message; those of others are taken off the command's own subscription too."""
    heard, deadline = 0, time.monotonic() + patience
    with client.get_subscription_receiver(RESULTS_TOPIC, FOLLOWER) as receiver:
        while heard < wanted and (left := deadline - time.monotonic()) > 0:
            for message in receiver.receive_messages(20, max_wait_time=left):
                receiver.complete_message(message)
                if message.correlation_id == correlation:
                    heard += 1
                    told = json.loads(str(message))
                    click.echo(f"{told['outcome']}  {told['run']}  {told['manifest'] or told['because']}")
    return heard
