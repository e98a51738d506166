"""Names and addresses: what a datastore means in the hub, and where a resource lives."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

DATASTORES = {"workspaceblobstore": "signalbox-workspace", "hub_staging": "signalbox-staging"}

_DATASTORE_URI = re.compile(
    r"azureml:(?://(?:subscriptions/.+?/workspaces/[^/]+/)?|//)datastores/(?P<store>[^/]+)/paths/(?P<path>.*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A blob, or a folder of blobs, in the hub."""

    container: str
    path: str


def place_of(uri: str) -> Place:
    """Where *uri* (azureml datastore path or https blob address) lies. Raises ValueError naming it."""
    found = _DATASTORE_URI.fullmatch(uri)
    if found:
        if found["store"] not in DATASTORES:
            raise ValueError(f"datastore {found['store']!r} of {uri!r} is not registered")
        return Place(container=DATASTORES[found["store"]], path=found["path"])
    parts = urlsplit(uri)
    if parts.scheme != "https":
        raise ValueError(f"{uri!r} is neither an azureml datastore path nor an https address")
    _account, container, path = unquote(parts.path).lstrip("/").split("/", 2)
    return Place(container=container, path=path)
