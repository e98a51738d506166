"""Copy the files of a folder to staging as they were asked for, hash and check them; or remove what was copied.

Nothing of it can be named by anybody before `versions` has promoted it.
"""

from activities.effects import once, stamp
from shared import contracts as c
from shared.application.blob_digests import blob_digest
from shared.application.datasets.starts import listed_files, snapshot_of
from shared.clients import Clients
from shared.domain.datasets.contents import (
    BoxFacts,
    DatasetFile,
    annotations_in,
    content_digest,
    folder_problem,
    format_of,
)
from shared.domain.datasets.rules import DatasetKind
from shared.domain.failures import Refused, Transient
from shared.ports import Blob, HubFile
from shared.records.datasets import CheckedFiles, StagedFiles, find_version
from shared.records.datasets import paths as dataset_paths

_AGAIN = "publish again once nobody writes there"


def stage_dataset(clients: Clients, step: c.DatasetStep) -> c.DatasetStaged:
    """The files of the folder in staging, with their digests on record. Refused where the folder has changed.

    Safe to repeat: a copy is of exactly the content that was listed, or it is none.
    """

    def act() -> c.DatasetStaged:
        request, store = step.request, clients.store
        blobs, folder = _listed(clients, request), _folder(request)
        source_folder = request.source.partition("/")[2]
        files = []
        for blob in blobs:
            path = blob.path.removeprefix(source_folder)
            if not clients.hub.copy(blob, request.hub.staging, f"{folder}/{path}", {}):
                raise Refused(f"{blob.container}/{blob.path} changed while it was copied; {_AGAIN}")
            files.append(_hashed(clients, request, f"{folder}/{path}", path))
        staged = StagedFiles(files=tuple(files), content=content_digest(files))
        store.create(dataset_paths.staged_files(request.id), staged)
        return c.DatasetStaged(files=len(files), bytes=sum(file.bytes for file in files), content=staged.content)

    return once(clients, step.key, c.DatasetStaged, act)


def check_dataset(clients: Clients, step: c.DatasetStep) -> c.DatasetChecked:
    """What the staged files hold, on record, and every reason why they must not be published."""

    def act() -> c.DatasetChecked:
        request = step.request
        check = _check_table if request.rules.kind is DatasetKind.TABLE else _check_boxes
        checked = check(clients, request, staged_of(clients, request))
        clients.store.create(dataset_paths.checked_files(request.id), checked)
        return c.DatasetChecked(rows=checked.rows, problems=checked.problems)

    return once(clients, step.key, c.DatasetChecked, act)


def discard_dataset(clients: Clients, step: c.DatasetStep) -> c.Done:
    """Remove the staged files, unless they have become the version."""
    request = step.request
    manifest = find_version(clients.store, request.rules.name, request.version)
    if manifest is None or manifest.publication != request.id:
        for blob in list(clients.hub.list(request.hub.staging, f"{_folder(request)}/")):
            clients.hub.delete(blob.container, blob.path)
    return c.Done(at=stamp(clients))


def staged_of(clients: Clients, request: c.DatasetPublication) -> StagedFiles:
    """What the publication has staged. Raises Transient where its record is gone."""
    staged = clients.store.get(StagedFiles, dataset_paths.staged_files(request.id))
    if staged is None:
        raise Transient(f"the record of what {request.id} has staged is not there")
    return staged


def _listed(clients: Clients, request: c.DatasetPublication) -> list[Blob]:
    blobs = listed_files(clients.hub, request.source)
    folder = request.source.partition("/")[2]
    problem = folder_problem(request.rules.kind, {blob.path.removeprefix(folder): blob.size for blob in blobs})
    if problem:
        raise Refused(f"{request.source} {problem}")
    if snapshot_of(blobs) != request.snapshot:
        raise Refused(f"{request.source} has changed since its publication was asked for; {_AGAIN}")
    return blobs


def _folder(request: c.DatasetPublication) -> str:
    return dataset_paths.staged_folder(request.rules.name, request.version, request.id)


def _hashed(clients: Clients, request: c.DatasetPublication, staged_path: str, path: str) -> DatasetFile:
    blob = _staged_blob(clients, request, staged_path)
    return DatasetFile(path=path, bytes=blob.size, sha256=blob_digest(clients.hub, blob))


def _staged_blob(clients: Clients, request: c.DatasetPublication, staged_path: str) -> Blob:
    blob = clients.hub.find(request.hub.staging, staged_path)
    if blob is None:
        raise Transient(f"{request.hub.staging}/{staged_path} is not there yet, or was removed")
    return blob


def _check_table(clients: Clients, request: c.DatasetPublication, staged: StagedFiles) -> CheckedFiles:
    files = [_hub_file(clients, request, file.path) for file in staged.files]
    facts = clients.dataset_files.table(files, format_of(staged.files[0].path))
    problems = list(facts.problems)
    if request.rules.contract and not problems:
        report = clients.data_checks.check(request.rules.contract, files)
        if report["outcome"] != "passed":
            problems += [f"it breaks {request.rules.contract}: {'; '.join(report['summary'])}"]
    return CheckedFiles(rows=facts.rows, columns=facts.columns, problems=tuple(problems))


def _check_boxes(clients: Clients, request: c.DatasetPublication, staged: StagedFiles) -> CheckedFiles:
    paths = [file.path for file in staged.files]
    annotations = annotations_in(paths)
    facts = clients.dataset_files.boxes(_hub_file(clients, request, annotations), request.rules.labels, paths)
    return CheckedFiles(rows=facts.images, labels=facts.labels, problems=_problems(annotations, facts))


def _problems(annotations: str, facts: BoxFacts) -> tuple[str, ...]:
    unnamed = facts.wrong - len(facts.problems)
    problems = [f"{annotations}: {problem}" for problem in facts.problems]
    return tuple(problems + ([f"and {unnamed} more"] if unnamed > 0 else []))


def _hub_file(clients: Clients, request: c.DatasetPublication, path: str) -> HubFile:
    return HubFile(name=path, blob=_staged_blob(clients, request, f"{_folder(request)}/{path}"))
