"""Logs of jobs and of their steps, from the workspace's artifact store, with the app's own identity.

Which steps a job has, the history of runs says. Names and places: `shared.domain.inference.job_logs`.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from urllib.parse import urlsplit

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

from shared.adapters.azure_faults import translated
from shared.adapters.azure_ml.arm import place_path
from shared.adapters.azure_ml.datastores import Datastores
from shared.adapters.azure_ml.tracking import Tracking
from shared.domain.inference.job_logs import FOLDERS, LogFile, most_telling
from shared.domain.inference.routes import Workspace

_STORE = "workspaceartifactstore"
_RUNS, _FILES = 20, 200  # At most so many runs of a job, and files of each folder of a run.
_STUDIOS = {  # By Resource Manager's host; on any other there is none.
    "management.azure.com": "https://ml.azure.com",
    "management.usgovcloudapi.net": "https://ml.azure.us",
    "management.chinacloudapi.cn": "https://studio.ml.azure.cn",
}


class AzureMlLogs:
    """Implements `shared.ports.JobLogs`."""

    def __init__(self, datastores: Datastores, tracking: Tracking, resource_manager: str) -> None:
        self._tracking, self._studio = tracking, _STUDIOS.get(urlsplit(resource_manager).netloc, "")
        self._container = lru_cache(maxsize=64)(datastores.container)

    def files(self, workspace: Workspace, job: str) -> tuple[LogFile, ...]:
        container = self._container(workspace, _STORE)
        runs = [job, *self._tracking.steps(workspace, job)][:_RUNS]
        with translated(f"list the logs of job {job}"):
            try:
                return most_telling(tuple(file for run in runs for file in _files(container, run)))
            except ResourceNotFoundError:  # The store has never been written to.
                return ()

    def tail(self, workspace: Workspace, file: LogFile, limit: int) -> bytes:
        with translated(f"read {file.path} of run {file.run}"):
            blob = self._container(workspace, _STORE).get_blob_client(file.name)
            size = blob.get_blob_properties().size
            if not size:
                return b""
            first = max(0, size - limit)
            return bytes(blob.download_blob(first, min(limit, size - first), max_concurrency=1).readall())

    def studio(self, workspace: Workspace, job: str) -> str:
        return f"{self._studio}/runs/{job}?wsid={place_path(workspace)}" if self._studio else ""


def _files(container: ContainerClient, run: str) -> Iterator[LogFile]:
    root = f"ExperimentRun/dcid.{run}/"
    for folder in FOLDERS:
        for blob in islice(container.list_blobs(name_starts_with=f"{root}{folder}"), _FILES):
            yield LogFile(run=run, path=blob.name.removeprefix(root), size=blob.size)
