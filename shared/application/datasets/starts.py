"""Ask for a publication or an import: what is asked for decides its id, so the same request is the same one.

Of a publication that is what lies in the folder now.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from shared.contracts import ImportOutcome
from shared.domain import identity
from shared.domain.datasets.contents import MOST_FILES, is_data
from shared.durable.starting import Client, find_instance
from shared.ports import Blob, DataHub
from shared.records.datasets import PublicationRecord
from shared.records.datasets import paths as dataset_paths
from shared.records.datasets.imports import find_import
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
    """The id for publishing *snapshot* as *version*: that of the publication that runs or has made it, or a new one."""

    def look(publication: str) -> bool | None:
        record = store.get(PublicationRecord, dataset_paths.publication(publication))
        if record is None or record.made_version:
            return True
        return None if record.outcome is None else False

    return await _first_that_stands(client, partial(identity.publication_id, name, version, snapshot), look)


async def next_import(
    client: Client, store: RecordStore, route: str, source: str, target: str, sha256: str = ""
) -> str:
    """The id for landing *source* at *target*: the import that runs or has done so, or a new one."""

    def look(name: str) -> bool | None:
        record = find_import(store, name)
        if record is None or record.outcome is ImportOutcome.IMPORTED:
            return True
        return None if record.outcome is None else False

    return await _first_that_stands(client, partial(identity.import_id, route, source, target, sha256), look)


async def _first_that_stands(client: Client, name_of: Callable[[int], str], look: Callable[[str], bool | None]) -> str:
    """The name of the first attempt that is not over in vain: *look* says so of a name, and None while it is open.

    One that failed, or whose orchestration was ended from outside, is followed by another attempt.
    """
    attempt = 1
    while True:
        name = name_of(attempt)
        stands = await asyncio.to_thread(look, name)
        if stands is None:
            instance = await find_instance(client, name)
            stands = instance is None or instance.running
        if stands:
            return name
        attempt += 1
