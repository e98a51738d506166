"""The port of data sets: what files hold that somebody wants to publish. Nobody trusts their bytes.

It stands alone: the ports of inference read files by a contract, and these have none yet.
"""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.data.data_contract import Format
from shared.domain.datasets.contents import BoxFacts, TableFacts
from shared.ports.inference import HubFile


class DatasetFiles(Protocol):
    """What is wrong with a file is in the facts; Refused is raised only where a file is not there any more."""

    def table(self, files: Sequence[HubFile], kind: Format) -> TableFacts:
        """The columns and rows of *files* together."""
        ...

    def boxes(self, file: HubFile, labels: Sequence[str], paths: Sequence[str]) -> BoxFacts:
        """The images and boxes of the annotation *file*; *labels* are allowed, *paths* are the folder's files."""
        ...
