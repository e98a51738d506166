"""Blobs of all storage accounts as the service and its computes reach them, with the real storage client.

Blocking calls: run them in a thread.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from azure.core.credentials import AccessToken
from azure.storage.blob import (
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    LinearRetry,
    generate_container_sas,
)

from signalbox.emulators.azure_ml.estate import Place

_SAS_LIFE = timedelta(hours=8)
_AGAIN_S, _TRIES = 0.25, 240
_LARGEST_BLOCK = 4 * 1024**2


class _Identity:
    """The service's identity: a TokenCredential over the local issuer."""

    def __init__(self, token_for: Callable[[str], str]) -> None:
        self._token_for = token_for

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        del kwargs
        return AccessToken(self._token_for(scopes[0].removesuffix("/.default")), int(time.time()) + 3600)


class Blobs:
    """*service* is the address before the account's name; *keys* are the accounts' keys, for signatures."""

    def __init__(self, service: str, ca: Path, token_for: Callable[[str], str], keys: Mapping[str, str]) -> None:
        self._service, self._ca, self._keys = service.rstrip("/"), ca, keys
        self._identity = _Identity(token_for)
        self._clients: dict[str, BlobServiceClient] = {}

    def download(self, location: Place, folder: Path) -> list[Path]:
        """The blob *location*, or all blobs below it, in *folder* with their paths kept; sorted."""
        client = self._container(location)
        files = []
        for name, inner in self._list(client, location.path):
            if name.endswith("/"):  # A folder's marker: a mounted folder shows no file there.
                continue
            target = folder / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                client.download_blob(name).readinto(stream)
            files.append(target)
        return sorted(files)

    def upload(self, location: Place, file: Path, *, overwrite: bool) -> None:
        """Raises ResourceExistsError: a batch job's output file must not exist, unless the job itself began it."""
        with file.open("rb") as stream:
            self._container(location).upload_blob(location.path, stream, overwrite=overwrite)

    def append(self, location: Place, data: bytes) -> None:
        """*data* at the end of the append blob *location*, in blocks of the largest size that is allowed."""
        blob = self._container(location).get_blob_client(location.path)
        if not blob.exists():
            blob.create_append_blob()
        for start in range(0, len(data), _LARGEST_BLOCK):
            blob.append_block(data[start : start + _LARGEST_BLOCK])

    def copy(self, source: Place, target: Place) -> int:
        """The blob *source* or every blob below it into *target*, from its last name on; the number of blobs."""
        reader, writer = self._container(source), self._container(target)
        parent = source.path.rstrip("/").rpartition("/")[0]
        names = self._list(reader, source.path)
        for name, _ in names:
            path = f"{target.path}/{name.removeprefix(parent).lstrip('/')}".lstrip("/")
            writer.upload_blob(path, reader.download_blob(name).readall(), overwrite=True)
        return len(names)

    def fresh_container(self, account: str) -> Place:
        """A new empty container of *account*."""
        location = Place(account=account, container=f"asset-{uuid.uuid4().hex}", path="")
        self._container(location).create_container()
        return location

    def address(self, location: Place) -> str:
        return f"{self._service}/{location.account}/{location.container}/{location.path}".rstrip("/")

    def signed(self, location: Place, *, write: bool) -> str:
        """The container's address with a signature to read and list it, and to *write*."""
        permission = ContainerSasPermissions(read=True, list=True, add=write, create=write, write=write)
        signature = generate_container_sas(
            location.account,
            location.container,
            account_key=self._keys[location.account],
            permission=permission,
            expiry=datetime.now(UTC) + _SAS_LIFE,
        )
        return f"{self._service}/{location.account}/{location.container}?{signature}"

    def names(self, location: Place) -> list[str]:
        """The names of the blobs below *location*, from there on."""
        return [inner for _, inner in self._list(self._container(location), location.path)]

    def signed_file(self, location: Place) -> str:
        """The address of the blob *location* with a signature to read its container."""
        container, _, signature = self.signed(location, write=False).partition("?")
        return f"{container}/{quote(location.path)}?{signature}"

    def _list(self, client: ContainerClient, path: str) -> list[tuple[str, str]]:
        """(name, name within *path*) of the blob or of every blob below."""
        folder = f"{path.rstrip('/')}/" if path.rstrip("/") else ""
        names = list(client.list_blob_names(name_starts_with=path or None))
        inner_names = [(name, name[len(folder) :]) for name in names if name.startswith(folder)]
        return inner_names or [(name, name.rpartition("/")[2]) for name in names if name == path]

    def _container(self, location: Place) -> ContainerClient:
        if location.account not in self._clients:
            address = f"{self._service}/{location.account}"
            self._clients[location.account] = BlobServiceClient(
                address,
                credential=self._identity,
                connection_verify=str(self._ca),
                retry_policy=_patience(),
            )
        return self._clients[location.account].get_container_client(location.container)


def _patience() -> LinearRetry:
    """A minute: storage may start later than what is resumed. Of one kind of fault the client takes three by itself."""
    return LinearRetry(
        backoff=_AGAIN_S,  # type: ignore[arg-type]
        random_jitter_range=0,
        retry_total=_TRIES,
        retry_connect=_TRIES,
        retry_read=_TRIES,
        retry_status=_TRIES,
    )
