"""A project's own gates in the ladder: what is wrong with them is said by file and line, before anything runs."""

from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.config import check, load
from shared.config.schema import schema
from shared.domain.project_functions import digest_of
from shared.operations.project_facts import project_facts

GATE = "def enough(evidence, options):\n    raise SystemExit('a check runs nothing')\n"
LADDER = """\
environments:
  dev: {subscription: s, resource_group: g, workspace: w}
  preprod: {subscription: s, resource_group: g, workspace: p}
hub: {account: datahub}
routes: {}
ladder:
  preprod:
    from: dev
    environment: preprod
    serve: {online: e}
    entry:
      data_tests_passed:
      %s
"""


def written(home: Path, entry: str, source: str | None = GATE) -> Path:
    (home / "rules").mkdir()
    if source is not None:
        (home / "rules" / "gates.py").write_text(source)
    path = home / "signalbox.yaml"
    path.write_text(LADDER % entry)
    return path


def test_the_plan_carries_the_digest_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "rules/gates.py:enough: {needs: [data_test, at], options: {rows: 7}, seconds: 2}")
    (stage,) = load(path).ladder.stages
    spec = stage.entry_gates[1]

    assert spec.gate == "rules/gates.py:enough"
    assert spec.source == digest_of(GATE.encode())
    assert stage.entry_gates[0].source == ""
    assert project_facts(path)["files"] == ["rules/gates.py"]  # So `signalbox package` takes it along.


@pytest.mark.parametrize(
    ("entry", "source", "sentence"),
    [
        (
            "rules/gates.py:enough:",
            None,
            "signalbox.yaml:13: ladder.preprod.entry.rules/gates.py:enough: names rules/gates.py, which is not a file; "
            "name a file beside the configuration, or below it",
        ),
        (
            "../gates.py:enough:",
            GATE,
            "signalbox.yaml:13: ladder.preprod.entry.../gates.py:enough: is outside the configuration's folder; "
            "name a file in or below it",
        ),
        (
            "rules/gates.py:enougt:",
            GATE,
            "signalbox.yaml:13:7: ladder.preprod.entry.rules/gates.py:enougt: names rules/gates.py, which has no "
            "function enougt; did you mean 'enough'?",
        ),
        (
            "rules/gates.py:enough:",
            "x = 1\ndef enough(evidence:\n",
            "rules/gates.py:2: rules/gates.py:enough: is no Python ('(' was never closed); mend the line",
        ),
        (
            "rules/gates.py:enough:",
            "\ndef enough(evidence):\n    return {}\n",
            "rules/gates.py:2: rules/gates.py:enough: does not take the evidence and the options; "
            "write def enough(evidence, options):",
        ),
        (
            "rules/gates.py:enough:",
            f"import json\nimport numpy as np\n{GATE}",
            "rules/gates.py:2: rules/gates.py:enough: imports numpy, which is not there when the gate is asked; "
            "use the standard library, and keep what the gate needs in its file",
        ),
        (
            "rules/gates.py:enough: {needs: [latency]}",
            GATE,
            "signalbox.yaml:13: ladder.preprod.entry.rules/gates.py:enough.needs: names 'latency', which no gate here "
            "has measured; add one of fast_enough beside it",
        ),
        (
            "rules/gates.py:enough: {needs: [data_tests]}",
            GATE,
            "signalbox.yaml:13: ladder.preprod.entry.rules/gates.py:enough.needs: names 'data_tests', which is no part "
            "of the evidence; did you mean 'data_test'?",
        ),
        (
            "rules/gates.py:enough: {seconds: 100}",
            GATE,
            "signalbox.yaml:13: ladder.preprod.entry.rules/gates.py:enough.seconds: is 100; "
            "give a number from 0.1 to 60",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_remedy(
    tmp_path: Path, entry: str, source: str | None, sentence: str
) -> None:
    findings = check(written(tmp_path, entry, source))

    assert [finding.placed("signalbox.yaml") for finding in findings] == [sentence]


METRIC = 'better_than_champion: {metric: "rules/gates.py:enough%s"}'


def test_the_plan_carries_the_digest_of_a_metric_of_the_project(tmp_path: Path) -> None:
    source = "def enough(truth, predictions):\n    return truth\n"
    (stage,) = load(written(tmp_path, METRIC % "@higher", source)).ladder.stages

    assert stage.entry_gates[1].source == digest_of(source.encode())


@pytest.mark.parametrize(
    ("direction", "source", "sentence"),
    [
        (
            "@lower",
            "def enough(truth):\n    return truth\n",
            "rules/gates.py:1: rules/gates.py:enough: does not take the truth and the predictions; "
            "write def enough(truth, predictions):",
        ),
        (
            "",
            "def enough(truth, predictions):\n    return truth\n",
            "signalbox.yaml:13: ladder.preprod.entry.better_than_champion.metric: is 'rules/gates.py:enough' (metric "
            "'rules/gates.py:enough' needs its direction: write rules/gates.py:enough@higher or "
            "rules/gates.py:enough@lower)",
        ),
    ],
)
def test_what_is_wrong_with_a_metric_is_said(tmp_path: Path, direction: str, source: str, sentence: str) -> None:
    (finding,) = check(written(tmp_path, METRIC % direction, source))

    assert finding.placed("signalbox.yaml").startswith(sentence)


@pytest.mark.parametrize(
    ("entry", "valid"),
    [
        ("rules/gates.py:enough: {needs: [at]}", True),
        ("rules/gates.py:enough:", True),
        ("rules/gates.py:enough: {need: [at]}", False),
        ("rules/gates.py: {}", False),
    ],
)
def test_an_editor_knows_the_form(entry: str, valid: bool) -> None:
    validator = jsonschema_rs.validator_for(schema())

    assert validator.is_valid(yaml.safe_load(LADDER % entry)) is valid
