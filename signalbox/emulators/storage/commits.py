"""Which requests commit a blob, and the event that each one raises (Microsoft.Storage event schema)."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

_BLOB = re.compile(r"/(?P<account>[^/]+)/(?P<container>[^/]+)/(?P<path>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A successful write of a whole blob, or its deletion; *api* as events name it."""

    api: str
    container: str
    path: str

    @property
    def location(self) -> str:
        return f"{self.container}/{self.path}"


def commit_of(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Commit | None:
    """What the request commits if it succeeds (Blob service REST API); None for anything else."""
    found = _BLOB.fullmatch(path)
    api = _api(method, query.get("comp", ""), headers)
    if not found or api is None or query.get("restype"):
        return None
    return Commit(api=api, container=found["container"], path=unquote(found["path"]))


def event_of(commit: Commit, topic: str, url: str, answer: Mapping[str, str], size: int, number: int) -> dict[str, Any]:
    """The Event Grid event of *commit*; *answer* are the service's response headers, *number* orders events."""
    deleted = commit.api == "DeleteBlob"
    data: dict[str, Any] = {
        "api": commit.api,
        "requestId": answer.get("x-ms-request-id", ""),
        "blobType": "BlockBlob",
        "contentType": "application/octet-stream",
        "url": url,
        "sequencer": f"{number:048X}",
        "storageDiagnostics": {"batchId": str(uuid.uuid4())},
    }
    if "x-ms-client-request-id" in answer:
        data["clientRequestId"] = answer["x-ms-client-request-id"]
    if not deleted:
        data |= {"eTag": answer.get("ETag", "").strip('"'), "contentLength": size}
    return {
        "id": str(uuid.uuid4()),
        "topic": topic,
        "subject": f"/blobServices/default/containers/{commit.container}/blobs/{commit.path}",
        "eventType": f"Microsoft.Storage.Blob{'Deleted' if deleted else 'Created'}",
        "eventTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def _api(method: str, comp: str, headers: Mapping[str, str]) -> str | None:
    if method == "DELETE" and not comp:
        return "DeleteBlob"
    if method != "PUT":
        return None
    if comp == "blocklist":
        return "PutBlockList"
    if comp:
        return None
    if "x-ms-copy-source" in headers:
        return "CopyBlob"
    return "PutBlob" if headers.get("x-ms-blob-type") == "BlockBlob" else None
