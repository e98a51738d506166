"""Check the run's pinned files against its data contract, and keep the report."""

import json

from activities.files import read_members
from shared import contracts as c
from shared.clients import Clients
from shared.ports import HubFile

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
    summary = tuple(line[:_LINE] for line in report["summary"][:_SUMMARY_LINES])
    passed = report["outcome"] == "passed"
    return c.DataVerdict(passed=passed, rows=report["rows"], summary=summary, report=check.report_path)
