"""Files of a data set in the hub: a reader process says what they hold, and its end is a problem of the file."""

from collections.abc import Sequence
from typing import Any, TypeVar

from shared.adapters.reader.files import TableFile
from shared.adapters.reader.pool import readers
from shared.adapters.reader.process import ReaderDied
from shared.codec import decode
from shared.domain.data.data_contract import Format
from shared.domain.datasets.contents import BoxFacts, TableFacts
from shared.ports import DataHub, HubFile

Facts = TypeVar("Facts", TableFacts, BoxFacts)


class HubDatasetFiles:
    """Implements `shared.ports.DatasetFiles`."""

    def __init__(self, hub: DataHub) -> None:
        self._hub = hub

    def table(self, files: Sequence[HubFile], kind: Format) -> TableFacts:
        return self._facts(TableFacts, "describe_table", files, kind)

    def boxes(self, file: HubFile, labels: Sequence[str], paths: Sequence[str]) -> BoxFacts:
        return self._facts(BoxFacts, "describe_boxes", [file], labels, paths)

    def _facts(self, kind: type[Facts], operation: str, files: Sequence[HubFile], *arguments: Any) -> Facts:
        tables = [self._table(file) for file in files]
        try:
            message, _ = readers().ask(operation, tables, *arguments)
        except ReaderDied as death:
            return kind(problems=(f"{death.file or files[0].name}: {death.reason}",))
        return decode(kind, message["end"])

    def _table(self, file: HubFile) -> TableFile:
        return TableFile(name=file.name, open=lambda: self._hub.open(file.blob))
