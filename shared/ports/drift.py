"""The port of drift: count files against a model's reference, and read labelled columns."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

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
