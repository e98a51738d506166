"""The decision table of routing: what starts, what joins a window, what waits, and what is ignored with a reason."""

import pytest

from shared.domain.configuration import Configuration
from shared.domain.events import BlobArrived
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.routes import Group, Grouping, HubLayout, Marker, Route, Scoring, Workspace
from shared.routing import Ignore, OpenWindow, StartRun
from shared.routing import route as decide

WORKSPACE = Workspace(name="dev", subscription="s", resource_group="g", workspace="w")
SCORING = Scoring(workspace=WORKSPACE, endpoint="e", deployment="blue", model="m", version="1")


def a_route(name: str, take: str, kind: Grouping = Grouping.EACH, marker: str = "_SUCCESS") -> Route:
    return Route(
        name=name,
        take=take,
        contract="contract.yaml",
        score=SCORING,
        publish="predictions/{run}",
        group=Group(kind=kind, marker=Marker(name=marker)),
    )


EACH = a_route("each", "landing/each/{site}/{name}.csv")
WINDOW = a_route("window", "landing/window/{site}/{name}.csv", Grouping.WINDOW)
MARKER = a_route("marker", "landing/marker/{batch}/{name}.csv", Grouping.MARKER)
DEEP = a_route("deep", "landing/deep/**/{name}.csv", Grouping.MARKER, "*.manifest.json")
ALL = Configuration(hub=HubLayout(account="datahub"), routes=(EACH, WINDOW, MARKER, DEEP))


def arrived(location: str) -> BlobArrived:
    container, _, path = location.partition("/")
    return BlobArrived(event_id="e1", arrival=Arrival(account="datahub", container=container, path=path, etag="0x1"))


@pytest.mark.parametrize(
    ("location", "started", "captures"),
    [
        ("landing/each/north/a.csv", EACH, {"site": "north", "name": "a"}),
        ("landing/marker/b1/_SUCCESS", MARKER, {"batch": "b1"}),
        ("landing/deep/x.manifest.json", DEEP, {}),
        ("landing/deep/x/y/z.manifest.json", DEEP, {}),
    ],
)
def test_a_file_or_a_marker_starts_a_run(location, started, captures):
    event = arrived(location)

    assert decide(event, ALL) == (StartRun(route=started, arrival=event.arrival, captures=captures),)


def test_a_file_of_a_window_opens_the_window_of_its_folder():
    assert decide(arrived("landing/window/north/a.csv"), ALL) == (OpenWindow(route=WINDOW, group={"site": "north"}),)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("landing/marker/b1/a.csv", "landing/marker/b1/a.csv waits for the marker _SUCCESS of route marker"),
        ("landing/marker/_SUCCESS", "no route takes landing/marker/_SUCCESS"),
        ("landing/marker/b1/deeper/_SUCCESS", "no route takes landing/marker/b1/deeper/_SUCCESS"),
        ("landing/each/north/a.txt", "no route takes landing/each/north/a.txt"),
        ("predictions/run-1/predictions.csv", "no route takes predictions/run-1/predictions.csv"),
        *((f"{own}/each/north/a.csv", f"{own} is Signalbox's own container") for own in sorted(ALL.hub.reserved)),
    ],
)
def test_what_starts_nothing_says_why(location, reason):
    assert decide(arrived(location), ALL) == (Ignore(reason=reason),)


def test_every_route_that_takes_a_file_has_its_say():
    wide = a_route("wide", "landing/**/{name}.csv")
    configuration = Configuration(hub=ALL.hub, routes=(wide, *ALL.routes))

    decisions = decide(arrived("landing/window/north/a.csv"), configuration)

    assert [type(decision) for decision in decisions] == [StartRun, OpenWindow]
