"""The ports that what is deployed, and the records of what was deployed, are read by: of costs and of alerts.

The module is small and alone because both rooms, and that of events, ask for the same ports.
"""

from typing import Protocol

from shared.ports import Clock, Endpoints, Ledger
from shared.records.statements import Statements
from shared.records.store import RecordStore


class ServingClients(Protocol):
    """What is deployed, and the records of what was."""

    @property
    def clock(self) -> Clock: ...
    @property
    def endpoints(self) -> Endpoints: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def store(self) -> RecordStore: ...
    @property
    def statements(self) -> Statements: ...
