"""Event to decisions, as data: what to start, which window to open, or why nothing happens. Pure."""

from dataclasses import dataclass

from shared.domain.configuration import Configuration
from shared.domain.events import BlobArrived
from shared.domain.inference.arrivals import Arrival, is_folder_marker
from shared.domain.inference.routes import Grouping, Route

FOLDER_MARKER = "{} is a folder's marker, and no file"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    route: Route
    arrival: Arrival
    captures: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWindow:
    route: Route
    group: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTrainingData:
    """Something has come that *model* is trained on: look whether it is enough."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    reason: str


Decision = StartRun | OpenWindow | WatchTrainingData | Ignore


def route(event: BlobArrived, configuration: Configuration) -> tuple[Decision, ...]:
    """One decision for every route that takes the file and every model it trains; or a single Ignore."""
    location = event.arrival.location
    if event.arrival.container in configuration.hub.reserved:
        return (Ignore(reason=f"{event.arrival.container} is Signalbox's own container"),)
    if is_folder_marker(event.arrival.path, {}):
        return (Ignore(reason=FOLDER_MARKER.format(location)),)
    decisions = tuple(
        decision
        for candidate in configuration.routes
        if (decision := _decision_of_route(candidate, event.arrival, location)) is not None
    )
    retrainings = tuple(
        WatchTrainingData(model=rules.model)
        for rules in configuration.retraining
        if any(data.takes(location) for data in rules.data)
    )
    return (*decisions, *retrainings) or (Ignore(reason=f"no route takes {location}"),)


def _decision_of_route(rules: Route, arrival: Arrival, location: str) -> Decision | None:
    if rules.group.kind is Grouping.MARKER and rules.marked(location):
        return StartRun(route=rules, arrival=arrival, captures=rules.group_key(location))
    captures = rules.captures(location)
    if captures is None:
        return None
    if rules.group.kind is Grouping.MARKER:
        return Ignore(reason=f"{location} waits for the marker {rules.group.marker.name} of route {rules.name}")
    if rules.group.kind is Grouping.SCHEDULE:
        return Ignore(reason=f"{location} waits for a schedule of route {rules.name}")
    if rules.group.kind is Grouping.WINDOW:
        return OpenWindow(route=rules, group=rules.group_key(location))
    return StartRun(route=rules, arrival=arrival, captures=captures)
