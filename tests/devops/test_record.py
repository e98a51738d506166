"""Records golden histories of what stands in for Azure DevOps, where they are missing (tests/replay/recording.py)."""

from dataclasses import replace

import pytest

from shared import contracts as c
from shared.codec import encode
from shared.domain.configuration import Configuration
from shared.domain.devops.configuration import DevOps, StageApprovals
from tests.devops.conftest import DevOpsApp
from tests.inference.conftest import a_route
from tests.promotion.conftest import CONFIGURATION
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)

pytestmark = only_when_asked

GROUP, APP = "[mlops]\\Data Scientists", "Signalbox"


@pytest.fixture
def base() -> Configuration:
    return replace(CONFIGURATION, routes=(a_route("each"),))


@pytest.fixture
def rules() -> DevOps:
    shared = StageApprovals(
        stage="central", organisation="contoso", project="mlops", approvers={"data-scientist": GROUP}
    )
    return DevOps(organisations=("contoso",), projects=("mlops",), approvals=(shared,))


async def test_record_a_task(app: DevOpsApp, seen: dict[str, str]) -> None:  # noqa: F811
    app.hub.land("landing/each/paris/a.csv", b"id,x\n1,1\n2,2\n")
    gate = app.gate('{"start": "inference", "path": "landing/each/paris/a.csv"}')
    run = app.ado.run(app.ado.define("recorded task", {"name": "score", "gates": [gate]}))
    await app.ended(run["id"])
    (task,) = app.tasks()
    await app.host.advance_until_finished(task, timeout=30)
    record("follow_task", "follow_task", seen[task])


async def test_record_a_mirror(app: DevOpsApp, seen: dict[str, str]) -> None:  # noqa: F811
    app.register("1", error=1.0)
    approval = {"kind": "approval", "approvers": [GROUP, APP], "min": 1}
    gate = app.gate('{"start": "promotion", "model": "churn:1", "to": "central"}')
    run = app.ado.run(app.ado.define("recorded mirror", {"name": "promote", "gates": [gate, approval]}))
    promotion = await app.asking()
    await app.approve(promotion)
    await app.ended(run["id"])
    await app.host.advance_until_finished(f"{promotion}-mirror", timeout=30)
    record("mirror", "mirror", seen[f"{promotion}-mirror"])


async def test_record_a_run_of_a_pipeline(app: DevOpsApp, seen: dict[str, str]) -> None:  # noqa: F811
    pipeline = app.ado.define("recorded run", {"name": "work", "gates": [{"kind": "approval", "approvers": [APP]}]})
    wanted = c.RunOfPipeline(key="k", organisation="contoso", project="mlops", pipeline=pipeline, correlation="c-1")
    await app.host.start("run_devops_pipeline", "recorded-run", encode(wanted))
    await app.pass_time(seconds=2)
    (approval,) = [each for each in app.ado.state()["approval"] if each["pipeline"]["id"] == str(pipeline)]
    app.ado.decide(approval["id"], "")
    await app.host.advance_until_finished("recorded-run", timeout=30)
    record("run_devops_pipeline", "run_devops_pipeline", seen["recorded-run"])
