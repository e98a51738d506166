"""A model that takes no time to train: its pipeline, its configuration, and a host that dies on the way."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from signalbox.launcher.hub import hub_client
from tests.emulators.conftest import PROJECT, Ml
from tests.emulators.small_pipeline import publish_step
from tests.onemachine.world import World

MODEL = "twice"
STEP = """
import csv, json, pathlib, sys
output, data, holdout = (pathlib.Path(each) for each in sys.argv[1:4])
rows = [row for path in sorted(data.rglob("*.csv")) for row in csv.DictReader(path.open())]
slope = sum(float(row["y"]) / float(row["x"]) for row in rows) / len(rows)
asked = [row for path in sorted(holdout.rglob("*.csv")) for row in csv.DictReader(path.open())]
golden = {"request": {"input_data": {"columns": ["x"], "index": [0], "data": [[7]]}}, "response": [round(slope * 7, 6)]}
files = {
    "model/slope.json": json.dumps(slope),
    "extras/code/online.py": pathlib.Path(__file__).with_name("online.py").read_text(),
    "extras/environment/conda.yaml": "name: e\\ndependencies: [python=3.11]\\n",
    "extras/golden/requests.jsonl": json.dumps(golden),
    "extras/contract/contract.yaml": "format: csv\\ncolumns: [{name: x, type: number}]\\n",
    "metrics.json": json.dumps({"slope": slope}),
    "predictions.csv": "\\n".join(["id,prediction", *(f"{row['id']},{slope * float(row['x'])}" for row in asked)]),
}
for name, text in files.items():
    (output / name).parent.mkdir(parents=True, exist_ok=True)
    (output / name).write_text(text)
"""
ONLINE = """
import json, os, pathlib

def init():
    global slope
    slope = json.loads(next(pathlib.Path(os.environ["AZUREML_MODEL_DIR"]).rglob("slope.json")).read_text())

def run(raw_data):
    return [round(slope * row[0], 6) for row in json.loads(raw_data)["input_data"]["data"]]
"""
GATE = {"metric": "mae", "min_rows": 20, "first_model": "pass", "at_least": 50}
RETRAINING = {
    "pipeline": {"job": f"{MODEL}:1", "environment": "dev"},
    "data": {"rows": {"take": "landing/twice/{name}.csv", "contract": "twice.yaml", "key": ["id"], "files": 1}},
    "limits": {"debounce": "1s", "longest_debounce": "5s"},
    "gate": GATE,
    "candidate": "entered",
    "promote_to": "tried",
    "give_up_after": "10m",
}
TRIED = {"from": "dev", "environment": "preprod", "serve": {"online": "twice-online", "online_script": "online.py"}}
FOLDERS = {"rows": {"type": "uri_folder"}, "holdout": {"type": "uri_folder"}}


def configure(folder: Path, **retraining: Any) -> Path:
    """The example's configuration, in which model `twice` alone is retrained, in *folder*."""
    folder.mkdir(parents=True)
    shutil.copytree(PROJECT / "examples" / "diabetes", folder / "examples" / "diabetes")
    columns = [{"name": "id", "type": "string"}, {"name": "x", "type": "number"}, {"name": "y", "type": "number"}]
    (folder / "twice.yaml").write_text(yaml.safe_dump({"format": "csv", "columns": columns}))
    content = yaml.safe_load((PROJECT / "signalbox.yaml").read_text())
    for model in content["models"].values():
        model.pop("retraining", None)
    holdout = {"path": "evaluation/twice.csv", "target": "y", "key": "id", "tolerance": 5}
    content["models"][MODEL] = {
        "owner": "data-science@example.org",
        "contract": "twice.yaml",
        "promotion": {"holdout": holdout},
        "retraining": {name: value for name, value in (RETRAINING | retraining).items() if value is not None},
    }
    content.pop("schedules", None)
    content["ladder"]["entered"] = {"from": "dev", "registry": True, "candidate": True}
    content["ladder"]["tried"] = TRIED
    path = folder / "signalbox.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def publish(world: World, folder: Path) -> None:
    """The pipeline, the hold-out; safe to repeat."""
    folder.mkdir()
    (folder / "step.py").write_text(STEP)
    (folder / "online.py").write_text(ONLINE)
    publish_step(Ml(world.cloud), folder, MODEL, FOLDERS)
    put(world, "evaluation/twice.csv", range(1000, 1040))


def put(world: World, place: str, numbers: Iterable[int]) -> None:
    """Rows of these numbers at *place*."""
    container, _, path = place.partition("/")
    lines = ["id,x,y", *(f"{n},{n},{2 * n}" for n in numbers)]
    with hub_client(world.cloud.endpoints) as hub:
        hub.get_blob_client(container, path).upload_blob(("\n".join(lines) + "\n").encode(), overwrite=True)


def shifted(world: World, place: str) -> None:
    """The example's patients, all of them heavier and with a higher blood pressure than before."""
    header, *rows = world.rows
    at = {name: number for number, name in enumerate(header.split(","))}
    moved = [row.split(",") for row in rows[:120]]
    for row in moved:
        for name, by in (("bmi", 6.0), ("bp", 12.0)):
            row[at[name]] = str(round(float(row[at[name]]) + by, 4))
    container, _, path = place.partition("/")
    text = "\n".join([header, *(",".join(row) for row in moved)]) + "\n"
    with hub_client(world.cloud.endpoints) as hub:
        hub.get_blob_client(container, path).upload_blob(text.encode(), overwrite=True)


class Mortal:
    """The world's host with another configuration, and moments at which it dies."""

    def __init__(self, world: World, folder: Path, configuration: Path) -> None:
        self.world, self._app, self.deaths = world, folder / "app", folder / "deaths"
        self._configuration = configuration
        self.deaths.mkdir(parents=True)
        self._app.mkdir()
        (self._app / "function_app.py").write_text("from tests.onemachine.dying import app\n\n__all__ = ['app']\n")
        shutil.copy(PROJECT / "host.json", self._app)

    def start(self, *moments: str) -> None:
        """Instead of the one that runs."""
        settings = {
            "SIGNALBOX_CONFIG": str(self._configuration),
            "DIE_AT": ",".join(moments),
            "DEATHS": str(self.deaths),
        }
        self.world.cloud.kill_host()
        self.world.cloud.start_host(self._app, settings)
        self._moments = moments

    def until(self, look: Any, within: float = 120.0) -> Any:
        """What *look* gives once it is true, with a new host for each that has died."""

        def seen() -> Any:
            if not self.world.cloud.host_runs:
                self.start(*self._moments)
            return look()

        return self.world.eventually(seen, within)

    @property
    def died(self) -> set[str]:
        return {path.name for path in self.deaths.iterdir()}

    def retraining(self) -> dict[str, Any]:
        return dict(self.world.app.get(f"models/{MODEL}/retraining"))

    def causes(self, model: str) -> dict[str, Any]:
        """The causes on record, by their ids."""
        with hub_client(self.world.cloud.endpoints) as hub:
            names = list(
                hub.get_container_client("signalbox").list_blob_names(name_starts_with=f"retraining/{model}/causes/")
            )
        return {name: self.world.read(f"signalbox/{name}") for name in names}

    def ignored(self, event: str) -> bool:
        """Whether the app had the event and did nothing about it."""
        with hub_client(self.world.cloud.endpoints) as hub:
            container = hub.get_container_client("signalbox")
            names = list(container.list_blob_names(name_starts_with="ignored/"))
            return any(event.encode() in container.download_blob(name).readall() for name in names)

    @property
    def workspace(self) -> str:
        return Ml(self.world.cloud).ids["mlw-dev"]

    def ended(self, count: int = 1) -> list[dict[str, Any]] | None:
        """The runs, once *count* have ended and none is in flight."""
        shown = self.retraining()
        over = [run for run in shown["runs"] if run["outcome"]]
        return over if len(over) == count and not shown["running"] else None


def counted(effects: dict[str, dict[str, int]], kind: str, *parts: str) -> Counter[str]:
    """The effects of *kind* whose names have all *parts*."""
    return Counter({name: n for name, n in effects[kind].items() if all(part in name for part in parts)})


def payload(name: str) -> Any:
    return json.loads((PROJECT / "tests" / "payloads" / f"{name}.json").read_text())
