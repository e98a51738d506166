"""What the story of production begins with: short steps, figures without delay, callers, and versions in the registry.

The configuration is the example's, with a production stage that lasts seconds; the code that judges is the same.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from signalbox.cli.demonstrations.example import EXAMPLE, offer_example
from signalbox.cli.demonstrations.stage import Stage, control, expect, signed_in, wait_for
from signalbox.launcher.endpoints import WORKSPACES
from signalbox.launcher.hub import LocalIdentity
from signalbox.launcher.load import Load, RunningLoad, scoring_target

MODEL, ENDPOINT, ENVIRONMENT, WORKSPACE = "diabetes-progression", "diabetes-online", "prod", "mlw-prod"
ENGINEER, SCIENTIST, OWNER = "linus@example.org", "ada@example.org", "grace@example.org"
ALERT_RULE = "prod-errors"
WEIGHTS = (5, 25, 50, 100)
RATE, _CALLERS, _SEED = 50.0, 32, 20261129
_INSTANCES = 50  # A managed deployment answers two requests at once in each instance, and refuses more with 429.
_CORES = 4000  # Of quota: three fleets of that size, and a fifth of each more.
_ROLLOUT = {
    "steps": list(WEIGHTS),
    "each": {"at_least": "5s", "at_most": "2m", "requests": 30},
    "look": {"every": "2s", "lag": "1s", "block": "1s", "counts": "traffic_log"},
    "soak": {"for": "5s", "requests": 100},
    "keep_warm": "1h",
    "alerts": {"rules": [ALERT_RULE], "within": "1h"},
    "known_good": {"served": "5s", "share": 100, "rehearsed_within": "30d"},
}


def configure(project: Path, folder: Path) -> Path:
    """The example's configuration with short steps and without pre-production, which `make demo` shows."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(project / EXAMPLE, folder / EXAMPLE, dirs_exist_ok=True)
    content = yaml.safe_load((project / "signalbox.yaml").read_text())
    for model in content["models"].values():
        model.pop("retraining", None)
    content.pop("schedules", None)
    ladder = content["ladder"]
    production = ladder["production"]
    production["serve"]["instances"] = _INSTANCES
    production["entry"] = {}
    production["rollout"] = _ROLLOUT
    central = {**ladder["central"], "from": "dev", "entry": {}}
    content["ladder"] = {"central": central, "production": production}
    path = folder / "signalbox.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def publish_at_once(stage: Stage) -> None:
    """Let Azure Monitor publish a request as soon as it was answered, and a minute while it lasts."""
    control(stage, "/_control/publication", {"log_delay_s": 0, "metrics_delay_s": -60}, "monitor", "PUT")


def set_faults(stage: Stage, *faults: Mapping[str, Any]) -> None:
    """What deployments of the endpoint do from now on, instead of what was set before."""
    control(stage, "/_control/online", {"limits": {"cores": {"*": _CORES}}, "deployments": list(faults)}, "azureml")


def call_endpoint(stage: Stage) -> RunningLoad:
    """Callers who ask for the held-out patients one by one, at moments that are drawn beforehand."""
    target = scoring_target(stage.cloud.endpoints, WORKSPACE, ENDPOINT)
    golden = (stage.folder / "extras" / "golden" / "requests.jsonl").read_text().splitlines()
    bodies = [json.dumps(json.loads(line)["request"]).encode() for line in golden]
    return RunningLoad(target, Load(rate=RATE, clients=_CALLERS, seed=_SEED), bodies)


def enter(stage: Stage, folder: Path, version: str) -> None:
    """Register the model in *folder* as *version*, and bring it to the central registry; two people approve."""
    offer_example(stage.cloud.endpoints, folder, version)
    promotion = promote(stage, version, "central", "for production")
    approve(stage, promotion, "central", {SCIENTIST: "data-scientist", OWNER: "product-owner"})
    record = await_end(stage, promotion)
    expect(record["fate"] == "promoted", f"{MODEL}:{version} ended as {record['fate']}: {record.get('because')}")


def promote(stage: Stage, version: str, target: str, reason: str) -> str:
    """The promotion that the engineer has asked for."""
    wish = {"model": f"{MODEL}:{version}", "to": target, "reason": reason}
    return str(signed_in(stage, ENGINEER).post("promotions", wish)["id"])


def approve(stage: Stage, promotion: str, name: str, people: Mapping[str, str]) -> None:
    """Let *people* approve what *promotion* shows of the stage *name*, each in a role."""
    digest = wait_for(lambda: _asking(stage, promotion, name), f"{promotion} asked nobody", stage.patience_s)
    for person, role in people.items():
        body = {"role": role, "evidence": digest, "reason": "the evidence says so"}
        signed_in(stage, person).post(f"promotions/{promotion}/approve", body)


def await_end(stage: Stage, promotion: str) -> dict[str, Any]:
    """The record of *promotion* once it has ended."""

    def ended() -> dict[str, Any] | None:
        record = show(stage, promotion)
        return record if record.get("fate") else None

    return dict(wait_for(ended, f"{promotion} did not end", stage.patience_s, every_s=0.25))


def show(stage: Stage, promotion: str) -> dict[str, Any]:
    """The promotion as the app shows it, empty before it was opened."""
    listed = [row["promotion"] for row in stage.app.get("promotions", model=MODEL)["promotions"]]
    return dict(stage.app.get(f"promotions/{promotion}")) if promotion in listed else {}


def traffic(stage: Stage) -> dict[str, int]:
    """The share of each version in percent, as Azure Resource Manager shows it; empty before there is an endpoint.

    Deployments are named v{version}-{digest}.
    """
    ends = stage.cloud.endpoints
    scope = next(scope for scope in WORKSPACES if scope.name == WORKSPACE)
    path = f"{scope.path('workspaces')}/onlineEndpoints/{ENDPOINT}?api-version=2024-10-01"
    token = LocalIdentity(ends).get_token(f"{ends.resource_manager}/.default").token
    headers = {"Authorization": f"Bearer {token}"}
    response = requests.get(f"{ends.resource_manager}{path}", headers=headers, verify=str(ends.ca), timeout=30)
    if response.status_code == requests.codes.not_found:
        return {}
    response.raise_for_status()
    shares = response.json()["properties"]["traffic"]
    return {version_of(name): share for name, share in shares.items() if share}


def version_of(deployment: str) -> str:
    """The version that *deployment* serves."""
    return deployment.removeprefix("v").partition("-")[0]


def _asking(stage: Stage, promotion: str, name: str) -> str:
    """The digest of the evidence that people are asked about, empty before they are."""
    record = show(stage, promotion)
    expect(not record.get("fate"), f"{promotion} ended as {record.get('fate')}: {record.get('because')}")
    pages = [page["digest"] for page in record.get("evidence", ()) if page["stage"] == name]
    return pages[0] if pages and record["step"] == "waiting for approval" else ""
