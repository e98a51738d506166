"""Check a run's pinned files, or one that somebody named, against a data contract, and keep the report."""

import json
from collections.abc import Mapping
from typing import Any

from activities.inference.files import read_members
from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.ports import HubFile
from shared.records import paths as records

_SUMMARY_LINES, _LINE = 20, 300


def check_data(clients: Clients, check: c.DataCheck) -> c.DataVerdict:
    request = check.inference
    pinned = {blob.path: blob for blob in clients.hub.list(request.hub.staging, f"{check.input_path}/")}
    files = [
        HubFile(name=f"{member.container}/{member.path}", blob=pinned[member.pinned])
        for member in read_members(clients, request)
    ]
    report = clients.data_checks.check(request.route.contract, files)
    content = json.dumps(report, indent=2).encode()
    clients.hub.create(request.hub.state, check.report_path, content)
    passed = report["outcome"] == "passed"
    return c.DataVerdict(passed=passed, rows=report["rows"], summary=_summary(report), report=check.report_path)


def judge_file(clients: Clients, check: c.FileCheck) -> c.FileVerdict:
    """The verdict on one file; what changed since it was asked for is refused. The report is the effect's own record:
    the first that was kept counts."""
    path, report = records.file_check(check.id), _judged(clients, check)
    if report is None or not clients.hub.create(check.state, path, json.dumps(report, indent=2).encode()):
        kept = clients.hub.read(check.state, path)  # By an execution that died after it.
        if kept is None:
            raise Refused(f"path {check.path!r} has changed since the check was asked for; ask again")
        report = json.loads(kept)
    where, rows = f"{check.state}/{path}", report["rows"]
    return c.FileVerdict(outcome=report["outcome"], rows=rows, report=where, summary=_summary(report))


def _judged(clients: Clients, check: c.FileCheck) -> dict[str, Any] | None:
    """None where the file is not the one that the check was asked for."""
    container, _, inner = check.path.partition("/")
    blob = clients.hub.find(container, inner)
    if blob is None or blob.etag != check.etag:
        return None
    return clients.data_checks.check(check.contract, [HubFile(name=check.path, blob=blob)])


def _summary(report: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(line[:_LINE] for line in report["summary"][:_SUMMARY_LINES])
