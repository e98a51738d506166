"""Which files a run is about: the one that arrived, those a marker stands for, or those a window claimed."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.inference.arrivals import Arrival, ArrivalPlace
from shared.domain.inference.routes import Grouping, Route
from shared.domain.paths.patterns import fill, fixed_prefix, match
from shared.ports import Blob
from shared.records import paths
from shared.records.inference import arrival_places, claim_of, store_of
from shared.records.store import read_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    blobs: tuple[Blob, ...]
    missing: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def find_members(clients: Clients, request: c.Inference) -> Membership:
    """The files of *request*, in order of their paths. Raises Refused for those of a hub that its route may not use."""
    membership = _find_membership(clients, request)
    # The files decide and not what the route takes: a run is repeated by another configuration, and a schedule names
    # its own folder.
    places = frozenset(ArrivalPlace(container=blob.container) for blob in membership.blobs)
    if request.repeats:
        places = arrival_places(store_of(clients.hub, request), request)
    problem = clients.configuration.closed_files(request.route, places) if membership.blobs else ""
    if problem:
        raise Refused(problem)
    return membership


def _find_membership(clients: Clients, request: c.Inference) -> Membership:
    if request.repeats:
        return Membership(blobs=_pinned_before(clients, request))
    if request.trigger is None:
        return _without_own(claimed(clients, request))
    if request.route.group.kind is Grouping.MARKER:
        return _marked(clients, request, request.trigger)
    return _single(clients, request.trigger)


def candidates(clients: Clients, request: c.Inference | c.WindowWatch, group: dict[str, str]) -> list[Blob]:
    """What lies in the hub now and belongs to *group* of the route, oldest first."""
    container, _, pattern = request.route.take.partition("/")
    prefix = fixed_prefix(fill_known(pattern, group))
    matches = (
        blob
        for blob in clients.hub.list(container, prefix)
        if match(request.route.take, f"{container}/{blob.path}") is not None
        and request.route.group_key(f"{container}/{blob.path}") == group
    )
    return sorted(matches, key=lambda blob: (blob.modified, blob.path))


def lying(clients: Clients, route: Route) -> Iterator[Blob]:
    """What starts something on *route*, as it lies there now."""
    container, _, pattern = route.take.partition("/")
    marker = route.group.kind is Grouping.MARKER
    prefix = fixed_prefix(pattern)
    for blob in clients.hub.list(container, prefix[: prefix.rfind("/") + 1] if marker else prefix):
        location = f"{container}/{blob.path}"
        is_start = route.marked(location) if marker else route.captures(location) is not None
        if is_start and "signalbox_run" not in blob.metadata:
            yield blob


def groups(clients: Clients, route: Route) -> list[dict[str, str]]:
    """The groups that have files on *route* now."""
    groups = (route.group_key(f"{blob.container}/{blob.path}") for blob in lying(clients, route))
    return list({identity.window_id(route.name, group): group for group in groups}.values())


def fill_known(pattern: str, captures: dict[str, str]) -> str:
    """*pattern* with the captures in *captures* filled in; the others stay."""
    return fill(pattern, _Known(captures))


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def claimed(clients: Clients, request: c.Inference) -> list[Blob]:
    """The files a window claimed for the run, as they were then. Raises Refused where the claim is gone."""
    return list(claim_of(store_of(clients.hub, request), request.run).files)


def _single(clients: Clients, trigger: Arrival) -> Membership:
    blob = clients.hub.find(trigger.container, trigger.path)
    if blob is None:
        return Membership(blobs=(), dropped=(f"{trigger.location} is gone, or a folder's marker and no file",))
    # The overwriting raised an event of its own, which scores the new content. Scoring it here too would publish it
    # twice.
    if trigger.etag and blob.etag != trigger.etag:
        return Membership(blobs=(), dropped=(f"{trigger.location} was overwritten: {trigger.etag} is stale",))
    return _without_own([blob])


def _marked(clients: Clients, request: c.Inference, trigger: Arrival) -> Membership:
    blobs = candidates(clients, request, request.route.group_key(trigger.location))
    blobs = [blob for blob in blobs if blob.path != trigger.path]
    if not request.route.group.marker.manifest:
        return _without_own(blobs)
    folder = trigger.path.rpartition("/")[0]
    locations = [f"{folder}/{name}" for name in _named(clients, trigger)]
    blobs_by_path = {blob.path: blob for blob in blobs}
    missing = tuple(path for path in locations if path not in blobs_by_path)
    return (
        Membership(blobs=(), missing=missing) if missing else _without_own([blobs_by_path[path] for path in locations])
    )


def _named(clients: Clients, trigger: Arrival) -> list[str]:
    """The members a manifest names: `{"files": ["a.csv", ...]}`, names beside the manifest."""
    raw = clients.hub.read(trigger.container, trigger.path) or b""
    try:
        names = read_json(raw)["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f'manifest {trigger.location} is not JSON of the form {{"files": ["name", ...]}}') from error
    if not isinstance(names, list) or not all(isinstance(name, str) and name and "/" not in name for name in names):
        raise Refused(f"manifest {trigger.location}: `files` must list names of files in the manifest's own folder")
    return sorted(set(names))


def _without_own(blobs: list[Blob]) -> Membership:
    """The runtime half of the loop guard: nothing a run wrote is scored."""
    own_blobs = [blob for blob in blobs if "signalbox_run" in blob.metadata]
    inputs = sorted((blob for blob in blobs if "signalbox_run" not in blob.metadata), key=lambda blob: blob.path)
    return Membership(blobs=tuple(inputs), dropped=tuple(f"{blob.path} was written by Signalbox" for blob in own_blobs))


def _pinned_before(clients: Clients, request: c.Inference) -> tuple[Blob, ...]:
    folder = paths.pinned(request.repeats)
    return tuple(sorted(clients.hub.list(request.hub.staging, f"{folder}/"), key=lambda blob: blob.path))
