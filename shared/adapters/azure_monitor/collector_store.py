"""Where the data collector of Azure ML keeps its files: a workspace's own blob storage, a folder a deployment.

Contract: https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data. It stands alone because
figures of a rollout and published answers are read from the same files.
"""

from collections.abc import Mapping
from typing import Any

from azure.storage.blob import BlobPrefix, ContainerClient

from shared.domain.failures import Refused

STORE, ROOT = "workspaceblobstore", "modelDataCollector"
LONGEST_LINE = 4 * 1024 * 1024 + 64 * 1024  # Larger payloads are kept by reference; a line has some words more.
_MOST_DEPLOYMENTS = 50


def collecting_deployments(container: ContainerClient, endpoint: str, action: str) -> list[str]:
    """The deployments of *endpoint* that have collected anything. Raises Refused for more than are read."""
    root = f"{ROOT}/{endpoint}/"
    folders = [item.name for item in container.walk_blobs(name_starts_with=root) if isinstance(item, BlobPrefix)]
    if len(folders) > _MOST_DEPLOYMENTS:
        raise Refused(f"{action}: {len(folders)} deployments have collected; at most {_MOST_DEPLOYMENTS} are read")
    return [folder.removeprefix(root).rstrip("/") for folder in folders]


def is_kept_elsewhere(event: Mapping[str, Any]) -> bool:
    """Whether the payload was too large for a line: then the event has an address instead."""
    return str(event.get("datainblob", "")).lower() == "true"
