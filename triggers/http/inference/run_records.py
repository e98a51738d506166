"""The record of a run, as every door of runs reads it: one place knows what to say where there is none.

It stands alone so that the doors of runs, logs and predictions need not import each other.
"""

from shared.clients import Clients
from shared.records.inference import RunRecord, find_run
from triggers.http.problems import Problem


def known_run(run: str, record: RunRecord | None) -> RunRecord:
    """*record*. Raises Problem where it is None: there is no such run."""
    if record is None:
        raise Problem(404, "no such run", f"run {run!r} is not recorded; `signalbox status` lists those there are")
    return record


def run_record(clients: Clients, run: str) -> RunRecord:
    """Raises Problem where there is no such run."""
    return known_run(run, find_run(clients.store, run))
