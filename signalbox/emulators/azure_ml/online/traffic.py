"""Each request that an online endpoint answered, as the emulator of Azure Monitor reads it.

Here are the record, where it goes, and a store that keeps it over a restart. Who answers a request is not decided here.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Protocol

from signalbox.emulators.database import open_database


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRequest:
    """One request with its answer.

    *at*: the moment of its arrival, in epoch seconds on the emulator's clock. *workspace*: its ARM id.
    *deployment* is empty where no deployment was chosen (404) or the caller was not admitted (401).
    *connection* names the caller's TCP connection. *model_status* is the model's own status, if a model answered.
    *mirrored*: a copy whose answer was dropped. *named*: the caller chose the deployment by header.
    """

    at: float
    workspace: str
    endpoint: str
    deployment: str
    instance: str
    connection: str
    status: int
    model_status: int | None
    duration_ms: float
    request_bytes: int
    response_bytes: int
    mirrored: bool
    named: bool
    request_id: str
    client_request_id: str
    user_agent: str
    method: str
    path: str

    @property
    def status_class(self) -> str:
        """As the metrics' dimension statusCodeClass has it: `2xx`."""
        return f"{self.status // 100}xx"


class RequestSink(Protocol):
    """Where the scoring address puts each request once it is answered."""

    def add(self, request: ScoredRequest) -> None: ...


_COLUMNS = tuple(field.name for field in fields(ScoredRequest))


class RequestLog:
    """A `RequestSink` in SQLite. Requests are numbered from 1 in the order in which they were answered."""

    def __init__(self, path: Path) -> None:
        self._database = open_database(path)
        self._database.executescript(
            f"CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY, {', '.join(_COLUMNS)});"
            "CREATE INDEX IF NOT EXISTS requests_by_time ON requests (at);"
        )
        places = ", ".join("?" * len(_COLUMNS))
        self._insert = f"INSERT INTO requests ({', '.join(_COLUMNS)}) VALUES ({places})"

    def add(self, request: ScoredRequest) -> None:
        self._database.execute(self._insert, astuple(request))

    def between(self, begin: float, end: float) -> Iterator[ScoredRequest]:
        """The requests that arrived in [begin, end), in the order of their arrival."""
        rows = self._database.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM requests WHERE at >= ? AND at < ? ORDER BY at, number", (begin, end)
        )
        for row in rows:  # Alert rules read a minute of them every few seconds.
            values = dict(zip(_COLUMNS, row, strict=True))
            values["mirrored"], values["named"] = bool(values["mirrored"]), bool(values["named"])
            yield ScoredRequest(**values)
