"""The ports of files that are read whole, beside those of inference: counted for drift, and looked at for a data set.

Nobody trusts the bytes of either.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from shared.domain.data.data_contract import Format
from shared.domain.datasets.contents import BoxFacts, TableFacts
from shared.domain.drift.reference import ModelReference
from shared.domain.drift.watch import OutputField
from shared.domain.drift.window import Counted
from shared.ports.inference import Blob, HubFile


class DriftFiles(Protocol):
    def count(
        self,
        contract: str,
        reference: ModelReference,
        inputs: Sequence[HubFile],
        outputs: Sequence[HubFile] = (),
        output: OutputField | None = None,
        *,
        as_lines: bool = False,
    ) -> Counted:
        """What the files hold, in the reference's cells, read in bounded memory. Refused where the contract is bad.

        With *as_lines* the inputs are JSON Lines with the contract's columns and others, whatever format it names.
        """
        ...

    def own_reference(self, contract: str) -> ModelReference | None:
        """The reference profile beside the contract, for models that bring none; None where it names none."""
        ...

    def columns(self, blob: Blob) -> Mapping[str, Any]:
        """A table's columns by name, numbers and categories, as arrays; what is free text is left out. Refused."""
        ...


class DatasetFiles(Protocol):
    """What is wrong with a file is in the facts; Refused is raised only where a file is not there any more."""

    def table(self, files: Sequence[HubFile], kind: Format) -> TableFacts:
        """The columns and rows of *files* together."""
        ...

    def boxes(self, file: HubFile, labels: Sequence[str], paths: Sequence[str]) -> BoxFacts:
        """The images and boxes of the annotation *file*; *labels* are allowed, *paths* are the folder's files."""
        ...
