"""`ladder.STAGE.change`: off by default, with ServiceNow's states, and every mistake found at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.config import check, load
from shared.domain.provisioning.rules import ChangeRules
from tests.unit.config.test_rehearsals import written


def with_change(folder: Path, stage: str, change: Any, **more: Any) -> Path:
    path = written(folder)
    content = yaml.safe_load(path.read_text())
    content["ladder"][stage] |= {"change": change, **more}
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({}, ChangeRules()),
        (
            {"assignment_group": "releases", "give_up_after": "14d", "approved_states": ["-1"]},
            ChangeRules(assignment_group="releases", give_up_after_s=14 * 86400, approved_states=("-1",)),
        ),
    ],
)
def test_a_stage_asks_for_a_change_where_it_says_so(tmp_path: Path, change: Any, rules: ChangeRules) -> None:
    stages = {stage.name: stage for stage in load(with_change(tmp_path, "prod", change)).ladder.stages}

    assert (stages["prod"].change, stages["central"].change) == (rules, None)


def test_every_mistake_is_found_at_once(tmp_path: Path) -> None:
    change = {"approved_states": ["-1", "4"], "stopped_states": ["3", "4"]}

    said = [str(finding) for finding in check(with_change(tmp_path, "central", change, candidate=True))]

    assert any("ladder.central.change: is set, and the stage enters candidates" in text for text in said), said
    assert any("ladder.central.change.stopped_states: has '4', which approves too" in text for text in said), said
