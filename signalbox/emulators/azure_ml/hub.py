"""The hub as the compute cluster reaches it, with the real storage client."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient

from signalbox.emulators.azure_ml.names import Place


class _Identity:
    """The cluster's identity: a TokenCredential over the local issuer."""

    def __init__(self, token_for: Callable[[str], str]) -> None:
        self._token_for = token_for

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        del kwargs
        return AccessToken(self._token_for(scopes[0].removesuffix("/.default")), int(time.time()) + 3600)


class Hub:
    """Blocking calls: run them in a thread."""

    def __init__(self, blob_service: str, ca: Path, token_for: Callable[[str], str]) -> None:
        self._client = BlobServiceClient(blob_service, credential=_Identity(token_for), connection_verify=str(ca))

    def download(self, place: Place, folder: Path) -> list[Path]:
        """The blob *place*, or all blobs below it, in *folder* with their paths kept; sorted."""
        client = self._client.get_container_client(place.container)
        prefix = place.path
        files = []
        for name in client.list_blob_names(name_starts_with=prefix):
            if name != prefix and not name.startswith(prefix.rstrip("/") + "/"):
                continue
            inner = name[len(prefix.rstrip("/")) + 1 :] if name != prefix else name.rpartition("/")[2]
            target = folder / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                client.download_blob(name).readinto(stream)
            files.append(target)
        return sorted(files)

    def upload(self, place: Place, file: Path, *, again: bool) -> None:
        """Raises ResourceExistsError: a batch job's output file must not exist, unless the job itself began it."""
        with file.open("rb") as stream:
            self._client.get_blob_client(place.container, place.path).upload_blob(stream, overwrite=again)
