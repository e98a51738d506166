"""Windows: what waits in a group of a route, and the claim that gives it to one run.

A window's index says which of the files that still lie there belong to which run; writing it is what claims them.
"""

import json
from dataclasses import dataclass

from activities.inference.members import candidates
from shared import contracts as c
from shared.clients import Clients
from shared.codec import decode
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.routes import HubLayout
from shared.domain.inference.windows import WaitingFiles, WindowVerdict, judge_window
from shared.ports import Blob
from shared.records import paths as records
from shared.records.claims import claim_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """*runs*: arrival id -> run; *claims*: key of a claim -> run; *etag* is empty where there is no index yet."""

    runs: dict[str, str]
    claims: dict[str, str]
    etag: str = ""


def look_at_window(clients: Clients, watch: c.WindowWatch) -> WindowVerdict:
    now = clients.clock.now()
    ages = [max(0.0, (now - blob.modified).total_seconds()) for blob in unclaimed(clients, watch)]
    waiting = WaitingFiles(files=len(ages), youngest_s=min(ages, default=0.0), oldest_s=max(ages, default=0.0))
    return judge_window(waiting, watch.route.group.window)


def claim_window(clients: Clients, claim: c.WindowClaim) -> c.WindowClaimed:
    """Give what waits (at most a full window, oldest first) to one run. The same key always gives the same run."""
    watch = claim.watch
    index = read_index(clients, watch)
    if claim.key in index.claims:
        return c.WindowClaimed(inference=claimed_inference(clients, watch.hub, index.claims[claim.key]))
    there = candidates(clients, watch, watch.group)
    chosen = [blob for blob in there if _arrival_id(watch, blob) not in index.runs][: watch.route.group.window.files]
    if not chosen:
        return c.WindowClaimed()
    ids = [_arrival_id(watch, blob) for blob in chosen]
    inference = _inference(clients, watch, identity.run_id(watch.route.name, ids))
    claim_files(clients.hub, inference, chosen)
    kept = {_arrival_id(watch, blob) for blob in there}
    runs = {known: run for known, run in index.runs.items() if known in kept} | dict.fromkeys(ids, inference.run)
    _write_index(clients, watch, Index(runs=runs, claims={claim.key: inference.run}, etag=index.etag))
    return c.WindowClaimed(inference=inference)


def unclaimed(clients: Clients, watch: c.WindowWatch) -> list[Blob]:
    """The files of the group that no run has, oldest first."""
    taken = read_index(clients, watch).runs
    return [blob for blob in candidates(clients, watch, watch.group) if _arrival_id(watch, blob) not in taken]


def claimed_inference(clients: Clients, hub: HubLayout, run: str) -> c.Inference:
    """The run's input as it was when the window claimed its files. Raises Refused where that record is gone."""
    raw = clients.hub.read(hub.state, records.claim(run))
    if raw is None:
        raise Refused(f"the claim of run {run} is gone from {hub.state}/{records.claim(run)}")
    return decode(c.Inference, json.loads(raw)["inference"])


def read_index(clients: Clients, watch: c.WindowWatch) -> Index:
    path = _index_path(watch)
    there = clients.hub.find(watch.hub.state, path)
    if there is None:
        return Index(runs={}, claims={})
    raw = json.loads(clients.hub.read(watch.hub.state, path) or b"{}")
    return Index(runs=raw.get("runs", {}), claims=raw.get("claims", {}), etag=there.etag)


def _write_index(clients: Clients, watch: c.WindowWatch, index: Index) -> None:
    content = json.dumps({"runs": index.runs, "claims": index.claims}).encode()
    state, path = watch.hub.state, _index_path(watch)
    written = (
        clients.hub.replace(state, path, content, index.etag)
        if index.etag
        else clients.hub.create(state, path, content)
    )
    if not written:
        raise Transient(f"the index of window {path} was changed by another claim")


def _inference(clients: Clients, watch: c.WindowWatch, run: str) -> c.Inference:
    today = clients.clock.now().date().isoformat()
    return c.Inference(run=run, route=watch.route, hub=watch.hub, captures=watch.group, date=today)


def _arrival_id(watch: c.WindowWatch, blob: Blob) -> str:
    return identity.arrival_id(
        Arrival(account=watch.hub.account, container=blob.container, path=blob.path, etag=blob.etag)
    )


def _index_path(watch: c.WindowWatch) -> str:
    return records.window(identity.window_id(watch.route.name, watch.group))
