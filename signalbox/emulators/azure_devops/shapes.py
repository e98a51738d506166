"""The shapes of the REST API's answers, as in the official recordings and the reference of api-version 7.1."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from signalbox.emulators.azure_devops.estate import Organisation, Project

Shape = dict[str, Any]
NEVER = "0001-01-01T00:00:00"
FINAL = ("approved", "rejected", "skipped", "canceled", "timedOut", "failed")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def list_shape(values: Sequence[Shape]) -> Shape:
    return {"count": len(values), "value": list(values)}


def approval_shape(base: str, approval: Shape, expanded: bool = True) -> Shape:
    """Without `$expand=steps` the steps stay empty, as in the recordings."""
    names = ("id", "status", "createdOn", "lastModifiedOn", "executionOrder", "minRequiredApprovers")
    shape = {name: approval[name] for name in names}
    shape |= {"blockedApprovers": approval["blockedApprovers"], "steps": approval["steps"] if expanded else []}
    if approval.get("instructions"):
        shape["instructions"] = approval["instructions"]
    shape["pipeline"] = approval["pipeline"]
    href = f"{base}/{approval['project']}/_apis/pipelines/approvals/{approval['id']}"
    return shape | {"_links": {"self": {"href": href}}}


def run_shape(organisation: Organisation, run: Shape, pipeline: Shape) -> Shape:
    base = f"{organisation.base}/{run['project']}"
    url = f"{base}/_apis/pipelines/{run['pipeline']}/runs/{run['id']}"
    web = f"{base}/_build/results?buildId={run['id']}"
    shape = {
        "_links": {"self": {"href": url}, "web": {"href": web}},
        "templateParameters": run["parameters"],
        "pipeline": pipeline_shape(organisation, pipeline),
        "state": run["state"],
        "createdDate": run["created"],
        "url": url,
        "id": run["id"],
        "name": run["name"],
    }
    if run["state"] == "completed":
        shape |= {"result": run["result"], "finishedDate": run["finished"]}
    return shape


def pipeline_shape(organisation: Organisation, pipeline: Shape) -> Shape:
    url = f"{organisation.base}/{pipeline['project']}/_apis/pipelines/{pipeline['id']}?revision=1"
    return {"url": url, "id": pipeline["id"], "revision": 1, "name": pipeline["name"], "folder": "\\"}


def build_shape(organisation: Organisation, project: Project, run: Shape) -> Shape:
    """A YAML run is a build too, with the identity that it was requested for."""
    return {
        "id": run["id"],
        "buildNumber": run["name"],
        "status": "completed" if run["state"] == "completed" else "inProgress",
        **({"result": run["result"]} if run["state"] == "completed" else {}),
        "queueTime": run["created"],
        "url": f"{organisation.base}/{project.id}/_apis/build/Builds/{run['id']}",
        "definition": {"id": run["pipeline"], "name": run["definition"]},
        "project": {"id": project.id, "name": project.name},
        "requestedFor": run["requestedFor"],
        "requestedBy": run["requestedFor"],
        "orchestrationPlan": {"planId": run["plan"]},
        "templateParameters": run["parameters"],
    }


def record_shape(organisation: Organisation, record: Shape) -> Shape:
    """A timeline record of a task."""
    plan = f"{organisation.base}/_apis/distributedtask/plans/{record['plan']}"
    shape = {
        "id": record["id"],
        "parentId": record["job"],
        "type": "Task",
        "name": record["name"],
        "startTime": record["started"],
        "finishTime": record["finished"],
        "currentOperation": None,
        "percentComplete": None,
        "state": record["state"],
        "result": record["result"],
        "resultCode": None,
        "changeId": record["change"],
        "lastModified": NEVER,
        "workerName": None,
        "order": 1,
        "refName": record["name"].replace(" ", ""),
        "log": None,
        "details": None,
        "errorCount": 0,
        "warningCount": 0,
        "task": {"id": "9c3e8943-130d-4c78-ac63-8af81df62dfb", "name": "InvokeRESTAPI", "version": "1.198.0"},
        "location": f"{plan}/timelines/{record['timeline']}/records/{record['id']}",
        "attempt": 1,
        "identifier": None,
    }
    if record.get("log") is not None:
        shape["log"] = {"id": record["log"], "location": f"{plan}/logs/{record['log']}"}
    return shape


def log_shape(log: Shape) -> Shape:
    names = ("path", "lineCount", "createdOn", "lastChangedOn", "id", "location")
    return {name: log[name] for name in names}
