"""The templates for production: a release goes through its steps and soaks; a rollback brings back what was good."""

import pytest

from shared import contracts as c
from shared.domain.configuration import Configuration
from tests.devops.conftest import DevOpsApp
from tests.devops.test_templates import step_of
from tests.fakes.rollout import MemoryAlerts, MemoryTraffic
from tests.rollout.conftest import POLICY, configuration_with


@pytest.fixture
def base() -> Configuration:
    return configuration_with(POLICY)


@pytest.fixture
def production(app: DevOpsApp) -> DevOpsApp:
    """The app whose production has traffic to count and alerts to read."""
    traffic = MemoryTraffic(app.endpoints, app.clients.clock.now)
    vars(app.clients).update(memory_traffic=traffic, traffic_figures=lambda source: traffic, alerts=MemoryAlerts())
    return app


async def entered(app: DevOpsApp, version: str) -> None:
    model = app.register(version, 1.0)
    result = await app.finish(await app.promote(str(model), "central"))
    assert result.fate is c.Fate.PROMOTED, result


async def run_of(app: DevOpsApp, name: str, **parameters: str) -> tuple[str, str]:
    """The result of a pipeline that runs the template, and the last line of its log."""
    step, given = step_of(app, name)
    given |= parameters
    pipeline = app.ado.define(
        f"template {name}", {"name": "work", "steps": [step]}, parameters=dict.fromkeys(given, "")
    )
    run = app.ado.run(pipeline, **given)["id"]
    seen = await app.until(lambda: seen if (seen := app.ado.seen(run))["state"] == "completed" else None, every_s=600)
    return seen["result"], seen["log"][-1]


def served(app: DevOpsApp) -> list[str]:
    """The models that get traffic in production."""
    endpoint = app.cloud.state["endpoints"]["prod/onlineEndpoints/churn-online"]
    names = [name for name, share in endpoint["traffic"].items() if share]
    deployments = app.cloud.state["deployments"]
    return [deployments[f"prod/onlineEndpoints/churn-online/{name}"].rpartition("/")[2] for name in names]


async def test_a_release_and_its_rollback_are_waited_for(production: DevOpsApp) -> None:
    for version in ("1", "2"):
        await entered(production, version)
        result, line = await run_of(production, "promote-to-production-and-wait", model=f"churn:{version}", to="prod")
        assert (result, line.startswith("succeeded: promoted")) == ("succeeded", True), line
    assert served(production) == ["churn:2"]

    result, line = await run_of(production, "rollback")

    assert result == "succeeded", line
    assert "churn:1 serves prod/churn-online again instead of churn:2" in line
    assert served(production) == ["churn:1"]


async def test_a_rollback_that_has_nothing_to_go_back_to_fails_its_job_with_the_reason(production: DevOpsApp) -> None:
    await entered(production, "1")
    await run_of(production, "promote-to-production-and-wait", model="churn:1", to="prod")

    result, line = await run_of(production, "rollback")

    assert (result, line.startswith("failed: ")) == ("failed", True), line
    assert served(production) == ["churn:1"]


async def test_a_rollback_to_what_is_no_version_starts_nothing(production: DevOpsApp) -> None:
    result, line = await run_of(production, "rollback", to="latest")

    assert (result, "is not exact" in line) == ("failed", True), line
