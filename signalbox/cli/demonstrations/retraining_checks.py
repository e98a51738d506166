"""Checks of one turn of the loop that do not ask the app: in Azure ML, at the endpoint, in the hub."""

import io
import json
from typing import Any

from signalbox.cli.demonstrations.retraining_turn import MODEL, Turn, entries
from signalbox.cli.demonstrations.stage import Stage, control, expect, read
from signalbox.launcher.ml_client import ml_client

_FEATURES = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
_PREPROD, _ONLINE = "mlw-preprod", "diabetes-online-preprod"
_CLOSE = 1e-5


def check_better(stage: Stage, turn: Turn) -> None:
    """The challenger serves in pre-production, is a candidate in the registry, and is better by our own arithmetic."""
    run, state = turn.run, _state(stage)
    expect(run["outcome"] == "better", f"the run ended as {run['outcome']}: {run['because']}")
    fate = turn.promotion.get("fate")
    expect(fate == "promoted", f"the promotion ended as {fate}: {turn.promotion.get('because')}")
    expect(
        served_model(state) == run["challenger"],
        f"pre-production serves {served_model(state)}, not {run['challenger']}",
    )
    entry = _tags(state, f"/registries/mlr-central/models/{MODEL}/versions/2")
    workspace_tags = _tags(state, f"/workspaces/{_PREPROD}/models/{MODEL}/versions/2")
    expect(entry.get("signalbox.state") == "candidate", f"the registry's entry has the tags {entry}")
    expect(entry["signalbox.digest"] == workspace_tags["signalbox.digest"], "the registry's entry is of another bundle")
    stage.line.say("candidate entered", f"{run['challenger']} in mlr-central, {entry['signalbox.digest'][:23]}")
    _check_answers(stage, run["run"])
    _check_alone(stage, turn)


def registered(stage: Stage) -> set[str]:
    """All versions of the model, wherever they are."""
    return {path for path in _state(stage) if f"/models/{MODEL}/versions/" in path}


def check_refused(stage: Stage, turn: Turn, champion: str, before: set[str]) -> None:
    """Nothing was registered beside the versions of *before*, and the champion still serves."""
    run, state = turn.run, _state(stage)
    expect(run["outcome"] == "not better", f"the run ended as {run['outcome']}: {run['because']}")
    expect(not run["challenger"], f"{run['challenger']} was registered")
    strange = registered(stage) - before
    expect(not strange, f"there are {strange}")
    expect(served_model(state) == champion, f"pre-production serves {served_model(state)}, not {champion}")
    _check_alone(stage, turn)
    stage.line.say("nothing changed", f"{champion} goes on in pre-production; nothing was registered anywhere")


def _check_answers(stage: Stage, run: str) -> None:
    """Both models on the hold-out of the new devices; the endpoint answers as the pipeline said it would."""
    import joblib
    import pandas as pd

    holdout = pd.read_csv(stage.folder / "devices" / "holdout.csv").set_index("id")
    truth = pd.read_csv(stage.folder / "answers.csv").set_index("id")["progression"].loc[holdout.index]
    model = joblib.load(stage.folder / "model" / "model.joblib")
    before = abs(model.predict(holdout[list(model.feature_names_in_)]) - truth).mean()
    content = read(stage.hub, f"signalbox-staging/retraining/{run}/output/predictions.csv")
    predictions = pd.read_csv(io.BytesIO(content)).set_index("id")["progression"].loc[holdout.index]
    after = abs(predictions - truth).mean()
    answers = pd.Series(_ask(stage, holdout[_FEATURES]), index=holdout.index)
    worst = abs(answers - predictions).max(skipna=False)  # A prediction that is no number is not close.
    expect(worst < _CLOSE, f"an answer of pre-production differs from the challenger's prediction by {worst}")
    judgement = json.loads(read(stage.hub, f"signalbox/retraining-runs/{run}/evaluation.json"))
    expect(
        abs(judgement["metrics"]["mae"] - after) < _CLOSE, f"the app judged {judgement['metrics']}, here it is {after}"
    )
    expect(after < before, f"the challenger's error is {after}, the champion's {before}")
    stage.line.say(
        "verified", f"mean absolute error {before:.1f} before, {after:.1f} now, on {len(holdout)} held-out patients"
    )


def _ask(stage: Stage, rows: Any) -> list[float]:
    """What pre-production's endpoint answers, asked by the real client."""
    frame = {"columns": list(rows), "index": list(range(len(rows))), "data": rows.to_numpy().tolist()}
    file = stage.folder / "asked.json"
    file.write_text(json.dumps({"input_data": frame}))
    with ml_client(stage.cloud.endpoints, _PREPROD) as client:
        return list(json.loads(client.online_endpoints.invoke(_ONLINE, request_file=str(file))))


def _check_alone(stage: Stage, turn: Turn) -> None:
    """Check that one job ran and that the audit log names no person."""
    run = turn.run["run"]
    jobs = control(stage, "/_effects")["jobs"]
    submissions = {name: count for name, count in jobs.items() if run in name}
    expect(list(submissions.values()) == [1], f"the training was submitted {submissions or jobs}")
    actors = {entry["who"] for entry in entries(stage, turn.started_at)} - {"signalbox", f"retraining {run}"}
    expect(not actors, f"{', '.join(actors)} had a hand in it")


def _state(stage: Stage) -> dict[str, Any]:
    return dict(control(stage, "/_control/state", door="azureml"))


def served_model(state: dict[str, Any]) -> str:
    """`name:version` behind the deployment with all of the traffic in pre-production, empty where there is none."""
    suffix = f"/{_PREPROD}/onlineendpoints/{_ONLINE}"
    endpoint = next((path for path in state if path.lower().endswith(suffix)), "")
    if not endpoint:
        return ""
    name = next(
        (deployment for deployment, share in state[endpoint]["properties"]["traffic"].items() if share == 100), ""
    )
    deployments = [state[path] for path in state if path.lower() == f"{endpoint}/deployments/{name}".lower()]
    parts = deployments[0]["properties"]["model"].split("/") if deployments else [""]
    return f"{parts[-3]}:{parts[-1]}" if len(parts) > 3 else ""


def _tags(state: dict[str, Any], end: str) -> dict[str, str]:
    tags = next((body["properties"].get("tags") for path, body in state.items() if path.endswith(end)), None)
    expect(tags is not None, f"there is no {end}")
    return dict(tags or {})
