"""The port of data assets: what a workspace knows of training sets."""

from collections.abc import Mapping
from typing import Protocol

from shared.domain.inference.routes import Workspace


class DataAssets(Protocol):
    def register(self, workspace: Workspace, name: str, version: str, folder: str, tags: Mapping[str, str]) -> None:
        """The folder *folder* of a datastore as data asset `name:version`. Safe to repeat."""
        ...
