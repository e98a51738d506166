"""The ports of training: pipelines, for v1's published endpoints and their v2 successors, and data assets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Protocol

from shared.domain.inference.routes import Workspace
from shared.domain.retraining.pipelines import Pipeline, PipelineRun, PipelineRunSeen


class Pipelines(Protocol):
    def submit(self, run: PipelineRun) -> PipelineRunSeen:
        """The run called `run.name`, found or created. Safe to repeat."""
        ...

    def find(self, pipeline: Pipeline, name: str) -> PipelineRunSeen | None:
        """The run with the name we gave: what a lost answer to a submission left behind."""
        ...

    def look(self, pipeline: Pipeline, run: str) -> PipelineRunSeen:
        """The run with Azure ML's id *run*."""
        ...

    def cancel(self, pipeline: Pipeline, run: str, because: str) -> None:
        """Ask for cancellation, with the reason on the run; one that has finished stays as it is."""
        ...

    def tag(self, pipeline: Pipeline, run: str, tags: Mapping[str, str]) -> None:
        """Say something on the run, whatever has become of it. Safe to repeat."""
        ...

    def root(self, pipeline: Pipeline, run: str) -> str:
        """The run of the whole pipeline of which *run* is a step; *run* itself where it is none."""
        ...

    def metrics(self, pipeline: Pipeline, run: str) -> Mapping[str, float]:
        """What the run has logged, the newest value of each; empty where it logged nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFile:
    """A file of a data asset: *path* in *datastore*, *name* within the asset, *etag* of the content that was listed."""

    name: str
    datastore: str
    path: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetListing:
    """*address* is where the asset lies, as the workspace says it; *storage* is the account and the container, *files*
    at most one more than was asked for."""

    address: str
    storage: tuple[str, str]
    files: tuple[AssetFile, ...]


class DataAssets(Protocol):
    def storage(self, workspace: Workspace, datastore: str) -> tuple[str, str]:
        """The storage account and the container behind *datastore*. Refused where it is not there."""
        ...

    def files(self, workspace: Workspace, name: str, version: str, most: int) -> AssetListing:
        """The files of the data asset `name:version`, by name. Refused where it is not there, or no file or folder."""
        ...

    def fetch(self, workspace: Workspace, file: AssetFile, target: IO[bytes]) -> None:
        """Write the content of *file* to *target*. Refused where it is no longer the one that was listed."""
        ...

    def register(self, workspace: Workspace, name: str, version: str, folder: str, tags: Mapping[str, str]) -> None:
        """The folder *folder* of a datastore as data asset `name:version`. Safe to repeat.

        Refused where the workspace has that version of another folder.
        """
        ...
