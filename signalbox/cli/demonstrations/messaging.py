"""The story of Service Bus: the Data Hub asks a model by messages, streams records to it, and hears the answers.

It trains the example's model, brings up a local cloud of its own, and checks everything it says.
"""

import csv
import io
import json
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signalbox.cli.app_client import AppClient
from signalbox.cli.commands.hub import upload
from signalbox.cli.commands.messages import bodies_of, connect, hear, send_bodies
from signalbox.cli.demonstrations.example import deploy_example, train_example
from signalbox.cli.demonstrations.inference import largest_difference, predict_directly, published_predictions
from signalbox.cli.demonstrations.stage import Stage, Timeline, expect, read, wait_for
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client
from signalbox.launcher.messaging import HUB_QUEUE, RECORDS_QUEUE
from signalbox.product import app_folder

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusClient

_FILE, _STREAM = "landing/diabetes/each/bergen/holdout.csv", "diabetes-visits"
_TEXTS = ("id",)
_EACH, _PATIENCE_S = 2, 60.0


def run_messaging_demo(project: Path, state: Path) -> None:
    """Run the demonstration. Raises click.ClickException if any check fails."""
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    train_example(project, state / "example")
    line.say("model trained", "on the diabetes study; a quarter of the patients is held out")
    with LocalCloud(app_folder(), state, workers=1) as cloud, hub_client(cloud.endpoints) as hub:
        expect(bool(cloud.endpoints.service_bus), "there is no Service Bus emulator: see docs/service-bus.md")
        line.say(
            "local cloud up", f"app {cloud.endpoints.app}, Service Bus sb://localhost:{cloud.endpoints.servicebus}"
        )
        app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)
        stage = Stage(cloud=cloud, app=app, hub=hub, line=line, folder=state / "example", project=project)
        deploy_example(project, stage.folder, cloud.endpoints)
        tell_messaging(stage)
        line.say("done", f"logs in {state / 'logs'}")


def tell_messaging(stage: Stage) -> None:
    """Ask by a message, send what cannot be used, and stream records."""
    with connect(stage.cloud.endpoints.service_bus) as client:
        _ask(stage, client)
        _poison(stage, client)
        _stream(stage, client)


def _ask(stage: Stage, client: "ServiceBusClient") -> None:
    """A message that names a file of the hub; the file's own event comes as well."""
    earlier = _runs(stage)
    upload(stage.hub, stage.folder / "holdout.csv", _FILE)
    (message_id,) = send_bodies(client, HUB_QUEUE, "bergen", [{"paths": [_FILE], "route": "diabetes-each"}])
    stage.line.say("message sent", f"{message_id} to queue {HUB_QUEUE}: {_FILE}")
    (result,) = hear(client, [message_id], 1, _PATIENCE_S)
    expect(result["outcome"] == "completed", f"the run ended as {result['outcome']}: {result['because']}")
    runs = _runs(stage) - earlier
    expect(len(runs) == 1, f"event and message made {len(runs)} runs")
    stage.line.say("answer on the topic", f"{result['outcome']}, to {result['answers']}; event and message are one run")
    _verify(stage, {result["manifest"]}, predict_directly(stage.folder))


def _poison(stage: Stage, client: "ServiceBusClient") -> None:
    """A message that names a path outside the hub, and one without a record that keeps the contract."""
    earlier = {letter["path"] for letter in _letters(stage)}
    (outside,) = send_bodies(client, HUB_QUEUE, "oslo", [{"paths": ["landing/../signalbox/runs/x.csv"]}])
    # A message with one good record is no poison: the good one is scored, the bad one is a letter.
    broken_rows = [{**row, "bmi": -1} for row in _records(stage)[:2]]
    (bad,) = send_bodies(client, RECORDS_QUEUE, "oslo", bodies_of(_STREAM, broken_rows, _EACH))
    for queue, message_id in ((HUB_QUEUE, outside), (RECORDS_QUEUE, bad)):
        reason = wait_for(partial(_dead, client, queue), f"the queue {queue} dead-lettered nothing")
        stage.line.say("poison dead-lettered", f"{message_id} by {queue}: {reason}")
    letters = [letter for letter in _letters(stage) if letter["path"] not in earlier]
    queued_paths = [letter["path"] for letter in letters if letter["path"].startswith("service-bus/")]
    new_letters = [letter for letter in letters if letter["path"] not in queued_paths]
    reasons = {_letter(stage, letter["path"])["event"]["id"]: letter["reason"] for letter in new_letters}
    expect(reasons.keys() == {outside, bad}, f"stored are {reasons}")
    expect(len(queued_paths) == 2, f"of the queues' own dead letters are listed {queued_paths}")
    for message_id in (outside, bad):
        stage.line.say("  why, as stored", f"{message_id}: {reasons[message_id][:110]}")


def _stream(stage: Stage, client: "ServiceBusClient") -> None:
    """Records two by two, some of them sent twice; they become files by count and by age."""
    records = _records(stage)[:60]
    bodies = bodies_of(_STREAM, records, _EACH)
    ids = send_bodies(client, RECORDS_QUEUE, "oslo", bodies)
    send_bodies(client, RECORDS_QUEUE, "oslo", bodies[:5], message_ids=ids[:5])
    stage.line.say("records streamed", f"{len(records)} in {len(ids)} messages of key oslo, 5 messages sent twice")
    results = list(hear(client, ids, len(ids), _PATIENCE_S))
    expect({result["answers"] for result in results} == {*ids}, f"{len(results)} of {len(ids)} messages were answered")
    expect({result["outcome"] for result in results} == {"completed"}, f"not every run completed: {results}")
    for file in sorted({result["file"] for result in results}):
        answer_count = sum(result["file"] == file for result in results)
        stage.line.say("micro-batch scored", f"{file.rpartition('/')[2]}: answers {answer_count} messages")
    direct = predict_directly(stage.folder)
    _verify(stage, {result["manifest"] for result in results}, {row["id"]: direct[row["id"]] for row in records})


def _verify(stage: Stage, manifests: set[str], direct: dict[str, float]) -> None:
    predictions = [pair for manifest in sorted(manifests) for pair in published_predictions(stage, manifest)]
    largest_difference(predictions, direct)
    stage.line.say("verified", f"{len(predictions)} predictions, each once, equal the model called directly")


def _records(stage: Stage) -> list[dict[str, Any]]:
    rows = csv.DictReader(io.StringIO((stage.folder / "holdout.csv").read_text()))
    return [{name: text if name in _TEXTS else json.loads(text) for name, text in row.items()} for row in rows]


def _dead(client: "ServiceBusClient", queue: str) -> str:
    """Why the queue gave up on a message, empty where it has not."""
    from azure.servicebus import ServiceBusSubQueue

    with client.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        messages = receiver.peek_messages(1)
    return str(messages[0].dead_letter_reason) if messages else ""


def _letters(stage: Stage) -> list[dict[str, Any]]:
    return list(stage.app.get("dead-letters")["letters"])


def _runs(stage: Stage) -> set[str]:
    return {row["run"] for row in stage.app.get("runs", route="diabetes-each")["runs"]}


def _letter(stage: Stage, path: str) -> dict[str, Any]:
    return dict(json.loads(read(stage.hub, f"dead-letters/{path}")))
