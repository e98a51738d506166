"""The first story: held-out patients travel from the hub to published predictions, and every one is verified."""

import hashlib
import json
from pathlib import Path
from typing import Any

from signalbox.cli.commands.hub import upload
from signalbox.cli.demonstrations.stage import Stage, control, expect, read, signed_in, wait_for

_GOOD, _BAD = "landing/diabetes/each/north/holdout.csv", "landing/diabetes/each/north/broken.csv"

_OWNER = "owner@example.org"


def tell_inference(stage: Stage) -> None:
    """Score what lands, see that repeats change nothing, quarantine what is bad and release it."""
    run = _score_patients(stage)
    _repeat_event(stage, run)
    _quarantine(stage)


def _score_patients(stage: Stage) -> str:
    earlier = _runs(stage)
    upload(stage.hub, stage.folder / "holdout.csv", _GOOD)
    stage.line.say("file landed", _GOOD)
    run = _await_run(stage, earlier)
    stage.line.say("run started", run)
    record = _await_outcome(stage, run)
    expect(record["outcome"] == "completed", f"run {run} ended as {record['outcome']}: {record['because']}")
    stage.line.say("run completed", record["because"])
    _verify(stage, run, record["manifest"])
    return run


def _verify(stage: Stage, run: str, manifest_path: str) -> None:
    """Every published prediction against the model called directly; every byte against the manifest."""
    direct = predict_directly(stage.folder)
    worst = largest_difference(published_predictions(stage, manifest_path), direct)
    stage.line.say("predictions published", manifest_path.rpartition("/")[0])
    stage.line.say(
        "verified", f"{len(direct)} predictions equal the model called directly (largest difference {worst:.0e})"
    )
    rows = control(stage, "/_events?topic=signalbox")
    events = [row for row in rows if run in row["event"]["id"]]
    kinds = [event["event"]["type"] for event in events]
    expect(kinds == ["Signalbox.Inference.Completed"], f"announced {kinds}")
    stage.line.say("announced", f"{kinds[0]}, event {events[0]['event']['id']}")


def largest_difference(predictions: list[tuple[str, float]], direct: dict[str, float]) -> float:
    """By how much a published prediction differs from the model's own at most, once each patient has exactly one."""
    expect(
        sorted(name for name, _ in predictions) == sorted(direct), "not every patient has one prediction, and no more"
    )
    differences = [abs(value - direct[name]) for name, value in predictions]
    worst = max(differences)
    # Asked of each: where one is no number, the largest may be another.
    expect(all(difference < 1e-5 for difference in differences), f"a prediction differs from the model's by {worst}")
    return worst


def published_predictions(stage: Stage, manifest_path: str) -> list[tuple[str, float]]:
    """Patient and prediction of every row; each file is what the manifest says it is."""
    manifest = json.loads(read(stage.hub, manifest_path))
    folder, lines = manifest_path.rpartition("/")[0], list[str]()
    for file in manifest["files"]:
        data = read(stage.hub, f"{folder}/{file['name']}")
        expect(hashlib.sha256(data).hexdigest() == file["sha256"], f"{file['name']} is not what its manifest says")
        lines += data.decode().splitlines()
    return [(fields[1], float(fields[2])) for fields in (line.split(" ") for line in lines)]


def predict_directly(folder: Path) -> dict[str, float]:
    import joblib
    import pandas as pd

    rows = pd.read_csv(folder / "holdout.csv")
    model = joblib.load(folder / "model" / "model.joblib")
    predictions = model.predict(rows[list(model.feature_names_in_)])
    return dict(zip(rows["id"], (float(value) for value in predictions), strict=True))


def _repeat_event(stage: Stage, run: str) -> None:
    events = control(stage, "/_events?topic=hub&type=Microsoft.Storage.BlobCreated")
    landing = f"/blobs/{_GOOD.partition('/')[2]}"
    event = [row["event"]["id"] for row in events if row["event"]["subject"].endswith(landing)][-1]
    control(stage, "/_deliver", {"event": event, "times": 3})
    wait_for(lambda: len(stage.app.get(f"runs/{run}")["duplicates"]) == 3, "the repeated events were not recorded")
    jobs = {name: count for name, count in control(stage, "/_effects")["jobs"].items() if run in name}
    expect(list(jobs.values()) == [1], f"jobs were submitted {jobs}")
    stage.line.say("same event three times", "three records that say why not, still one job")


def _quarantine(stage: Stage) -> None:
    broken_file = stage.folder / "broken.csv"
    rows = (stage.folder / "holdout.csv").read_text().splitlines()
    fields = rows[1].split(",")
    fields[3] = "-1"
    broken_file.write_text("\n".join([rows[0], ",".join(fields), *rows[2:]]) + "\n")
    earlier = _runs(stage)
    upload(stage.hub, broken_file, _BAD)
    stage.line.say("bad file landed", f"{_BAD}: one patient has a negative body mass index")
    run = _await_run(stage, earlier)
    wait_for(lambda: stage.app.get(f"runs/{run}")["step"] == "quarantined", f"run {run} was not quarantined")
    report = json.loads(read(stage.hub, f"quarantine/diabetes-each/{run}/report.json"))
    stage.line.say("quarantined", report["summary"][0])
    signed_in(stage, _OWNER).post(f"runs/{run}/release", {"reason": "known error of the scale"})
    record = _await_outcome(stage, run)
    expect(record["outcome"] == "completed", f"released run {run} ended as {record['outcome']}: {record['because']}")
    stage.line.say("released and scored", f"{record['because']}; released by {_OWNER}")


def _runs(stage: Stage) -> set[str]:
    return {row["run"] for row in stage.app.get("runs", route="diabetes-each")["runs"]}


def _await_run(stage: Stage, earlier: set[str]) -> str:
    """The one run that was started after the *earlier* ones."""
    (run,) = wait_for(lambda: _runs(stage) - earlier, "no run was started")
    return str(run)


def _await_outcome(stage: Stage, run: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        record = stage.app.get(f"runs/{run}")
        return record if record.get("outcome") else None

    return dict(wait_for(ended, f"run {run} did not end"))
