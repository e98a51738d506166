"""What whoever reads and writes the hub's records needs of the app's clients."""

from typing import Protocol

from shared.domain.configuration import Configuration
from shared.ports import Clock, DataHub


class Records(Protocol):
    """Where records are kept, and what says where."""

    @property
    def configuration(self) -> Configuration: ...
    @property
    def hub(self) -> DataHub: ...


class DatedRecords(Records, Protocol):
    """Records that say when they were made."""

    @property
    def clock(self) -> Clock: ...
