"""Which requests commit a blob, and the event that each one raises (Microsoft.Storage event schema)."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

_BLOB = re.compile(r"/(?P<account>[^/]+)/(?P<container>[^/]+)/(?P<path>.+)")
_DELETE, _BYTES = "DeleteBlob", "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A write of a whole blob, or its deletion; *api* as events name it, *url* as the client wrote it."""

    api: str
    account: str
    container: str
    path: str
    url: str = ""
    client_request: str = ""

    @property
    def deletes(self) -> bool:
        return self.api == _DELETE

    @property
    def place(self) -> str:
        """Path of the blob's address, below the service."""
        return f"/{self.account}/{self.container}/{quote(self.path)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """What the service says of a blob; *created_at* is when it was last written whole, in seconds, rounded down."""

    etag: str = ""
    size: int = 0
    content_type: str = _BYTES
    kind: str = "BlockBlob"
    created_at: float = 0.0


def commit_of(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], service: str = ""
) -> Commit | None:
    """What the request commits if it succeeds (Blob service REST API); None for anything else."""
    match = _BLOB.fullmatch(path)
    api = _api(method, query, headers)
    if not match or api is None:
        return None
    return Commit(
        api=api,
        account=match["account"],
        container=match["container"],
        path=unquote(match["path"]),
        url=f"{service}{path}",
        client_request=headers.get("x-ms-client-request-id", ""),
    )


def told_by(commit: Commit, headers: Mapping[str, str]) -> Blob | None:
    """What *commit* leaves, where the request's *headers* say it all; this spares a question for each small file."""
    if commit.deletes:
        return Blob()
    kind, size = headers.get("x-ms-blob-type", ""), headers.get("Content-Length")
    if commit.api != "PutBlob" or size is None or "x-ms-copy-source" in headers:
        return None
    content_type = headers.get("x-ms-blob-content-type") or headers.get("Content-Type") or _BYTES
    return Blob(size=int(size) if kind == "BlockBlob" else 0, content_type=content_type, kind=kind)


def event_of(commit: Commit, topic: str, blob: Blob, request: str, number: int) -> dict[str, Any]:
    """The Event Grid event of *commit*, with *blob* as it was written; *number* orders the events of a blob."""
    data: dict[str, Any] = {"api": commit.api, "requestId": request}
    if commit.client_request:
        data["clientRequestId"] = commit.client_request
    if not commit.deletes:
        data |= {"eTag": blob.etag, "contentLength": blob.size}
    data |= {
        "contentType": blob.content_type,
        "blobType": blob.kind,
        "url": commit.url,
        # Padded, because Azure's documents have receivers compare sequencers as texts.
        "sequencer": f"{number:048X}",
        "storageDiagnostics": {"batchId": str(uuid.uuid4())},
    }
    return {
        "id": str(uuid.uuid4()),
        "topic": topic,
        "subject": f"/blobServices/default/containers/{commit.container}/blobs/{commit.path}",
        "eventType": f"Microsoft.Storage.Blob{'Deleted' if commit.deletes else 'Created'}",
        "eventTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def _api(method: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str | None:
    """AppendBlock and what else has another `comp` changes a blob without an event, as on Azure."""
    comp = query.get("comp", "")
    if "restype" in query or "snapshot" in query or "versionid" in query:
        return None
    if method == "DELETE" and not comp:
        return _DELETE
    if method != "PUT":
        return None
    if comp:
        return "PutBlockList" if comp == "blocklist" else None
    if "x-ms-blob-type" in headers:
        return "PutBlob"
    return "CopyBlob" if "x-ms-copy-source" in headers else None
