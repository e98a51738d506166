"""A team's own storage account: its files are scored in the hub's environments, and never start what others would."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain import identity
from shared.domain.configuration import ResourceGroup, TeamHub
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.runs import RunOutcome
from shared.ports import Blob
from tests.inference.conftest import InferenceApp, a_route

HUB = TeamHub(
    name="lab",
    account="stlab",
    containers=("lab",),
    environments=("dev",),
    group=ResourceGroup(subscription="s", name="g"),
)
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/stlab"


@pytest.fixture
def lab(app: InferenceApp) -> InferenceApp:
    """The app with a route for files of the team's hub, beside those of the Data Hub."""
    tried = replace(a_route("tried"), take="lab/tried/{site}/{file}.csv", publish="lab/predictions/{run}")
    configuration = app.clients.configuration
    vars(app.clients)["configuration"] = replace(configuration, hubs=(HUB,), routes=(*configuration.routes, tried))
    return app


def run_of(blob: Blob) -> str:
    arrival = Arrival(account=HUB.account, container=blob.container, path=blob.path, etag=blob.etag)
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
