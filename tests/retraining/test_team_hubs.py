"""A model that learns from a team's own hub: what is trained there ships by a person's request alone."""

from dataclasses import replace

import pytest

from activities.retraining.training_sets import build_training_sets
from shared import contracts as c
from shared.application.promotion.flags import flagged
from shared.domain.failures import Refused
from shared.domain.promotion.models import FLAG, ModelVersion
from shared.ports import RegisteredModel
from tests.retraining.conftest import RULES, RetrainingApp
from tests.team_hubs import LAB_HUB

ROWS = b"id,x,y\n900,900,900\n"
PERSON = "11111111-2222-3333-4444-555555555555"
LEARNED = replace(RULES.data[0], take="lab/{file}.csv", files=0)


@pytest.fixture
def lab(app: RetrainingApp) -> RetrainingApp:
    vars(app.clients)["configuration"] = replace(app.clients.configuration, hubs=(LAB_HUB,))
    app.hub.land("lab/wards.csv", ROWS)
    return app


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({}, "lab/wards.csv is in hub lab, and what churn is trained on goes to preprod"),
        ({"promote_to": ""}, "lab/wards.csv is in hub lab, and what churn is trained on goes to candidates"),
        (
            {"promote_to": "", "candidate": "", "elsewhere": True},
            "lab/wards.csv is in hub lab, and churn is trained in prod",
        ),
    ],
)
async def test_nobody_names_files_of_the_hub_for_what_ships(
    lab: RetrainingApp, changes: dict[str, str], because: str
) -> None:
    pipeline = RULES.pipeline
    if changes.pop("elsewhere", False):
        pipeline = replace(pipeline, workspace=replace(pipeline.workspace, name="prod"))
    lab.change(**changes, pipeline=pipeline)
    rules = lab.clients.configuration.retraining[0]

    status, answer = await lab.ask("POST", "models/churn/retrain", {"reason": "more", "data": "lab/wards.csv"}, "ada")

    assert (status, because in answer["detail"]) == (422, True), answer
    run = c.RetrainingRun(
        run="r", rules=rules, hub=lab.clients.configuration.hub, causes=1, because="", data=("lab/wards.csv",)
    )
    with pytest.raises(Refused, match=because.replace("lab/wards.csv", "lab")):
        build_training_sets(lab.clients, c.RetrainingStart(key="k", request=run))


async def test_what_is_trained_on_the_hub_is_compared_with_no_champion_and_spends_no_look(lab: RetrainingApp) -> None:
    """Else uploads of the team would make the gates of others' promotions harder: each look costs confidence."""
    await lab.serve()
    lab.change(promote_to="", candidate="", data=(LEARNED,))
    before = kept(lab)

    result = await lab.by_hand()

    assert (result.outcome, result.model) == (c.RetrainingOutcome.BETTER, "churn:2")
    assert (kept(lab), lab.part("evaluation.json")["champion"]) == (before, "")


def kept(lab: RetrainingApp) -> list[str]:
    """The looks at hold-outs, and the promotions."""
    folders = ("holdouts/", "promotions/")
    return [blob.path for folder in folders for blob in lab.hub.list("signalbox", folder)]


def flagged_version(**facts: str) -> RegisteredModel:
    return RegisteredModel(
        model=ModelVersion(name="churn", version="7"), folder="f", tags={FLAG: "churn:7 -> preprod"}, **facts
    )


async def test_no_flag_of_a_model_that_learns_from_the_hub_is_followed(lab: RetrainingApp) -> None:
    """Its pipeline may register versions and tag them by itself."""
    model = flagged_version(author=PERSON)
    assert flagged(lab.clients.configuration, "dev", model) is not None
    lab.change(promote_to="", candidate="", data=(RULES.data[0], LEARNED))

    with pytest.raises(Refused, match="a flag of churn:7 is not followed: churn learns from hub lab"):
        flagged(lab.clients.configuration, "dev", model)


async def test_where_hubs_are_used_a_flag_is_followed_only_on_what_one_person_wrote(lab: RetrainingApp) -> None:
    """A pipeline that reads a hub may register a version of a model that learns from none."""
    assert flagged(lab.clients.configuration, "dev", flagged_version(author=PERSON)) is not None

    with pytest.raises(Refused, match="teams use hubs of their own in dev, and no one person has registered and flag"):
        flagged(lab.clients.configuration, "dev", flagged_version())
    elsewhere = replace(lab.clients.configuration, hubs=(replace(LAB_HUB, environments=("preprod",)),))
    assert flagged(elsewhere, "dev", flagged_version()) is not None
