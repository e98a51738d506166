"""The bad night of the runbook: a local cloud on which everything that docs/operations.md explains goes wrong."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml

from signalbox.cli.app_client import AppClient
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import RESOURCE_GROUP, SUBSCRIPTION, WORKSPACES
from signalbox.launcher.people import sign_in
from signalbox.launcher.provision import local_workspace
from signalbox.models.workspace import datastore_path, upload
from tests.emulators.conftest import Ml
from tests.emulators.services import storage

DEV = next(each for each in WORKSPACES if each.name == "mlw-dev")
RAISES = "def run(files):\n    raise ValueError('no column bmi')\n"
LINES = "def run(files):\n    return [line for name in files for line in open(name).read().splitlines()[1:]]\n"
OUTPUTS = [{"name": "age", "type": "integer", "max": 120, "field": -1}]
COLUMNS = [{"name": "id", "type": "string"}, {"name": "age", "type": "integer", "min": 0}]
APPROVALS = {"roles": ["data-scientist"], "remind_after": "2s", "escalate_after": "3s", "expire_after": "20s"}


def _route(name: str, deployment: str = "lines", endpoint: str = "night", **more: Any) -> dict[str, Any]:
    score = {"environment": "dev", "endpoint": endpoint, "deployment": deployment, "model": "night:1"}
    given = {"contract": "contract.yaml", "publish": f"predictions/{name}/{{run}}", "overrides": {"retries": 0}}
    return {"take": f"landing/{name}/{{file}}.csv", "score": score, **given, **more}


ROUTES = {
    "raising": _route("raising", "raises"),
    "strict": _route("strict", tell=["ward@example.org"]),
    "nowhere": _route("nowhere", endpoint="gone"),
    "unborn": _route("unborn", publish="unborn/{run}"),
    "broken": _route("broken", contract="broken.yaml"),
    "held": _route("held", output_contract="outputs.yaml"),
    "full": _route("full"),
}


def configure(folder: Path) -> Path:
    """The configuration of the night, in *folder*."""
    (folder / "contract.yaml").write_text(yaml.safe_dump({"format": "csv", "columns": COLUMNS}))
    (folder / "broken.yaml").write_text(yaml.safe_dump({"format": "csv", "columns": COLUMNS}))
    outputs = {"format": "csv", "csv": {"header": False}, "columns": OUTPUTS}
    (folder / "outputs.yaml").write_text(yaml.safe_dump(outputs))
    place = {"subscription": SUBSCRIPTION, "resource_group": RESOURCE_GROUP, "workspace": DEV.name}
    holdout = {"path": "evaluation/night.csv", "target": "y", "key": "id", "tolerance": 1}
    model = {"owner": "night-watch@example.org", "contract": "contract.yaml", "promotion": {"holdout": holdout}}
    registry = {"name": "mlr-central", "resource_group": "rg-mlops-registry"}
    content = {
        "environments": {"dev": place},
        "registry": registry | {"subscription": "00000000-0000-0000-0000-000000000009"},
        "hub": {"account": "datahub", "subscription": SUBSCRIPTION, "resource_group": "rg-datahub"},
        "models": {"night": model},
        "roles": {"data-scientist": {"app_role": "DataScientist"}},
        "machines": {"command-line": {"as": ["platform-engineer"]}},
        "ladder": {"central": {"from": "dev", "registry": True, "approvals": APPROVALS}},
        "routes": ROUTES,
    }
    path = folder / "signalbox.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def deploy(cloud: LocalCloud, folder: Path) -> None:
    """A batch endpoint whose two deployments score, and raise; by plain requests, so that it takes no time."""
    ml = Ml(cloud)
    scripts = {"raises": RAISES, "lines": LINES}
    (folder / "model").mkdir()
    (folder / "model" / "weights").write_text("1")
    upload(local_workspace(cloud.endpoints, DEV.name), folder / "model", "models/night/1")
    extras = {"code/online.py": LINES, "environment/conda.yaml": "name: e\n", "golden/requests.jsonl": "{}"}
    for name, text in extras.items():
        (folder / "extras" / name).parent.mkdir(parents=True)
        (folder / "extras" / name).write_text(text)
    upload(local_workspace(cloud.endpoints, DEV.name), folder / "extras", "extras/night/1")
    tags = {"signalbox.bundle": datastore_path("extras/night/1")}
    model = {"modelUri": datastore_path("models/night/1"), "modelType": "custom_model", "tags": tags}
    ml.must("PUT", "mlw-dev/models/night/versions/1", {"properties": model})
    ml.must("PUT", "mlw-dev/batchEndpoints/night", {"location": "westeurope", "properties": {}})
    for name, script in scripts.items():
        (folder / name).mkdir()
        (folder / name / "score.py").write_text(script)
        upload(local_workspace(cloud.endpoints, DEV.name), folder / name, f"code/{name}")
        ml.must(
            "PUT",
            f"mlw-dev/codes/{name}/versions/1",
            {"properties": {"codeUri": datastore_path(f"code/{name}")}},
        )
        code = {"codeId": f"{ml.ids['mlw-dev']}/codes/{name}/versions/1", "scoringScript": "score.py"}
        properties = {"model": {"assetId": f"{ml.ids['mlw-dev']}/models/night/versions/1"}, "codeConfiguration": code}
        body = {"location": "westeurope", "properties": {**properties, "errorThreshold": 0}}
        ml.must("PUT", f"mlw-dev/batchEndpoints/night/deployments/{name}", body)


class Night:
    """What goes wrong, and what the commands are given for their RUN and PROMOTION."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud, self.ml = cloud, Ml(cloud)
        self.app = AppClient(cloud.endpoints.app, cloud.endpoints.function_key)

    def land(self, place: str, text: str = "id,age\na,1\n") -> None:
        container, _, path = place.partition("/")
        with storage(self.cloud.endpoints) as hub:  # One that tries once.
            hub.get_blob_client(container, path).upload_blob(text.encode(), overwrite=True)

    def run_of(self, route: str, *outcomes: str) -> str:
        """The newest run of *route* once it has one of *outcomes*."""

        def look() -> str:
            rows = self.app.get("runs", route=route)["runs"]
            return str(rows[0]["run"]) if rows and rows[0]["outcome"] in outcomes else ""

        return str(self.ml.eventually(look))

    def promote(self) -> str:
        ends = self.cloud.endpoints
        person = AppClient(ends.app, ends.function_key, sign_in(ends, "linus@example.org"))
        return str(person.post("promotions", {"model": "night:1", "to": "central", "reason": "a bad night"})["id"])

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Azurite can make no file larger: the nearest to a full disk that needs no disk of its own."""
        azurite = self._azurite()
        _, hard = resource.prlimit(azurite, resource.RLIMIT_FSIZE)
        resource.prlimit(azurite, resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.prlimit(azurite, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))

    def _azurite(self) -> int:
        port = self.cloud.endpoints.azurite
        return next(
            each.pid
            for each in psutil.process_iter(["cmdline"])
            if str(port) in (each.info["cmdline"] or []) and "azurite" in " ".join(each.info["cmdline"])
        )
