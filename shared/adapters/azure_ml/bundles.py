"""The bytes of bundles in the storage of workspaces and of the registry. Copies stream, block by block, and are hashed.

A workspace's storage is reached with the app's own identity, the registry's with a short-lived signature that Azure ML
gives for one asset and that never leaves this module.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobBlock, ContainerClient

from shared.adapters.allowed_hosts import host_of
from shared.adapters.azure_faults import translated
from shared.adapters.azure_ml.arm import Arm, place_path
from shared.adapters.azure_ml.datastores import BLOCK, Datastores, datastore_place
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.bundles import BundleFile
from shared.domain.promotion.models import ModelVersion
from shared.ports import Shelf, StoredFile

_SHA256 = "sha256"


class AzureMlBundles:
    """Implements `shared.ports.BundleStore`. *accounts* makes a storage account's address of `{account}`."""

    def __init__(self, arm: Arm, datastores: Datastores, accounts: str) -> None:
        self._arm, self._datastores, self._accounts = arm, datastores, accounts
        self._in_workspace = lru_cache(maxsize=64)(self._locate)

    def files(self, shelf: Shelf) -> Iterator[StoredFile]:
        container, folder = self._place(shelf)
        with translated(f"list {shelf.asset}"):
            try:
                for blob in container.list_blobs(name_starts_with=folder or None, include=["metadata"]):
                    digest = dict(blob.metadata or {}).get(_SHA256, "")
                    yield StoredFile(path=blob.name.removeprefix(folder), size=blob.size, sha256=digest)
            except ResourceNotFoundError:
                return

    def digest(self, shelf: Shelf, path: str) -> str:
        hasher = hashlib.sha256()
        for block in self._blocks(shelf, path):
            hasher.update(block)
        return hasher.hexdigest()

    def read(self, shelf: Shelf, path: str) -> bytes | None:
        container, folder = self._place(shelf)
        with translated(f"read {shelf.asset} {path}"):
            try:
                return container.download_blob(f"{folder}{path}").readall()
            except ResourceNotFoundError:
                return None

    def copy(self, source: Shelf, target: Shelf, file: BundleFile) -> bool:
        container, folder = self._place(target)
        blob = container.get_blob_client(f"{folder}{file.path}")
        with translated(f"copy {file.path} of {target.asset}"):
            try:
                properties = blob.get_blob_properties()
                # The mark saves a transfer and proves nothing: the whole copy is read and hashed again before it is
                # registered.
                if (properties.size, dict(properties.metadata or {}).get(_SHA256)) == (file.size, file.sha256):
                    return False
            except ResourceNotFoundError:
                pass
            hasher, blocks = hashlib.sha256(), []
            for number, block in enumerate(self._blocks(source, file.path)):
                hasher.update(block)
                # The service wants ids of one length in a blob
                # (https://learn.microsoft.com/rest/api/storageservices/put-block). By number, so that a repeat stages
                # the same blocks over.
                blocks.append(BlobBlock(block_id=f"{number:08d}"))
                # The hash above is of what was read. The MD5 that the SDK sends along is of what arrives.
                blob.stage_block(blocks[-1].id, block, validate_content=True)
            if hasher.hexdigest() != file.sha256:  # Nothing is committed: staged blocks are not a blob.
                raise Refused(f"{file.path} of {source.asset} was {file.sha256} when planned, {hasher.hexdigest()} now")
            blob.commit_block_list(blocks, metadata={_SHA256: file.sha256})
        return True

    def write(self, shelf: Shelf, path: str, content: bytes) -> None:
        container, folder = self._place(shelf)
        with translated(f"write {path} of {shelf.asset}"):
            container.upload_blob(f"{folder}{path}", content, overwrite=True)

    def delete(self, shelf: Shelf, path: str) -> None:
        container, folder = self._place(shelf)
        with translated(f"delete {path} of {shelf.asset}"):
            try:
                container.delete_blob(f"{folder}{path}")
            except ResourceNotFoundError:
                return

    def address(self, shelf: Shelf) -> str:
        if shelf.folder:
            return shelf.folder
        container, folder = self._place(shelf)
        return f"{container.url.partition('?')[0]}/{folder}".rstrip("/")

    def _blocks(self, shelf: Shelf, path: str) -> Iterator[bytes]:
        container, folder = self._place(shelf)
        with translated(f"read {path} of {shelf.asset}"):
            # A file of one block, as most are, takes one request; of others each block must be of the same file.
            yield from container.download_blob(f"{folder}{path}", max_concurrency=1).chunks()

    def _place(self, shelf: Shelf) -> tuple[ContainerClient, str]:
        """The container and the folder in it, with its slash."""
        if isinstance(shelf.place, Workspace):
            return self._in_workspace(shelf.place, shelf.folder)
        return self._in_registry(shelf), ""  # Not cached: its signature is short-lived.

    def _locate(self, workspace: Workspace, folder: str) -> tuple[ContainerClient, str]:
        location = datastore_place(folder)
        if location is None:
            raise Refused(f"{folder!r} is not azureml://datastores/NAME/paths/PATH; register the model from there")
        datastore, path = location
        return self._datastores.container(workspace, datastore), path.rstrip("/") + "/"

    def _in_registry(self, shelf: Shelf) -> ContainerClient:
        """The container of one asset of the registry: its own once it is registered, the pending one before."""
        registry, asset = place_path(shelf.place), shelf.asset
        version_path = f"{quote(asset.name)}/versions/{quote(asset.version)}"
        version = self._arm.get(f"{registry}/models/{version_path}", f"look at {asset}")
        if version is not None:
            path = f"{registry}/datareferences/{version_path}"
            asset_id = f"azureml://registries/{shelf.place.name}/models/{asset.name}/versions/{asset.version}"
            body = {"assetId": asset_id, "blobUri": version["properties"]["modelUri"]}
        else:
            path, body = (
                f"{registry}/models/{version_path}/startPendingUpload",
                {"pendingUploadType": "TemporaryBlobReference"},
            )
        raw = self._arm.post(path, body, f"ask for the storage of {asset}")
        uri = str(raw["blobReferenceForConsumption"]["credential"]["sasUri"])
        self._refuse_foreign(uri, shelf.asset)
        return ContainerClient.from_container_url(uri, max_single_get_size=BLOCK)

    def _refuse_foreign(self, uri: str, asset: ModelVersion) -> None:
        """Bytes go to storage accounts only, whatever an answer says."""
        accounts, host = host_of(self._accounts.replace("{account}", "x")), host_of(uri)
        domain = accounts.partition(".")[2] or accounts
        if not host or not (host == domain or host.endswith(f".{domain}")):
            raise Refused(f"the storage of {asset} is at {host or 'no plain address'}, outside {domain}")
