"""The record of a run, as every door of runs reads it: one place knows what to say where there is none."""

import json
from typing import Any

from shared.clients import Clients
from shared.records import paths as records
from triggers.http.problems import Problem


def find_run(clients: Clients, run: str) -> bytes | None:
    return clients.hub.read(clients.configuration.hub.state, records.run_record(run))


def read_run(run: str, raw: bytes | None) -> dict[str, Any]:
    """The record in *raw*. Raises Problem where it is None: there is no such run."""
    if raw is None:
        raise Problem(404, "no such run", f"run {run!r} is not recorded; `signalbox status` lists those there are")
    return dict(json.loads(raw))


def run_record(clients: Clients, run: str) -> dict[str, Any]:
    """Raises Problem where there is no such run."""
    return read_run(run, find_run(clients, run))
