"""What a run has attached to itself. The files of an artifact lie at other hosts, to which no token of ours is sent."""

from typing import Any
from urllib.parse import urlsplit

from shared.adapters.azure_devops.client import DevOpsRest
from shared.domain.failures import Refused

_API = {"api-version": "7.1"}
_MOST_BYTES = 1024 * 1024


class AzureDevOpsFiles:
    """Implements `shared.ports.PipelineFiles`."""

    def __init__(self, client: DevOpsRest) -> None:
        self._client = client

    def attached(self, organisation: str, project: str, run: int, kind: str) -> dict[str, bytes]:
        builds = self._client.url(organisation, project, "_apis", "build", "builds", run, "attachments", kind)
        listing = self._client.get(builds, f"list what run {run} has attached", **_API) or {}
        return {str(item["name"]): self._content(organisation, run, item) for item in listing.get("value", ())}

    def _content(self, organisation: str, run: int, item: dict[str, Any]) -> bytes:
        """Read where the service says that it lies, if that is the service itself."""
        href = str(((item.get("_links") or {}).get("self") or {}).get("href", ""))
        own, other = urlsplit(self._client.url(organisation)), urlsplit(href)
        is_own = (other.scheme, other.netloc) == (own.scheme, own.netloc)
        if not is_own or not other.path.lower().startswith(f"{own.path}/".lower()):
            raise Refused(f"run {run} says that its attachment lies at {other.netloc!r}, which is not Azure DevOps")
        content: bytes = self._client.send("GET", href, f"read {item['name']} of run {run}", raw=True).content
        if len(content) > _MOST_BYTES:
            raise Refused(f"{item['name']} of run {run} has {len(content)} bytes; a plan has {_MOST_BYTES} at most")
        return content
