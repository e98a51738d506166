"""Make staged files a version, by one conditional create; and register it as a data asset of a workspace."""

from activities.datasets.staging import staged_of
from activities.effects import once, stamp
from shared import contracts as c
from shared.application.datasets.versions import VERSION_ENTRY, version_key
from shared.clients import Clients
from shared.domain.failures import Transient
from shared.domain.teams.ownership import Belonging
from shared.records.datasets import CheckedFiles, DatasetManifest, StagedFiles, find_version, manifest_digest
from shared.records.datasets import paths as dataset_paths


def promote_dataset(clients: Clients, step: c.DatasetStep) -> c.DatasetPromoted:
    """The version, made by the create of its manifest: of two publications that come here at once, one creates it.

    The audit log's entry about the version has the manifest's digest, and its key is the version's own: a reader of
    the manifest can tell later whether it is the one that was published.
    """
    request, store = step.request, clients.store
    manifest = _manifest(clients, request, staged_of(clients, request))

    def act() -> c.DatasetPromoted:
        store.create_document(dataset_paths.dataset_version(manifest.name, manifest.version), manifest)
        published = find_version(store, manifest.name, manifest.version)
        if published is None:
            raise Transient(f"the manifest of {manifest.reference} was removed while it was written")
        if published.content != manifest.content:
            because = (
                f"{manifest.reference} was published with another content by {published.by} at {published.at} "
                f"({published.publication}); a version never changes, so choose another"
            )
            return c.DatasetPromoted(outcome=c.PublicationOutcome.CONFLICT, because=because)
        _log(clients, published)
        if published.publication == request.id:
            return c.DatasetPromoted(outcome=c.PublicationOutcome.PUBLISHED, folder=published.folder)
        because = f"{manifest.reference} has the same content since {published.at} ({published.publication})"
        return c.DatasetPromoted(outcome=c.PublicationOutcome.ALREADY, because=because, folder=published.folder)

    return once(clients, step.key, c.DatasetPromoted, act)


def register_dataset(clients: Clients, registration: c.DatasetRegistration) -> c.Done:
    """The version as a data asset. Refused where the workspace has another asset of its name and version."""
    request = registration.request
    manifest = find_version(clients.store, request.rules.name, request.version)
    if manifest is None:
        raise Transient(f"the manifest of {request.rules.name}@{request.version} is not there")
    tags = {
        "signalbox.content": manifest.content,
        "signalbox.publication": manifest.publication,
        "signalbox.purpose": manifest.purpose.value,
        "signalbox.rows": str(manifest.rows),
    }
    workspace, address = clients.configuration.workspace(registration.workspace), request.hub.address(manifest.folder)

    def act() -> c.Done:
        clients.data_assets.register(workspace, manifest.name, manifest.version, address, tags)
        return c.Done(at=stamp(clients))

    return once(clients, registration.key, c.Done, act)


def _manifest(clients: Clients, request: c.DatasetPublication, staged: StagedFiles) -> DatasetManifest:
    checked = clients.store.get(CheckedFiles, dataset_paths.checked_files(request.id))
    if checked is None:
        raise Transient(f"the record of what {request.id} has checked is not there")
    rules = request.rules
    return DatasetManifest(
        name=rules.name,
        version=request.version,
        kind=rules.kind,
        purpose=rules.purpose,
        publication=request.id,
        content=staged.content,
        container=request.hub.staging,
        folder=dataset_paths.staged_folder(rules.name, request.version, request.id),
        files=staged.files,
        source=request.source,
        snapshot=request.snapshot,
        by=request.by,
        at=stamp(clients),
        note=request.note,
        contract=rules.contract,
        rows=checked.rows,
        columns=checked.columns,
        labels=checked.labels,
        lineage=request.lineage,
    )


def _log(clients: Clients, manifest: DatasetManifest) -> None:
    facts = {
        "version": manifest.version,
        "manifest": manifest_digest(clients.store, manifest.name, manifest.version),
        "content": manifest.content,
        "source": manifest.source,
        "rows": manifest.rows,
        "publication": manifest.publication,
    }
    key = version_key(manifest.name, manifest.version)
    clients.audit.append(key, VERSION_ENTRY, manifest.name, manifest.by, facts, Belonging.DATASET)
