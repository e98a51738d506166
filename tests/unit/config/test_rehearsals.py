"""`ladder.STAGE.rehearse`: a rollback is rehearsed where a version is deployed and its traffic switched at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.config import ConfigurationError, load
from shared.domain.promotion.plans import Move, Phase, StagePlan

EXAMPLE = """
environments:
  dev: {subscription: s, resource_group: g, workspace: dev}
  preprod: {subscription: s, resource_group: g, workspace: preprod}
  prod: {subscription: s, resource_group: g, workspace: prod}
registry: {name: central, subscription: s, resource_group: g}
hub: {account: datahub}
models:
  churn:
    contract: c.yaml
    promotion: {holdout: {path: evaluation/churn/holdout.csv, target: y, key: id}}
ladder:
  preprod: {from: dev, environment: preprod, serve: {online: churn}, rehearse: true}
  central: {from: preprod, registry: true}
  prod:
    from: central
    environment: prod
    serve: {online: churn-prod}
    approvals: {nobody_is_asked: true}
    rollout: {steps: [10, 100]}
routes:
  nightly:
    take: landing/nightly/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "churn:1"}
    publish: predictions/{run}
"""


def written(folder: Path, rehearsing: str = "preprod") -> Path:
    (folder / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
    content: dict[str, Any] = yaml.safe_load(EXAMPLE)
    for name, stage in content["ladder"].items():
        stage["rehearse"] = name == rehearsing
    path = folder / "signalbox.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_stage_that_rehearses_does_so_before_it_switches_the_traffic(tmp_path: Path) -> None:
    stages = {stage.name: stage for stage in load(written(tmp_path)).ladder.stages}
    assert StagePlan(stage=stages["preprod"]).moves(Phase.EXIT) == (Move.REHEARSE_ROLLBACK, Move.SWITCH_TRAFFIC)
    assert not stages["prod"].rehearse


@pytest.mark.parametrize(
    ("stage", "problem"), [("central", "the stage is the registry"), ("prod", "is true beside `rollout`")]
)
def test_a_stage_without_a_switch_rehearses_nothing(tmp_path: Path, stage: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        load(written(tmp_path, stage))
