"""Check a run's pinned files, or one that somebody named, against a data contract, and keep the report."""

from collections.abc import Sequence
from typing import Any

from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain.failures import Refused
from shared.ports import HubFile
from shared.records import paths
from shared.records.inference import ReportedCheck, members_of, store_of
from shared.records.store import RecordStore

_SUMMARY_LINES, _LINE = 20, 300


def check_data(clients: Clients, check: c.DataCheck) -> c.DataVerdict:
    request, store = check.inference, store_of(clients.hub, check.inference)
    blobs = {blob.path: blob for blob in clients.hub.list(request.hub.staging, f"{check.input_path}/")}
    files = [
        HubFile(name=f"{member.container}/{member.path}", blob=blobs[member.pinned])
        for member in members_of(store, request.run)
    ]
    return _kept_verdict(store, check.report_path, clients.data_checks.check(request.route.contract, files))


def check_output(clients: Clients, check: c.OutputCheck) -> c.DataVerdict:
    """The verdict on a run's predictions by the route's output contract.

    Raises Refused where a file of them has changed since it was counted.
    """
    request, files = check.inference, list[HubFile]()
    for file in check.files:
        blob = clients.hub.find(request.hub.staging, file.path)
        if blob is None or blob.etag != file.etag:
            raise Refused(f"the output {file.path} of run {request.run} changed after it was counted")
        files.append(HubFile(name=file.path.rpartition("/")[2], blob=blob))
    report = clients.data_checks.check(request.route.output_contract, files)
    return _kept_verdict(store_of(clients.hub, request), check.report_path, report)


def _kept_verdict(store: RecordStore, path: str, report: dict[str, Any]) -> c.DataVerdict:
    """The verdict of *report*, which is kept at *path*."""
    store.create_document(path, report)
    has_passed, summary = report["outcome"] == "passed", _summary(report["summary"])
    return c.DataVerdict(passed=has_passed, rows=report["rows"], summary=summary, report=path)


def judge_file(clients: Clients, check: c.FileCheck) -> c.FileVerdict:
    """The verdict on one file; what changed since it was asked for is refused. The report is the effect's own record:
    the first that was kept counts."""
    store, path = RecordStore(clients.hub, check.state), paths.file_check(check.id)
    document = _judged(clients, check)
    is_first = document is not None and store.create_document(path, document)
    # Where it is not, an execution that died later may have written the report.
    report = decode(ReportedCheck, encode(document)) if is_first else store.get(ReportedCheck, path)
    if report is None:
        raise Refused(f"path {check.path!r} has changed since the check was asked for; ask again")
    report_path, summary = f"{check.state}/{path}", _summary(report.summary)
    return c.FileVerdict(outcome=report.outcome, rows=report.rows, report=report_path, summary=summary)


def _judged(clients: Clients, check: c.FileCheck) -> dict[str, Any] | None:
    """None where the file is not the one that the check was asked for."""
    container, _, inner = check.path.partition("/")
    blob = clients.hub.find(container, inner)
    if blob is None or blob.etag != check.etag:
        return None
    return clients.data_checks.check(check.contract, [HubFile(name=check.path, blob=blob)])


def _summary(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line[:_LINE] for line in lines[:_SUMMARY_LINES])
