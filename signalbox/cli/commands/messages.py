"""Send messages to the local app over Service Bus, as the Data Hub's other systems do, and receive the results."""

import csv
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from signalbox.cli.app_client import find_endpoints
from signalbox.cli.errors import Undecided, Unreachable, Unusable, first_line
from signalbox.cli.progress import waiting
from signalbox.counting import counted
from signalbox.launcher.endpoints import listens
from signalbox.launcher.messaging import FOLLOWER, HUB_QUEUE, RECORDS_QUEUE, RESULTS_TOPIC

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusClient

_PATIENCE = click.option("--wait", "patience", default=0, show_default=True, help="Seconds to wait for the results.")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="CONTAINER/PATH...")
@click.option("--route", default="", help="The route that must take the files.")
@click.option("--session", default="signalbox-cli", show_default=True, help="The key whose order is kept.")
@_PATIENCE
def send(paths: tuple[str, ...], route: str, session: str, patience: int) -> None:
    """Send a message to the local hub's queue that names files of the hub."""
    body = {"paths": list(paths)} | ({"route": route} if route else {})
    with connect(_bus()) as client:
        ids = send_bodies(client, HUB_QUEUE, session, [body])
        click.echo(f"sent {ids[0]} in session {session}")
        _wait(client, ids, len(paths), patience)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--stream", "name", required=True, help="The stream of `signalbox.yaml` that takes them.")
@click.option("--key", default="signalbox-cli", show_default=True, help="The key whose order is kept.")
@click.option(
    "--each", "per_message", default=10, show_default=True, type=click.IntRange(1, 1000), help="Records in a message."
)
@_PATIENCE
def stream(file: Path, name: str, key: str, per_message: int, patience: int) -> None:
    """Send the rows of a CSV file as streaming records to the local queue."""
    bodies = bodies_of(name, _records(file), per_message)
    with connect(_bus()) as client:
        ids = send_bodies(client, RECORDS_QUEUE, key, bodies)
        records = counted(sum(len(body["records"]) for body in bodies), "record")
        click.echo(f"sent {records} in {counted(len(ids), 'message')} of key {key}")
        _wait(client, ids, len(ids), patience)


def _bus() -> str:
    """The local bus' connection string. Raises Unreachable at once where it does not run."""
    endpoints = find_endpoints()
    if not listens(endpoints.servicebus):
        raise Unreachable("no local Service Bus runs; start `signalbox up`, or see in its log why it is left out")
    return endpoints.service_bus


def _records(file: Path) -> list[dict[str, Any]]:
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines, restkey="", strict=True)
            rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise Unusable(f"{file} is no CSV file: {first_line(error)}; write a header and rows below it") from error
    for number, (line, row) in enumerate(rows, 1):
        if "" in row or None in row.values():
            place = f"row {number} (line {line})"
            raise Unusable(f"{file}: {place} has another number of fields than the header; make them equal")
    return [_record(row) for _, row in rows]


def connect(connection: str) -> "ServiceBusClient":
    from azure.servicebus import ServiceBusClient  # Not before it is needed: it is slow to import.

    return ServiceBusClient.from_connection_string(connection)


def bodies_of(name: str, records: Sequence[dict[str, Any]], per_message: int) -> list[dict[str, Any]]:
    """Messages of *per_message* records for the stream called *name*."""
    return [{"stream": name, "records": records[at : at + per_message]} for at in range(0, len(records), per_message)]


def send_bodies(
    client: "ServiceBusClient", queue: str, session: str, bodies: Sequence[Any], message_ids: Sequence[str] = ()
) -> list[str]:
    """Send *bodies* and return their message ids: *message_ids*, or new ones where there are none."""
    from azure.servicebus import ServiceBusMessage

    ids = list(message_ids) or [f"cli-{uuid4().hex[:12]}" for _ in bodies]
    with client.get_queue_sender(queue) as sender:
        for message_id, body in zip(ids, bodies, strict=True):
            sender.send_messages(ServiceBusMessage(json.dumps(body), message_id=message_id, session_id=session))
    return ids


def hear(client: "ServiceBusClient", ids: Sequence[str], count: int, patience: float) -> Iterator[dict[str, Any]]:
    """The results that answer the messages *ids*, as they come; others' are taken off the subscription too."""
    deadline = time.monotonic() + patience
    with client.get_subscription_receiver(RESULTS_TOPIC, FOLLOWER) as receiver:
        while count and (remaining_s := deadline - time.monotonic()) > 0:
            for message in receiver.receive_messages(20, max_wait_time=remaining_s):
                receiver.complete_message(message)
                if message.correlation_id in ids:
                    count -= 1
                    yield {**json.loads(str(message)), "answers": message.correlation_id}


def _wait(client: "ServiceBusClient", ids: Sequence[str], count: int, patience: int) -> None:
    """Print the results; those of one run once, however many messages they answer."""
    answers, lines = 0, set[str]()
    with waiting("waiting for the results"):
        for result in hear(client, ids, count, patience) if patience else ():
            answers += 1
            if (
                line := f"{result['outcome']}  {result['run']}  {result['manifest'] or result['because']}"
            ) not in lines:
                lines.add(line)
                click.echo(line)
    if patience and answers < count:
        raise Undecided(f"not all results came within {patience} s; see `signalbox status`")


def _record(row: dict[str, str]) -> dict[str, Any]:
    """A row as a record. Texts that are numerals become numbers, because a CSV file has no types."""
    return {name: _value(text) for name, text in row.items()}


def _value(text: str) -> Any:
    try:
        number = json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text or None
    return number if isinstance(number, int | float) and not isinstance(number, bool) else text


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")
