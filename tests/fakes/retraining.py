"""Fakes of retraining's ports: pipelines that train in memory and write what real ones write, and data assets."""

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import IO, Any

from shared.domain.failures import Refused, Transient
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import ModelVersion
from shared.domain.retraining.pipelines import Pipeline, PipelineRun, PipelineRunSeen
from shared.ports import AssetFile, AssetListing, RegisteredModel, Shelf
from tests.fakes.ports import MemoryHub
from tests.fakes.promotion import MemoryBundles, MemoryCloud

_PATHS = "azureml://datastores/hub_staging/paths/"


class MemoryPipelines:
    """A run ends at its second look, with a model whose predictions are off by about `error`."""

    def __init__(self, hub: MemoryHub, cloud: MemoryCloud, bundles: MemoryBundles, now: Callable[[], datetime]) -> None:
        self._hub, self._cloud, self._bundles, self._now = hub, cloud, bundles, now
        self.runs: dict[str, PipelineRunSeen] = {}
        self.asked: dict[str, PipelineRun] = {}
        self.submissions: Counter[str] = Counter()
        self.cancelled: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.roots: dict[str, str] = {}  # Of steps.
        self.looks: Counter[str] = Counter()
        self.error = 1.0
        self.status_after: Callable[[int], str] = lambda looks: "Completed" if looks > 1 else "Running"
        self.logged: dict[str, float] = {}
        self.spoil: Callable[[list[str]], list[str]] = lambda lines: lines
        self.lose_next_answer = False
        self.during: Callable[[str], None] = lambda run: None
        self.before: Callable[[], None] = lambda: None  # Before a run is made.

    def submit(self, run: PipelineRun) -> PipelineRunSeen:
        found = self.find(run.pipeline, run.name)
        if found is not None:
            return found
        self.before()
        made = PipelineRunSeen(
            id=f"train-{len(self.runs) + 1}", name=run.name, status="Running", started=self._now().isoformat()
        )
        self._cloud.touch(f"train {run.pipeline.workspace.name}/{run.name}", lambda: self._begin(made, run))
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise Transient("the connection was lost after the run was made")
        return made

    def find(self, pipeline: Pipeline, name: str) -> PipelineRunSeen | None:
        return next((run for run in self.runs.values() if run.name == name), None)

    def look(self, pipeline: Pipeline, run: str) -> PipelineRunSeen:
        self.looks[run] += 1
        self.during(run)
        there = self.runs[run]
        if there.status != "Running":
            return there
        status = "Canceled" if run in self.cancelled else self.status_after(self.looks[run])
        ended = "" if status == "Running" else self._now().isoformat()
        self.runs[run] = replace(there, status=status, ended=ended, because=self.cancelled.get(run, ""))
        return self.runs[run]

    def cancel(self, pipeline: Pipeline, run: str, because: str) -> None:
        if run not in self.runs:
            raise Refused(f"run {run} is not there any more")
        if self.runs[run].status == "Running":
            self.cancelled.setdefault(run, because)

    def tag(self, pipeline: Pipeline, run: str, tags: Mapping[str, str]) -> None:
        self.tags[run].update(tags)

    def root(self, pipeline: Pipeline, run: str) -> str:
        return self.roots.get(run, run)

    def metrics(self, pipeline: Pipeline, run: str) -> dict[str, float]:
        return dict(self.logged)

    def _begin(self, made: PipelineRunSeen, run: PipelineRun) -> None:
        self.runs[made.id], self.asked[made.id], self.tags[made.id] = made, run, dict(run.tags)
        self.submissions[run.name] += 1
        self._train(run)

    def _train(self, run: PipelineRun) -> None:
        """Writes model, extras and metrics, and predictions for the hold-out where it was given one."""
        predictor = noisy(run.name, self.error)
        folder = run.output.removeprefix(_PATHS)
        if "holdout" in run.data:
            self._predict(run, folder, predictor)
        self._hub.create("signalbox-staging", f"{folder}/metrics.json", b'{"mae": 0.5, "recipe": "x"}')
        self._hub.create("signalbox-staging", f"{folder}/lineage.json", b'{"code_commit": "0123abc"}')
        self._cloud.predict[run.name] = predictor
        if "signalbox.promotion" in run.tags:  # It will be registered as the version it was trained for.
            self._cloud.predict[run.tags["signalbox.model"]] = predictor
        self._leave(run, predictor({"x": 7}))

    def _predict(self, run: PipelineRun, folder: str, predictor: Callable[[Mapping[str, Any]], float]) -> None:
        raw = self._hub.read("signalbox-staging", f"{run.data['holdout'].removeprefix(_PATHS)}/holdout.csv") or b""
        header, *rows = raw.decode().splitlines()
        names = header.split(",")
        asked = [dict(zip(names, row.split(","), strict=True)) for row in rows]
        lines = self.spoil(["id,prediction", *(f"{row['id']},{predictor(row)!r}" for row in asked)])
        self._hub.create("signalbox-staging", f"{folder}/predictions.csv", "\n".join(lines).encode())

    def _leave(self, run: PipelineRun, answer: float) -> None:
        golden: dict[str, Any] = {"request": {"input_data": {"columns": ["x"], "index": [0], "data": [[7]]}}}
        golden["response"] = [answer]
        extras = {"code/online.py": b"x", "environment/conda.yaml": b"y"}
        extras["golden/requests.jsonl"] = json.dumps(golden).encode()
        place, asset = run.pipeline.workspace, ModelVersion(name="any", version="0")
        shelf = Shelf(place=place, folder=f"{run.output}/model", asset=asset)
        self._bundles.put(shelf, "model.bin", f"weights of {run.name}".encode())
        for path, data in extras.items():
            self._bundles.put(Shelf(place=place, folder=f"{run.output}/extras", asset=asset), path, data)


class MemoryDataAssets:
    """*contents* are the files of assets that others have registered, by ENVIRONMENT/NAME:VERSION and name."""

    def __init__(self) -> None:
        self.registered: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, dict[str, bytes]] = {}
        self.seen = ("datahub", "archive")
        self.storages = {"hub_staging": ("datahub", "signalbox-staging")}

    def storage(self, workspace: Workspace, datastore: str) -> tuple[str, str]:
        if datastore not in self.storages:
            raise Refused(f"datastore {datastore} is not in {workspace.name}")
        return self.storages[datastore]

    def files(self, workspace: Workspace, name: str, version: str, most: int) -> AssetListing:
        key = f"{workspace.name}/{name}:{version}"
        if key not in self.contents:
            raise Refused(f"data {name}:{version} is not in {workspace.name}; name a version that is registered there")
        address, content = f"azureml://datastores/seen/paths/{name}/{version}", self.contents[key]
        files = [
            AssetFile(name=file, datastore="seen", path=f"{key}/{file}", etag=str(hash(data)), size=len(data))
            for file, data in sorted(content.items())
        ]
        return AssetListing(address=address, storage=self.seen, files=tuple(files[: most + 1]))

    def fetch(self, workspace: Workspace, file: AssetFile, target: IO[bytes]) -> None:
        data = self.contents[file.path.removesuffix(f"/{file.name}")][file.name]
        if str(hash(data)) != file.etag:
            raise Refused(f"{file.path} is no longer the one that was listed")
        target.write(data)

    def register(self, workspace: Workspace, name: str, version: str, folder: str, tags: Mapping[str, str]) -> None:
        key = f"{workspace.name}/{name}:{version}"
        asset = self.registered.setdefault(key, {"folder": folder, "tags": dict(tags)})
        if asset["folder"] != folder:
            raise Refused(f"data {name}:{version} of {workspace.name} is another")


class Predictors(dict[str, Callable[[Mapping[str, Any]], float]]):
    """By model version; one that a run has trained predicts as that run's challenger did."""

    def __init__(self, cloud: MemoryCloud) -> None:
        super().__init__()
        self._cloud = cloud

    def __missing__(self, model: str) -> Callable[[Mapping[str, Any]], float]:
        registered = self._cloud.state["assets"][f"dev/models/{model}"]
        assert isinstance(registered, RegisteredModel)
        return self[f"signalbox-{registered.tags['signalbox.run']}"]


def noisy(seed: str, error: float) -> Callable[[Mapping[str, Any]], float]:
    """Predicts x, off by at most twice *error*: another way for each *seed*."""
    noise = random.Random(seed)
    off = [noise.uniform(-2, 2) * error for _ in range(1000)]
    return lambda row: float(row["x"]) + off[int(row["x"])]
