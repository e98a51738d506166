"""A team's own storage brings nothing into the Data Hub by an import, whatever its hosts and data assets are called."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from shared import contracts as c
from shared.adapters.internet_files import HttpsFiles
from shared.domain.datasets.sources import SourceRules
from shared.domain.retraining.pipelines import Pipeline, PipelineKind
from shared.domain.retraining.rules import Retraining, TrainingRoute
from tests.datasets.file_server import CONTENT
from tests.datasets.test_imports import PLACE, ImportApp, app, server  # noqa: F401 (fixtures)
from tests.inference.conftest import SCORE, a_route
from tests.team_hubs import LAB_HUB
from triggers.http.places import places_of

IN_LAB = "lab/tried/north/a.csv"


@pytest.fixture
def lab(app: ImportApp) -> ImportApp:  # noqa: F811
    """The app with a team's hub, and a route that takes files there."""
    tried = replace(a_route("tried"), take="lab/tried/{site}/{file}.csv", publish="lab/predictions/{run}")
    before = app.clients.configuration
    sources = replace(before.sources, hosts=("*.windows.net",))
    vars(app.clients)["configuration"] = replace(
        before, hubs=(LAB_HUB,), routes=(*before.routes, tried), sources=sources
    )
    return app


@pytest.mark.parametrize(
    "host", ["stlab.blob", "stlab-secondary.blob", "STLAB.dfs", "stlab.z6.web", "stlab.privatelink.blob"]
)
async def test_no_host_of_a_teams_hub_brings_files_to_the_data_hub(lab: ImportApp, host: str) -> None:
    source = f"https://{host}.core.windows.net/lab/a.csv"
    status, problem = await lab.request("POST", "imports", lab.body(source))

    assert (status, "is of account stlab, a team's own hub" in problem["detail"]) == (422, True), problem
    configuration, files = lab.clients.configuration, HttpsFiles()
    assert files.objection(source, configuration.sources_for(IN_LAB)) == ""
    assert files.objection(source.lower().replace("stlab", "stlab2"), configuration.sources_for(PLACE)) == ""


def test_no_host_of_a_closed_account_is_allowed() -> None:
    rules = SourceRules(hosts=("*",), closed=("stlab",))

    assert "a team's own hub" in HttpsFiles().objection("https://stlab.blob.core.windows.net/lab/a.csv", rules)


@pytest.mark.parametrize(
    ("storage", "environments", "because"),
    [
        (("stlab", "lab"), ("other",), "it lies in account stlab, a team's own hub"),
        (("stlab", "lab"), ("dev",), "it lies in stlab/lab of dev, where teams use hubs of their own"),
        (("stdev", "blobs"), ("dev",), "it lies in stdev/blobs of dev, where teams use hubs of their own"),
        (("stdev", "blobs"), ("twin",), "it lies in stdev/blobs of dev, where teams use hubs of their own"),
        (("datahub", "signalbox-staging"), ("dev",), "it lies in datahub/signalbox-staging of dev"),
        (("stdev", "blobs"), ("other",), ""),
        (("datahub", "archive"), ("dev",), ""),
    ],
)
async def test_an_asset_in_the_storage_of_a_team_lands_in_its_hub_alone(
    lab: ImportApp, storage: tuple[str, str], environments: tuple[str, ...], because: str
) -> None:
    lab.clients.data_assets.seen = storage  # type: ignore[attr-defined]
    lab.assets["dev/wards:3"] = {"a.csv": CONTENT}
    before, hubs = lab.clients.configuration, (replace(LAB_HUB, environments=environments),)
    twin = replace(SCORE.workspace, name="twin", workspace=SCORE.workspace.workspace.upper())
    vars(lab.clients)["configuration"] = replace(before, hubs=hubs, workspaces=(*before.workspaces, twin))

    result = await lab.bring("azureml:wards:3")
    within = await lab.bring("azureml:wards:3", IN_LAB)

    assert (result.outcome == c.ImportOutcome.IMPORTED, because in result.because) == (not because, True), result
    assert lab.landed() == ([] if because else ["each/north/june.csv"])
    assert within.outcome is c.ImportOutcome.IMPORTED


def test_who_imports_may_start_what_all_takers_of_the_place_start(lab: ImportApp) -> None:
    configuration = lab.clients.configuration
    served = replace(SCORE, workspace=replace(SCORE.workspace, name="prod"))
    other = replace(configuration.route("each"), name="other", score=served)
    learned = TrainingRoute(name="rows", take="landing/success/{site}/{file}.csv")
    pipeline = Pipeline(kind=PipelineKind.JOB, workspace=replace(SCORE.workspace, name="train"), name="t:1")
    taught = Retraining(model="m", pipeline=pipeline, experiment="m", data=(learned,))
    vars(lab.clients)["configuration"] = replace(
        configuration, routes=(*configuration.routes, other), retraining=(taught,)
    )

    def places(path: str) -> tuple[str, ...]:
        return places_of("import", lab.clients, {"body": SimpleNamespace(route="each", path=path)})

    assert {path: places(path) for path in (PLACE, "landing/each/north/", "landing/", "landing/window/n/", IN_LAB)} == {
        PLACE: ("dev", "prod"),
        "landing/each/north/": ("dev", "prod"),
        "landing/": ("dev", "prod", "train"),
        "landing/window/n/": ("dev",),
        IN_LAB: ("dev",),
    }
    assert places("landing/success/n/a.csv") == ("dev", "train")
