"""The demonstration: held-out patients travel from the hub to published predictions, and every one is verified.

It trains the example's model, brings up a local cloud of its own, and reads the result back as a consumer would.
"""

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import requests
from azure.storage.blob import BlobServiceClient

from signalbox.cli.app_client import AppClient
from signalbox.cli.example import deploy_example, train_example
from signalbox.cli.hub import upload
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.hub import hub_client

_PATIENCE_S = 60.0
_GOOD, _BAD = "landing/diabetes/each/north/holdout.csv", "landing/diabetes/each/north/broken.csv"


class Timeline:
    """Says what happens when, in seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, what: str, detail: str = "") -> None:
        click.echo(f"{time.monotonic() - self._start:6.2f} s  {what:<24} {detail}".rstrip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What every scene needs."""

    cloud: LocalCloud
    app: AppClient
    hub: BlobServiceClient
    line: Timeline
    folder: Path


def run_demo(project: Path, state: Path) -> None:
    """Raises click.ClickException where anything is not as it should be."""
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    line = Timeline()
    facts = train_example(project, state / "example")
    line.say("model trained", f"{facts['rows']['train']} patients, mean absolute error {facts['metrics']['mae']:.1f}")
    with LocalCloud(project, state) as cloud, hub_client(cloud.endpoints) as hub:
        line.say("local cloud up", f"app {cloud.endpoints.app}, hub {cloud.endpoints.hub}")
        app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)
        stage = Stage(cloud=cloud, app=app, hub=hub, line=line, folder=state / "example")
        deployed = deploy_example(project, stage.folder, cloud.endpoints)
        where = f"{deployed.endpoint}/{deployed.deployment}"
        line.say("model deployed", f"{deployed.model}:{deployed.version} behind batch endpoint {where}")
        run = _score_patients(stage)
        _repeat_event(stage, run)
        _quarantine(stage)
        line.say("done", f"logs in {state / 'logs'}")


def _score_patients(stage: Stage) -> str:
    upload(stage.hub, stage.folder / "holdout.csv", _GOOD)
    stage.line.say("file landed", _GOOD)
    run = _await_run(stage, bool)
    stage.line.say("run started", run)
    shown = _await_outcome(stage, run)
    _expect(shown["outcome"] == "completed", f"run {run} ended as {shown['outcome']}: {shown['because']}")
    stage.line.say("run completed", shown["because"])
    _verify(stage, shown["manifest"])
    return run


def _verify(stage: Stage, manifest_path: str) -> None:
    """Every published prediction against the model called directly; every byte against the manifest."""
    manifest = json.loads(_read(stage.hub, manifest_path))
    folder, lines = manifest_path.rpartition("/")[0], list[str]()
    for file in manifest["files"]:
        data = _read(stage.hub, f"{folder}/{file['name']}")
        _expect(hashlib.sha256(data).hexdigest() == file["sha256"], f"{file['name']} is not what its manifest says")
        lines += data.decode().splitlines()
    published = {fields[1]: float(fields[2]) for fields in (line.split(" ") for line in lines)}
    direct = _predict_directly(stage.folder)
    _expect(published.keys() == direct.keys(), "the published patients are not those of the file")
    worst = max(abs(published[patient] - direct[patient]) for patient in direct)
    _expect(worst < 1e-5, f"a published prediction differs from the model's by {worst}")
    stage.line.say("predictions published", folder)
    stage.line.say(
        "verified", f"{len(direct)} predictions equal the model called directly (largest difference {worst:.0e})"
    )
    events = _control(stage, "/_events?topic=signalbox")
    kinds = [event["event"]["type"] for event in events]
    _expect(kinds == ["Signalbox.Inference.Completed"], f"announced {kinds}")
    stage.line.say("announced", f"{kinds[0]}, event {events[0]['event']['id']}")


def _predict_directly(folder: Path) -> dict[str, float]:
    import joblib
    import pandas as pd

    rows = pd.read_csv(folder / "holdout.csv")
    model = joblib.load(folder / "model" / "model.joblib")
    predicted = model.predict(rows[list(model.feature_names_in_)])
    return dict(zip(rows["id"], (float(value) for value in predicted), strict=True))


def _repeat_event(stage: Stage, run: str) -> None:
    events = _control(stage, "/_events?topic=hub&type=Microsoft.Storage.BlobCreated")
    event = next(
        row["event"]["id"]
        for row in events
        if row["event"]["subject"].endswith("/holdout.csv") and "/landing/" in row["event"]["subject"]
    )
    _control(stage, "/_deliver", {"event": event, "times": 3})
    _await(lambda: len(stage.app.get(f"runs/{run}")["duplicates"]) == 3, "the repeated events were not recorded")
    jobs = _control(stage, "/_effects")["jobs"]
    _expect(list(jobs.values()) == [1], f"jobs were submitted {jobs}")
    stage.line.say("same event three times", "three records that say why not, still one job")


def _quarantine(stage: Stage) -> None:
    broken = stage.folder / "broken.csv"
    rows = (stage.folder / "holdout.csv").read_text().splitlines()
    fields = rows[1].split(",")
    fields[3] = "-1"
    broken.write_text("\n".join([rows[0], ",".join(fields), *rows[2:]]) + "\n")
    upload(stage.hub, broken, _BAD)
    stage.line.say("bad file landed", f"{_BAD}: one patient has a negative body mass index")
    run = _await_run(stage, lambda row: not row["outcome"])
    _await(lambda: stage.app.get(f"runs/{run}")["step"] == "quarantined", f"run {run} was not quarantined")
    report = json.loads(_read(stage.hub, f"quarantine/diabetes-each/{run}/report.json"))
    stage.line.say("quarantined", report["summary"][0])
    stage.app.post(f"runs/{run}/release", {"reason": "known error of the scale", "by": "data-owner@example.org"})
    shown = _await_outcome(stage, run)
    _expect(shown["outcome"] == "completed", f"released run {run} ended as {shown['outcome']}: {shown['because']}")
    stage.line.say("released and scored", f"{shown['because']}; released by data-owner@example.org")


def _await_run(stage: Stage, fits: Callable[[dict[str, Any]], bool]) -> str:
    def newest() -> str:
        found = stage.app.get("runs", route="diabetes-each")["runs"]
        return found[0]["run"] if found and fits(found[0]) else ""

    return str(_await(newest, "no run was started"))


def _await_outcome(stage: Stage, run: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        shown = stage.app.get(f"runs/{run}")
        return shown if shown.get("outcome") else None

    return dict(_await(ended, f"run {run} did not end"))


def _await(look: Callable[[], Any], otherwise: str) -> Any:
    deadline = time.monotonic() + _PATIENCE_S
    while not (seen := look()):
        _expect(time.monotonic() < deadline, otherwise)
        threading.Event().wait(0.1)
    return seen


def _expect(fact: bool, otherwise: str) -> None:
    if not fact:
        raise click.ClickException(otherwise)


def _read(hub: BlobServiceClient, place: str) -> bytes:
    container, _, path = place.partition("/")
    return bytes(hub.get_blob_client(container, path).download_blob().readall())


def _control(stage: Stage, path: str, body: dict[str, Any] | None = None) -> Any:
    method = "GET" if body is None else "POST"
    answer = requests.request(
        method, stage.cloud.control(path), json=body, verify=str(stage.cloud.endpoints.ca), timeout=30
    )
    answer.raise_for_status()
    return answer.json()
