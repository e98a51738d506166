"""Ask for a publication: what lies in the folder now decides its id, so the same request is the same publication."""

import asyncio
from collections.abc import Sequence

from shared.domain import identity
from shared.domain.datasets.contents import MOST_FILES, is_data
from shared.durable.starting import Client, find_instance
from shared.ports import Blob, DataHub
from shared.records.datasets import PublicationRecord
from shared.records.datasets import paths as dataset_paths
from shared.records.store import RecordStore


def listed_files(hub: DataHub, source: str) -> list[Blob]:
    """The data files of the folder *source* (container/folder/) by path; one more than are allowed at most."""
    container, _, folder = source.partition("/")
    blobs = list[Blob]()
    for blob in hub.list(container, folder):
        if is_data(blob.path.removeprefix(folder)):
            blobs.append(blob)
        if len(blobs) > MOST_FILES:
            break
    return blobs


def snapshot_of(blobs: Sequence[Blob]) -> str:
    """The name of what the listing *blobs* shows."""
    return identity.dataset_snapshot((blob.path, blob.etag) for blob in blobs)


async def next_publication(client: Client, store: RecordStore, name: str, version: str, snapshot: str) -> str:
    """The id for publishing *snapshot* as *version*: the publication that runs or has made the version, or a new one.

    One that failed, or whose orchestration was ended from outside, is followed by another attempt.
    """
    attempt = 1
    while True:
        publication = identity.publication_id(name, version, snapshot, attempt)
        record = await asyncio.to_thread(store.get, PublicationRecord, dataset_paths.publication(publication))
        if record is None or record.made_version:
            return publication
        if record.outcome is None:
            instance = await find_instance(client, publication)
            if instance is None or instance.running:
                return publication
        attempt += 1
