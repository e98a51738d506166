"""Why a run is where it is: the quarantine of its data, the end of its job. From the run's own records."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.domain.access.permissions import Action
from shared.domain.inference.routes import Workspace
from shared.records import paths as records
from triggers.http.responses import work as answers

_SENTENCES = 20


def quarantine_of(
    clients: Clients, inference: c.Inference, set_aside: answers.Step, closed: bool
) -> answers.Quarantine:
    """Why the data of the run was *set_aside*, and who may let it through."""
    state, run, route = inference.hub.state, inference.run, inference.route
    report = _read(clients, state, records.data_report(run))
    release = _read(clients, state, records.order(run, "release"))
    until = datetime.fromisoformat(set_aside.at) + timedelta(seconds=route.release_within_s)
    return answers.Quarantine(
        because=tuple(str(line) for line in report.get("summary", ())[:_SENTENCES]),
        rules=tuple(_rule(finding) for finding in report.get("findings", ())),
        rows=int(report.get("rows", 0)),
        report=f"{state}/{records.data_report(run)}",
        files=str(set_aside.result["path"]),
        waits=not release and not closed,
        may_release=clients.configuration.permissions.who_may(Action.RELEASE, route.score.workspace.name),
        told=route.tell,
        until=until.isoformat(),
        released_by=str(release.get("by", "")),
        reason=str(release.get("reason", "")),
    )


def job_of(
    clients: Clients, record: Mapping[str, Any], workspace: Workspace, submitted: answers.Step
) -> answers.RunJob:
    """The job that was *submitted*, and, where it failed, what its log said then."""
    job = str(submitted.result["job"])
    return answers.RunJob(
        job=job,
        name=str(submitted.result["friendly_name"]),
        studio=clients.job_logs.studio(workspace, job),
        error=str(record.get("job_error", "")),
        log=str(record.get("job_log", "")),
    )


def _read(clients: Clients, container: str, path: str) -> dict[str, Any]:
    return dict(json.loads(clients.hub.read(container, path) or b"{}"))


def _rule(finding: Mapping[str, Any]) -> answers.BrokenRule:
    return answers.BrokenRule(
        rule=str(finding.get("rule", "")), column=str(finding.get("column") or ""), count=int(finding.get("count") or 0)
    )
