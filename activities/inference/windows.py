"""Windows: what waits in a group of a route, and the claim that gives it to one run.

A window's index says which of the files that still lie there belong to which run; writing it is what claims them.
"""

from activities.inference.members import candidates
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.inference.windows import WaitingFiles, WindowVerdict, judge_window
from shared.ports import Blob
from shared.records import paths
from shared.records.inference import WindowIndex, claim_files, claim_of
from shared.records.store import RecordStore, Stored


def look_at_window(clients: Clients, watch: c.WindowWatch) -> WindowVerdict:
    now = clients.clock.now()
    ages = [max(0.0, (now - blob.modified).total_seconds()) for blob in unclaimed(clients, watch)]
    waiting = WaitingFiles(files=len(ages), youngest_s=min(ages, default=0.0), oldest_s=max(ages, default=0.0))
    return judge_window(waiting, watch.route.group.window)


def claim_window(clients: Clients, claim: c.WindowClaim) -> c.WindowClaimed:
    """Give what waits (at most a full window, oldest first) to one run. The same key always gives the same run."""
    watch = claim.watch
    stored_index = _stored_index(clients, watch)
    index = _index(stored_index)
    # The index remembers the key of its last claim, so a retry after a lost answer gets the same run and claims no
    # second one.
    if claim.key in index.claims:
        run = index.claims[claim.key]
        return c.WindowClaimed(inference=claim_of(RecordStore(clients.hub, watch.hub.state), run).inference)
    blobs = candidates(clients, watch, watch.group)
    next_blobs = [blob for blob in blobs if _arrival_id(clients, blob) not in index.runs][
        : watch.route.group.window.files
    ]
    if not next_blobs:
        return c.WindowClaimed()
    ids = [_arrival_id(clients, blob) for blob in next_blobs]
    inference = _inference(clients, watch, identity.run_id(watch.route.name, ids))
    claim_files(clients.hub, inference, next_blobs)
    # Entries of files that are gone are dropped, else the index would grow for ever.
    lying = {_arrival_id(clients, blob) for blob in blobs}
    runs = {arrival: run for arrival, run in index.runs.items() if arrival in lying}
    index_after = WindowIndex(runs=runs | dict.fromkeys(ids, inference.run), claims={claim.key: inference.run})
    RecordStore(clients.hub, watch.hub.state).save(_index_path(watch), index_after, stored_index)
    return c.WindowClaimed(inference=inference)


def unclaimed(clients: Clients, watch: c.WindowWatch) -> list[Blob]:
    """The files of the group that no run has, oldest first."""
    runs = window_index(clients, watch).runs
    return [blob for blob in candidates(clients, watch, watch.group) if _arrival_id(clients, blob) not in runs]


def window_index(clients: Clients, watch: c.WindowWatch) -> WindowIndex:
    """Which of the window's files belong to which run, as far as runs have claimed them."""
    return _index(_stored_index(clients, watch))


def _stored_index(clients: Clients, watch: c.WindowWatch) -> Stored[WindowIndex] | None:
    return RecordStore(clients.hub, watch.hub.state).get_stored(WindowIndex, _index_path(watch))


def _index(stored_index: Stored[WindowIndex] | None) -> WindowIndex:
    return WindowIndex() if stored_index is None else stored_index.record


def _inference(clients: Clients, watch: c.WindowWatch, run: str) -> c.Inference:
    today = clients.clock.now().date().isoformat()
    return c.Inference(run=run, route=watch.route, hub=watch.hub, captures=watch.group, date=today)


def _arrival_id(clients: Clients, blob: Blob) -> str:
    return identity.arrival_id(blob.arrival(clients.configuration.account_of(blob.container)))


def _index_path(watch: c.WindowWatch) -> str:
    return paths.window(identity.window_id(watch.route.name, watch.group))
