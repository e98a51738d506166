"""The Data Hub on Azure Blob Storage. Copies are server-side: data never passes through the function."""

import io
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, BinaryIO, cast

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobPrefix, BlobProperties, BlobServiceClient

from shared.adapters.azure_faults import translated
from shared.domain.failures import Refused, Transient
from shared.domain.inference.arrivals import bare_etag, is_folder_marker, refuse_way_out
from shared.ports import Blob, Folder

_COPY_PATIENCE_S = 60.0
_BLOCK = 4 * 1024 * 1024
_LONGEST_COPY_SOURCE = 2048  # Bytes of x-ms-copy-source, as Copy Blob documents it.
_LONGEST_LOG = 1024 * 1024  # Longer logs go on in another blob: each can be opened, and read in one piece.
_FULL = ("BlockCountExceedsLimit", "MaxBlobSizeConditionNotMet")  # An append blob holds 50,000 blocks.


class BlobHub:
    """Implements `shared.ports.DataHub`. *longest_log* is the size in bytes that a log may reach, of one blob.

    The containers in *elsewhere* are in other accounts than *service*, the container of records for instance.
    """

    def __init__(
        self,
        service: BlobServiceClient,
        longest_log: int = _LONGEST_LOG,
        elsewhere: Mapping[str, BlobServiceClient] | None = None,
    ) -> None:
        self._service, self._longest_log, self._elsewhere = service, longest_log, dict(elsewhere or {})

    def list(self, container: str, prefix: str) -> Iterator[Blob]:
        refuse_way_out(container, prefix)
        with translated(f"list {container}/{prefix}"):
            client = self._service_of(container).get_container_client(container)
            yield from _files(container, client.list_blobs(name_starts_with=prefix or None, include=["metadata"]))

    def page(self, container: str, prefix: str, limit: int, marker: str = "") -> tuple[tuple[Blob, ...], str]:
        refuse_way_out(container, prefix)
        with translated(f"list {container}/{prefix}"):
            client = self._service_of(container).get_container_client(container)
            listing = client.list_blobs(name_starts_with=prefix or None, include=["metadata"], results_per_page=limit)
            pages = listing.by_page(continuation_token=marker or None)
            blobs = tuple(_files(container, next(pages, ())))
            return blobs, str(getattr(pages, "continuation_token", "") or "")

    def look_into(self, container: str, folder: str, limit: int) -> Folder:
        refuse_way_out(container, folder)
        with translated(f"list {container}/{folder}"):
            client = self._service_of(container).get_container_client(container)
            listing = client.walk_blobs(name_starts_with=folder or None, include=["metadata"], results_per_page=limit)
            pages = listing.by_page()
            items = list(next(pages, ()))
            return Folder(
                folders=tuple(item.name for item in items if isinstance(item, BlobPrefix)),
                blobs=tuple(_files(container, [item for item in items if isinstance(item, BlobProperties)])),
                whole=not getattr(pages, "continuation_token", ""),
            )

    def find(self, container: str, path: str) -> Blob | None:
        item = self._properties(container, path)
        return None if item is None or is_folder_marker(path, item.metadata or {}) else _blob(container, item)

    def is_folder(self, container: str, path: str) -> bool:
        item = self._properties(container, path)
        return item is not None and is_folder_marker(path, item.metadata or {})

    def _properties(self, container: str, path: str) -> BlobProperties | None:
        with translated(f"look at {container}/{path}"):
            try:
                return self._client(container, path).get_blob_properties()
            except ResourceNotFoundError:
                return None

    def read(self, container: str, path: str) -> bytes | None:
        item = self._download(container, path)
        return None if item is None else item[1]

    def load(self, container: str, path: str) -> tuple[Blob, bytes] | None:
        item = self._download(container, path)
        if item is None or is_folder_marker(path, item[0].metadata or {}):
            return None
        return _blob(container, item[0]), item[1]

    def _download(self, container: str, path: str) -> tuple[BlobProperties, bytes] | None:
        with translated(f"read {container}/{path}"):
            try:
                # Each later range of a long blob is read on the condition that its eTag is still that of the first.
                stream = self._client(container, path).download_blob()
                return stream.properties, stream.readall()
            except ResourceNotFoundError:
                return None

    def open(self, blob: Blob) -> BinaryIO:
        reader = _RangeReader(self._client(blob.container, blob.path), blob.etag, blob.size)
        # Buffered by 4 MB: parsers read a few bytes at a time, and each unbuffered read would be a request.
        return cast(BinaryIO, io.BufferedReader(reader, _BLOCK))

    def copy(self, source: Blob, container: str, path: str, metadata: Mapping[str, str]) -> bool:
        target, origin = self._client(container, path), self._client(source.container, source.path)
        across = self._service_of(source.container) is not self._service_of(container)
        # Another account would not let the service in: it brings no token of ours to where it copies from.
        if across or len(origin.url) > _LONGEST_COPY_SOURCE:
            return self._carry(source, target, metadata)
        with translated(f"copy {source.container}/{source.path} to {container}/{path}"):
            try:
                # The condition on the source's eTag makes the copy the very version that the arrival named: between the
                # event and this call the file may have been overwritten, and a run must score what it has checked.
                answer = target.start_copy_from_url(
                    origin.url,
                    metadata=dict(metadata),
                    source_etag=_quote(source.etag),
                    source_match_condition=MatchConditions.IfNotModified,
                )
            except HttpResponseError as error:
                if (
                    error.status_code == 404
                    and not self._service_of(container).get_container_client(container).exists()
                ):
                    raise Refused(f"container {container} does not exist; create it, and try again") from error
                # 404: the source was deleted; 412: it was overwritten. Either way the version is gone for good, which
                # is an answer for the caller and no fault to be retried.
                if error.status_code in (404, 412):
                    return False
                raise
            if answer["copy_status"] == "pending":
                _await_copy(target)
        return True

    def _carry(self, source: Blob, target: BlobClient, metadata: Mapping[str, str]) -> bool:
        """Copy through this process: a name of a few hundred letters that are not ASCII makes an address which the
        service takes no copy from."""
        current = self.find(source.container, source.path)
        if current is None or current.etag != source.etag:
            return False
        with translated(f"copy {source.container}/{source.path} to {target.container_name}/{target.blob_name}"):
            # `open` reads on condition of the eTag, so a source that changes on the way fails the upload and is never
            # mixed.
            target.upload_blob(self.open(source), length=source.size, overwrite=True, metadata=dict(metadata))
        return True

    def create(
        self, container: str, path: str, data: bytes | IO[bytes], metadata: Mapping[str, str] | None = None
    ) -> bool:
        with translated(f"create {container}/{path}"):
            try:
                # The SDK sends If-None-Match: *. For content above 64 MiB it stages blocks and sets the condition on
                # the commit alone: the loser of a race has then uploaded in vain, and the first writer still wins.
                self._client(container, path).upload_blob(data, overwrite=False, metadata=_plain(metadata))
            except ResourceExistsError:
                return False
            return True

    def replace(
        self, container: str, path: str, data: bytes, etag: str, metadata: Mapping[str, str] | None = None
    ) -> bool:
        with translated(f"replace {container}/{path}"):
            try:
                self._client(container, path).upload_blob(
                    data,
                    overwrite=True,
                    metadata=_plain(metadata),
                    etag=_quote(etag),
                    match_condition=MatchConditions.IfNotModified,
                )
            except ResourceModifiedError:
                return False
            return True

    def append(self, container: str, path: str, line: bytes) -> bool:
        client = self._client(container, path)
        with translated(f"append to {container}/{path}"):
            try:
                return self._append(client, line)
            except ResourceNotFoundError:
                _create_log(client)
                return self._append(client, line)

    def _append(self, client: BlobClient, line: bytes) -> bool:
        """Append *line*; False if the blob has reached its limit of blocks or bytes."""
        try:
            # The service itself checks the size. A look at the blob before the append would let two writers pass the
            # limit together.
            client.append_block(line + b"\n", maxsize_condition=self._longest_log)
        except HttpResponseError as error:
            if error.error_code in _FULL:  # type: ignore[attr-defined]
                return False
            raise
        return True

    def delete(self, container: str, path: str, etag: str = "") -> bool:
        condition: dict[str, Any] = (
            {"etag": _quote(etag), "match_condition": MatchConditions.IfNotModified} if etag else {}
        )
        with translated(f"delete {container}/{path}"):
            try:
                self._client(container, path).delete_blob(**condition)
            except (ResourceNotFoundError, ResourceModifiedError):
                return False
            return True

    def _client(self, container: str, path: str) -> BlobClient:
        refuse_way_out(container, path)
        return self._service_of(container).get_blob_client(container, path)

    def _service_of(self, container: str) -> BlobServiceClient:
        return self._elsewhere.get(container, self._service)


class _RangeReader(io.RawIOBase):
    """Reads ranges of one blob version: a change under way is an error, never a mixture."""

    def __init__(self, client: BlobClient, etag: str, size: int) -> None:
        self._client, self._etag, self._size, self._at = client, etag, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        with translated(f"read {self._client.container_name}/{self._client.blob_name}"):
            # One range at a time: the reader asks for large pieces in order, and the SDK's parallel ranges would hold
            # several of them in memory at once.
            stream = self._client.download_blob(
                self._at,
                length,
                etag=_quote(self._etag),
                match_condition=MatchConditions.IfNotModified,
                max_concurrency=1,
            )
            data = stream.readall()
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _await_copy(target: BlobClient) -> None:
    """Wait for a pending copy. Large copies on hierarchical accounts outlast this wait; a retry then finds them."""
    deadline = time.monotonic() + _COPY_PATIENCE_S
    while (copy := target.get_blob_properties().copy).status == "pending":
        if time.monotonic() > deadline:
            raise Transient(f"the copy to {target.blob_name} is still under way: {copy.progress}")
        time.sleep(0.5)  # noqa: TID251 - The copy is the service's own, and short.


def _create_log(client: BlobClient) -> None:
    try:
        client.create_append_blob(match_condition=MatchConditions.IfMissing)
    except ResourceExistsError:
        return  # Another writer was first.


def _files(container: str, items: Iterable[BlobProperties]) -> Iterator[Blob]:
    """The blobs that are not markers of folders."""
    return (_blob(container, item) for item in items if not is_folder_marker(item.name, item.metadata or {}))


def _blob(container: str, item: BlobProperties) -> Blob:
    return Blob(
        container=container,
        path=item.name,
        etag=bare_etag(item.etag),
        size=item.size,
        modified=item.last_modified,
        metadata=dict(item.metadata or {}),
    )


def _quote(etag: str) -> str:
    return f'"{etag}"'


def _plain(metadata: Mapping[str, str] | None) -> dict[str, str] | None:
    return dict(metadata) if metadata else None
