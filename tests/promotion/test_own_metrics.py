"""A metric of the project decides a whole promotion, as one of the product's does."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.adapters.project_functions.functions import ProjectFunctionProcesses
from shared.domain.configuration import Configuration
from shared.domain.gates import GateSpec
from shared.domain.project_functions import digest_of
from tests.promotion.conftest import CONFIGURATION, PromotionApp, running

METRIC = "rules/metrics.py:cost@lower"
# Only what is predicted too low costs anything, and three times as much as it is too low.
COST = "def cost(truth, predictions):\n    return [3 * max(t - p, 0) for t, p in zip(truth, predictions)]\n"


def own_gate(home: Path) -> GateSpec:
    """The gate that compares by the metric, whose file is written into *home*."""
    (home / "rules").mkdir(exist_ok=True)
    (home / "rules" / "metrics.py").write_text(COST)
    options = {"metric": METRIC, "min_rows": 50, "first_model": "pass", "at_least": 15.0}
    return GateSpec(gate="better_than_champion", options=options, source=digest_of(COST.encode()))


def with_gate(configuration: Configuration, gate: GateSpec) -> Configuration:
    """*configuration* whose ladder compares by *gate*."""
    stages = tuple(
        replace(stage, exit_gates=tuple(gate if one.gate == gate.gate else one for one in stage.exit_gates))
        for stage in configuration.ladder.stages
    )
    return replace(configuration, ladder=replace(configuration.ladder, stages=stages))


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    functions = ProjectFunctionProcesses(tmp_path / "project")
    (tmp_path / "project").mkdir()
    configuration = with_gate(CONFIGURATION, own_gate(tmp_path / "project"))
    async with running(configuration, tmp_path, monkeypatch, project_functions=functions) as app:
        yield app


def verdict_of(app: PromotionApp, promotion: str) -> dict[str, Any]:
    """What the gate said in pre-production, as it is on record."""
    record = json.loads(app.hub.read("signalbox", f"promotions/{promotion}/preprod/exit/evidence.json") or b"{}")
    return next(dict(verdict) for verdict in record["verdicts"] if verdict["gate"] == "better_than_champion")


async def test_the_cheaper_version_replaces_the_champion_and_the_dearer_one_is_held(app: PromotionApp) -> None:
    results = []
    for version, error in (("1", 2.0), ("2", 1.0), ("3", 3.0)):
        app.register(version, error)
        results.append(await app.finish(await app.promote(f"churn:{version}", to="preprod")))
    held = results[2]

    assert [result.fate for result in results] == [c.Fate.PROMOTED, c.Fate.PROMOTED, c.Fate.HELD]
    assert f"better_than_champion: fail: overall: {METRIC} better by -" in held.because[0]
    verdict = verdict_of(app, results[1].id)
    assert (verdict["outcome"], verdict["source"]) == ("pass", digest_of(COST.encode()))
