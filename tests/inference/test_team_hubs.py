"""A team's own storage account: its files are scored in the hub's environments, and never start what others would."""

from dataclasses import replace
from typing import Any

import pytest

from activities.drift.windows import is_watched
from activities.inference.members import find_members
from shared.domain import identity
from shared.domain.configuration import TeamHub
from shared.domain.drift.watch import DriftWatch
from shared.domain.failures import Refused
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.routes import Route
from shared.domain.inference.runs import RunOutcome
from shared.ports import Blob
from shared.records.inference import find_run
from shared.records.paths import run_record
from tests.inference.conftest import SCORE, InferenceApp, a_route
from tests.team_hubs import LAB_HUB

TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/stlab"


@pytest.fixture
def lab(app: InferenceApp) -> InferenceApp:
    """The app with a route for files of the team's hub, beside those of the Data Hub."""
    tried = replace(a_route("tried"), take="lab/tried/{site}/{file}.csv", publish="lab/predictions/{run}")
    configuration = app.clients.configuration
    vars(app.clients)["configuration"] = replace(configuration, hubs=(LAB_HUB,), routes=(*configuration.routes, tried))
    return app


def run_of(blob: Blob) -> str:
    arrival = Arrival(account=LAB_HUB.account, container=blob.container, path=blob.path, etag=blob.etag)
    return identity.run_id("tried", [identity.arrival_id(arrival)])


async def test_a_file_of_the_teams_account_is_scored_once_and_answered_there(lab: InferenceApp) -> None:
    blob = lab.land("lab/tried/north/a.csv")
    await lab.tell(blob, topic=TOPIC)
    await lab.tell(blob, "again", topic=TOPIC)

    result = await lab.finish(run_of(blob))
    await lab.pass_time(3600)  # The sweeps look at every file, and name it as its event did.

    assert result.outcome is RunOutcome.COMPLETED
    assert lab.hub.read("lab", f"predictions/{run_of(blob)}/predictions.csv") is not None
    assert sum(lab.jobs.created.values()) == 1


async def test_a_file_whose_event_was_lost_is_found_under_the_same_name(lab: InferenceApp) -> None:
    blob = lab.land("lab/tried/north/a.csv")
    await lab.pass_time(3600)

    assert (await lab.finish(run_of(blob))).outcome is RunOutcome.COMPLETED
    assert sum(lab.jobs.created.values()) == 1


@pytest.mark.parametrize(
    ("location", "changes", "reason"),
    [
        ("landing/each/north/a.csv", {"topic": TOPIC}, "stlab is not the account of container landing"),
        ("lab/tried/north/a.csv", {}, "datahub is not the account of container lab"),
        ("lab/tried/north/a.csv", {"topic": TOPIC.replace("stlab", "strange")}, "strange is not the hub's account"),
    ],
)
async def test_an_account_starts_nothing_by_the_names_of_anothers_containers(
    lab: InferenceApp, location: str, changes: dict[str, Any], reason: str
) -> None:
    """The team may make a container `landing` of its own, and a file in it is no arrival of the Data Hub."""
    await lab.tell(lab.land(location), **changes)

    (day,) = [blob.path for blob in lab.hub.list("signalbox", "ignored/")]
    (line,) = lab.lines(day)
    assert reason in line["reason"]
    assert sum(lab.jobs.created.values()) == 0


@pytest.mark.parametrize("publish", ["predictions/{run}", "lab/predictions/{run}"])
async def test_a_repetition_takes_no_file_of_the_hub_along_to_where_the_route_has_gone(
    lab: InferenceApp, publish: str
) -> None:
    blob = lab.land("lab/tried/north/a.csv")
    await lab.tell(blob, topic=TOPIC)
    run = run_of(blob)
    await lab.finish(run)
    score = replace(SCORE, workspace=replace(SCORE.workspace, name="prod", workspace="wprod"))
    gone = replace(a_route("tried"), score=score, publish=publish)
    change_routes(lab, gone)

    status, answer = await lab.request("POST", f"runs/{run}/reprocess", {"reason": "again"})
    as_it_was, _ = await lab.request("POST", f"runs/{run}/reprocess", {"reason": "again", "as_it_was": True})

    assert (status, "files are in hub lab, and route tried scores in prod" in answer["detail"]) == (409, True), answer
    assert as_it_was == 202


@pytest.mark.parametrize("environment", ["prod", "dev"])
async def test_the_files_decide_and_not_what_the_route_takes(lab: InferenceApp, environment: str) -> None:
    """A repetition that was accepted before the configuration changed, and a second one of it, are refused by the run:
    the route runs elsewhere, or publishes outside the hub."""
    blob = lab.land("lab/tried/north/a.csv")
    await lab.tell(blob, topic=TOPIC)
    run = run_of(blob)
    await lab.finish(run)
    _, accepted = await lab.request("POST", f"runs/{run}/reprocess", {"reason": "again"})
    await lab.finish(accepted["id"])
    before = lab.clients.configuration
    score = replace(SCORE, workspace=replace(SCORE.workspace, name=environment))
    change_routes(lab, replace(a_route("tried"), score=score))
    second = find_run(lab.clients.store, accepted["id"])
    assert second is not None
    request = replace(second.inference, route=lab.clients.configuration.route("tried"), repeats=accepted["id"])

    with pytest.raises(Refused, match="files are in hub lab, and route tried scores in"):
        find_members(lab.clients, request)
    vars(lab.clients)["configuration"] = before
    assert len(find_members(lab.clients, second.inference).blobs) == 1


@pytest.mark.parametrize(
    ("hubs", "publish"),
    [((), "predictions/{run}"), ((replace(LAB_HUB, name="twin", account="sttwin"),), "lab/out/{run}")],
)
async def test_pinned_files_stay_the_teams_after_its_hub_was_removed(
    lab: InferenceApp, hubs: tuple[TeamHub, ...], publish: str
) -> None:
    """Its container is taken for one of the Data Hub then, or of another team, but not the account in which the files
    arrived."""
    run = await scored(lab)
    served = replace(a_route("tried"), publish=publish)
    change_routes(lab, served)
    vars(lab.clients)["configuration"] = replace(lab.clients.configuration, hubs=hubs, drift=(DriftWatch(model="m"),))

    for body in ({}, {"as_it_was": True}):
        status, answer = await lab.request("POST", f"runs/{run}/reprocess", {"reason": "again"} | body)
        assert (status, "in account stlab, which is no hub any more" in answer["detail"]) == (409, True), answer
    record = find_run(lab.clients.store, run)
    assert record is not None
    assert not is_watched(lab.clients, replace(record.inference, route=served), RunOutcome.COMPLETED)


async def test_files_of_which_no_record_says_whence_they_came_are_not_scored_again(lab: InferenceApp) -> None:
    """A repetition pins what the run before it has pinned, and may be kept for longer than that run."""
    run = await scored(lab)
    _, accepted = await lab.request("POST", f"runs/{run}/reprocess", {"reason": "again"})
    await lab.finish(accepted["id"])
    second = find_run(lab.clients.store, accepted["id"])
    assert second is not None
    lab.hub.delete("signalbox", run_record(run))

    status, answer = await lab.request("POST", f"runs/{accepted['id']}/reprocess", {"reason": "again"})

    assert (status, "no record says where the run's files arrived" in answer["detail"]) == (409, True), answer
    with pytest.raises(Refused, match="no record says where the run's files arrived"):
        find_members(lab.clients, second.inference)


async def test_rows_of_the_hub_count_for_no_drift_by_whatever_route(
    lab: InferenceApp,
) -> None:
    blob = lab.land("lab/tried/north/a.csv")
    await lab.tell(blob, topic=TOPIC)
    run = run_of(blob)
    await lab.finish(run)
    _, accepted = await lab.request("POST", f"runs/{run}/reprocess", {"reason": "again"})
    await lab.finish(accepted["id"])
    central = lab.land("landing/each/north/a.csv")
    await lab.tell(central)
    await lab.pass_time(60)
    watch = DriftWatch(model=SCORE.model)
    vars(lab.clients)["configuration"] = replace(lab.clients.configuration, drift=(watch,))

    def counts(name: str) -> bool:
        record = find_run(lab.clients.store, name)
        assert record is not None
        inference = replace(record.inference, route=lab.clients.configuration.route("each"))
        return is_watched(lab.clients, inference, RunOutcome.COMPLETED)

    other = identity.run_id("each", [identity.arrival_id(central.arrival("datahub"))])
    assert (counts(run), counts(accepted["id"]), counts(other)) == (False, False, True)


async def scored(lab: InferenceApp) -> str:
    """The run of a file that the team has landed."""
    blob = lab.land("lab/tried/north/a.csv")
    await lab.tell(blob, topic=TOPIC)
    await lab.finish(run_of(blob))
    return run_of(blob)


def change_routes(lab: InferenceApp, tried: Route) -> None:
    configuration = lab.clients.configuration
    routes = tuple(tried if route.name == "tried" else route for route in configuration.routes)
    vars(lab.clients)["configuration"] = replace(configuration, routes=routes)
