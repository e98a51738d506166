"""Before production is approved, pre-production stands the load of production; approvers see how."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.codec import decode
from shared.domain.gates import GateSpec
from shared.domain.gates.evidence import Evidence, LoadTest
from shared.domain.rollout.policy import ExpectedRequests
from shared.ports import EndpointResponse, OnlineRequest
from shared.records import paths
from shared.records.promotion import stage_evidence_at
from tests.rollout.conftest import POLICY, RolloutApp, because, running
from tests.rollout.test_pre_production import LADDER, evidence

LIMITS = {"p95_ms": 2000, "seconds": 1, "min_requests": 1}


async def laddered(
    folder: Path, monkeypatch: pytest.MonkeyPatch, policy: Any = POLICY, **options: object
) -> AsyncIterator[RolloutApp]:
    gates = (GateSpec(gate="load", options={**LIMITS, **options}),)
    *before, prod = LADDER
    async for made in running(policy, folder, monkeypatch, stages=(*before, replace(prod, entry_gates=gates))):
        yield made


def measured(app: RolloutApp, promotion: str) -> LoadTest:
    stage_evidence = stage_evidence_at(
        app.clients.statements, paths.evidence(promotion, "prod", "entry", "evidence.json")
    )
    assert stage_evidence is not None
    load = decode(Evidence, stage_evidence.evidence).load
    assert load is not None
    return load


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Production is expected to have 20 requests a second; hold-out rows are sent."""
    policy = replace(POLICY, expect=ExpectedRequests(per_hour=72_000))
    async for made in laddered(tmp_path, monkeypatch, policy, requests="holdout"):
        made.requests.silent = True
        yield made


async def test_pre_production_is_put_under_the_load_that_is_expected_and_then_measured(app: RolloutApp) -> None:
    first = await app.promote(str(await app.entered("1")), "prod")
    await app.until(lambda: bool(app.traffic), every_s=30)
    load = measured(app, first)
    assert load.profile == "72000 requests an hour are expected"
    assert load.statuses == {"200": load.requests}
    assert load.peak_per_second == 20

    app.requests.silent = False
    app.requests.requests = 600  # A minute: 10 a second.
    await app.finish(first)
    await app.pass_time(hours=1)
    second = await app.promote(str(await app.entered("2")), "prod")
    assert (await app.finish(second)).fate is c.Fate.PROMOTED
    load = measured(app, second)
    assert load.profile == "the busiest minutes of churn-online in the last day"
    assert load.peak_per_second == 10
    page = evidence(app, second)
    assert "<th>load, prod</th>" in page
    assert "from the moment at which each should have been sent" in page


async def test_a_first_release_is_sent_golden_requests_where_nothing_can_be_collected_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = replace(POLICY, expect=ExpectedRequests(per_hour=72_000))
    async for made in laddered(tmp_path, monkeypatch, policy, requests="collector"):
        made.requests.silent = True
        promotion = await made.promote(str(await made.entered("1")), "prod")
        await made.until(lambda made=made: bool(made.traffic), every_s=30)
        assert measured(made, promotion).requests


async def test_a_version_that_fails_under_load_is_held_before_it_is_deployed(app: RolloutApp) -> None:
    invoke = app.endpoints.invoke

    def overloaded(request: OnlineRequest) -> EndpointResponse:
        answer = invoke(request)
        return replace(answer, status=429) if request.workspace.name == "preprod" else answer

    model = await app.entered("1")
    app.endpoints.invoke = overloaded  # type: ignore[method-assign]
    result = await app.finish(await app.promote(str(model), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "with 429" in because(result)
    assert app.traffic == {}


async def test_without_any_figure_of_production_nothing_is_sent_and_nothing_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async for made in laddered(tmp_path, monkeypatch):
        made.requests.silent = True
        result = await made.finish(await made.promote(str(await made.entered("1")), "prod"))
        assert result.fate is c.Fate.HELD, result
        assert "nothing was sent: no requests of production were counted" in because(result)
