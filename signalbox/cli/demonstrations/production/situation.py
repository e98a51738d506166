"""What the story of production begins with: short steps, figures without delay, callers, and versions in the registry.

The configuration is the example's, with a production stage that lasts seconds and a pre-production that rehearses the
way back and measures nothing; the code that judges is the same.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import requests
import yaml

from signalbox.cli.demonstrations.example import EXAMPLE, offer_example
from signalbox.cli.demonstrations.stage import Stage, control, expect, signed_in, wait_for
from signalbox.launcher.endpoints import WORKSPACES
from signalbox.launcher.hub import LocalIdentity
from signalbox.launcher.load import Load, RunningLoad, scoring_target
from signalbox.launcher.people import sign_in

MODEL, ENDPOINT, ENVIRONMENT, WORKSPACE = "diabetes-progression", "diabetes-online", "prod", "mlw-prod"
PREPROD_ENDPOINT, PREPROD = "diabetes-online-preprod", "preprod"
ENGINEER, SCIENTIST, OWNER, PLATFORM = (f"{name}@example.org" for name in ("linus", "ada", "grace", "barbara"))
ALERT_RULE = "prod-errors"
WEIGHTS = (5, 25, 50, 100)
RATE, _CALLERS, _SEED = 150.0, 32, 20261129
_INSTANCES = 50  # A managed deployment answers two requests at once in each instance, and refuses more with 429.
_CORES = 4000  # Of quota: three fleets of that size, and a fifth of each more.
_ERRORS = 25  # In a minute, of one deployment. The rule tells a broken version from one that fails now and then.
POLL_S = 0.3  # What the app is asked costs it as much as a step does: it is not asked more often.
_SWEEPS, _SCRUBS = "0 30 * * * *", "0 0 4 * * *"  # Nothing waits for a sweep here, and each is dear on two cores.
_CRITERIA = "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
_GROUP_API, _RULE_API = "2023-01-01", "2018-03-01"
_ROLLOUT = {
    # At 5 % so many requests take eight seconds. Until the routing was watched for ten, traffic counts an eighth.
    "each": {"at_least": "2s", "at_most": "2m", "requests": 60},
    "look": {"every": "1s", "lag": "1s", "longest": "0s", "block": "1s", "counts": "traffic_log"},
    "soak": {"for": "3s", "requests": 100},
    "keep_warm": "1h",
    "alerts": {"rules": [ALERT_RULE], "within": "1h"},
    "known_good": {"served": "4s", "share": 100, "rehearsed_within": "30d"},
}


def app_settings(project: Path, folder: Path, weights: Sequence[int] = WEIGHTS) -> dict[str, str]:
    """The settings of the app: the configuration in *folder*, which is written, and few sweeps."""
    path = str(_configure(project, folder, weights))
    return {
        "SIGNALBOX_CONFIG": path,
        "SIGNALBOX_RECONCILE_SCHEDULE": _SWEEPS,
        "SIGNALBOX_SCRUB_SCHEDULE": _SCRUBS,
        "SIGNALBOX_TICK_SCHEDULE": _SWEEPS,
    }


def _configure(project: Path, folder: Path, weights: Sequence[int]) -> Path:
    """The example's configuration with short steps, and without the gates of data and figures of `make demo`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(project / EXAMPLE, folder / EXAMPLE, dirs_exist_ok=True)
    content = yaml.safe_load((project / "signalbox.yaml").read_text())
    for model in content["models"].values():
        model.pop("retraining", None)
    content.pop("schedules", None)
    ladder = content["ladder"]
    production = ladder["production"]
    production["serve"]["instances"] = _INSTANCES
    del production["entry"]["not_frozen"]
    production["rollout"] = {"steps": list(weights), **_ROLLOUT}
    preprod = {**ladder["preprod"], "from": "dev", "entry": {}, "exit": production["exit"]}
    preprod["serve"] = {"online": PREPROD_ENDPOINT, "online_script": production["serve"]["online_script"]}
    central = {**ladder["central"], "entry": {}}
    content["ladder"] = {"preprod": preprod, "central": central, "production": production}
    path = folder / "signalbox.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def publish_at_once(stage: Stage) -> None:
    """Let Azure Monitor publish a request as soon as it was answered, and a minute while it lasts."""
    control(stage, "/_control/publication", {"log_delay_s": 0, "metrics_delay_s": -60}, "monitor", "PUT")


def set_faults(stage: Stage, *faults: Mapping[str, Any]) -> None:
    """What deployments of the endpoint do from now on, instead of what was set before."""
    control(stage, "/_control/online", {"limits": {"cores": {"*": _CORES}}, "deployments": list(faults)}, "azureml")


def call_endpoint(stage: Stage, rate: float) -> RunningLoad:
    """Callers who ask for the held-out patients one by one, at moments that are drawn beforehand.

    They wait as long as a scene does: a machine that others use too answers late, and loses nothing.
    """
    target = scoring_target(stage.cloud.endpoints, WORKSPACE, ENDPOINT)
    bodies = [json.dumps(golden["request"]).encode() for golden in golden_requests(stage)]
    load = Load(rate=rate, clients=_CALLERS, seed=_SEED, timeout_s=stage.patience_s)
    return RunningLoad(target, load, bodies)


def golden_requests(stage: Stage) -> list[dict[str, Any]]:
    """What was kept of the model of *stage* when it was trained: requests, each with its answer."""
    lines = (stage.folder / "extras" / "golden" / "requests.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


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
    digest = wait_for(lambda: _asking(stage, promotion, name), f"{promotion} asked nobody", stage.patience_s, POLL_S)
    for person, role in people.items():
        body = {"role": role, "evidence": digest, "reason": "the evidence says so"}
        signed_in(stage, person).post(f"promotions/{promotion}/approve", body)


def await_end(stage: Stage, promotion: str, every_s: float = POLL_S) -> dict[str, Any]:
    """The record of *promotion* once it has ended."""
    ended = partial(has_ended, stage, promotion)
    wait_for(ended, f"{promotion} did not end", stage.patience_s, every_s)
    return show(stage, promotion)


def has_ended(stage: Stage, promotion: str) -> bool:
    """Whether *promotion* has ended, by its operation: that costs the app less than to show its records."""
    return operation(stage, promotion)["status"] not in ("accepted", "running")


def operation(stage: Stage, promotion: str) -> dict[str, Any]:
    """How the orchestration of *promotion* goes."""
    return dict(stage.app.get(f"operations/{promotion}"))


def show(stage: Stage, promotion: str) -> dict[str, Any]:
    """The promotion as the app shows it."""
    return dict(stage.app.get(f"promotions/{promotion}"))


def traffic(stage: Stage, workspace: str = WORKSPACE, endpoint: str = ENDPOINT) -> dict[str, int]:
    """The share of each version in percent, as Azure Resource Manager shows it; empty before there is an endpoint.

    Deployments are named v{version}-{digest}.
    """
    token = LocalIdentity(stage.cloud.endpoints).get_token(f"{stage.cloud.endpoints.resource_manager}/.default").token
    response = _manage(stage, "GET", f"{_endpoint_id(workspace, endpoint)}?api-version=2024-10-01", token)
    if response.status_code == requests.codes.not_found:
        return {}
    response.raise_for_status()
    shares = response.json()["properties"]["traffic"]
    return {version_of(name): share for name, share in shares.items() if share}


def alert_on_errors(stage: Stage) -> None:
    """A rule of Azure Monitor, as a platform engineer makes it: its alerts reach the app by a webhook."""
    ends, provider = stage.cloud.endpoints, f"{_group()}/providers/Microsoft.Insights"
    receiver = {
        "name": "signalbox",
        "serviceUri": f"{ends.app}/api/v1/alerts?code={ends.function_key}",
        "useCommonAlertSchema": True,
    }
    action = {"groupShortName": "signalbox", "enabled": True, "webhookReceivers": [receiver]}
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "name": "errors",
        "metricName": "RequestsPerMinute",
        "operator": "GreaterThan",
        "threshold": _ERRORS,
        "timeAggregation": "Average",
        "dimensions": [
            {"name": "statusCodeClass", "operator": "Include", "values": ["4xx", "5xx"]},
            {"name": "deployment", "operator": "Include", "values": ["*"]},
        ],
    }
    rule = {
        "description": "a deployment answers errors",
        "severity": 1,
        "enabled": True,
        "scopes": [_endpoint_id()],
        "evaluationFrequency": "PT1S",
        "windowSize": "PT1M",
        "criteria": {"odata.type": _CRITERIA, "allOf": [criterion]},
        "actions": [{"actionGroupId": f"{provider}/actionGroups/signalbox"}],
    }
    token = sign_in(ends, PLATFORM, ends.resource_manager)
    for path, properties in (
        (f"actionGroups/signalbox?api-version={_GROUP_API}", action),
        (f"metricAlerts/{ALERT_RULE}?api-version={_RULE_API}", rule),
    ):
        body = {"location": "global", "properties": properties}
        _manage(stage, "PUT", f"{provider}/{path}", token, body).raise_for_status()


def version_of(deployment: str) -> str:
    """The version that *deployment* serves."""
    return deployment.removeprefix("v").partition("-")[0]


def _asking(stage: Stage, promotion: str, name: str) -> str:
    """The digest of the evidence that people are asked about, empty before they are."""
    state = operation(stage, promotion)
    expect(state["status"] in ("accepted", "running"), f"{promotion} ended as {state['outcome']}: {state['because']}")
    if state["step"] != "waiting for approval":
        return ""
    pages = [page["digest"] for page in show(stage, promotion)["evidence"] if page["stage"] == name]
    return str(pages[0]) if pages else ""


def _group() -> str:
    """The ARM id of the resource group of production."""
    scope = next(scope for scope in WORKSPACES if scope.name == WORKSPACE)
    return scope.path("workspaces").partition("/providers/")[0]


def _endpoint_id(workspace: str = WORKSPACE, endpoint: str = ENDPOINT) -> str:
    scope = next(scope for scope in WORKSPACES if scope.name == workspace)
    return f"{scope.path('workspaces')}/onlineEndpoints/{endpoint}"


def _manage(stage: Stage, method: str, path: str, token: str, body: Any = None) -> requests.Response:
    """An answer of Azure Resource Manager to the bearer of *token*."""
    ends, headers = stage.cloud.endpoints, {"Authorization": f"Bearer {token}"}
    url = f"{ends.resource_manager}{path}"
    return requests.request(method, url, json=body, headers=headers, verify=str(ends.ca), timeout=30)
