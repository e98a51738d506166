"""`models.NAME.drift`: read whole, refused whole, and described by the schema."""

import copy
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.config import ConfigurationError, check, load
from shared.config.schema import schema
from shared.domain.drift.rule import DriftRule
from shared.domain.drift.watch import DriftWatch, Labels, OutputField

EXAMPLE = yaml.safe_load("""
environments:
  dev: {subscription: s, resource_group: g, workspace: dev}
hub: {account: datahub}
models:
  churn:
    contract: c.yaml
    drift:
      routes: [nightly]
      every: 1d
      window: {rows: 5000, longest: 7d}
      alpha: 0.02
      effect: 0.3
      minimum_rows: 200
      power: 0.9
      score_must_move: true
      output: {name: churned, field: 3, delimiter: ","}
      labels: {path: answers/churn/, target: left}
      retrain: false
      tell: [owner@example.org]
      sources: [monitor]
      coefficient: 0.4
  other: {contract: c.yaml}
routes:
  nightly:
    take: landing/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "churn:1"}
    publish: predictions/{run}
""")


def read(tmp_path: Path, content):
    (tmp_path / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
    path = tmp_path / "signalbox.yaml"
    path.write_text(yaml.safe_dump(content))
    return load(path)


def with_drift(model="churn", **changes):
    content = copy.deepcopy(EXAMPLE)
    content["models"][model]["drift"] = (content["models"][model].get("drift") or {}) | changes
    return content


def test_every_field_is_read(tmp_path):
    assert read(tmp_path, EXAMPLE).drift == (
        DriftWatch(
            model="churn",
            rule=DriftRule(alpha=0.02, effect=0.3, minimum_rows=200, power=0.9, score_must_move=True),
            routes=("nightly",),
            every_s=86400,
            rows=5000,
            longest_s=7 * 86400,
            output=OutputField(name="churned", field=3, delimiter=","),
            labels=Labels(path="answers/churn/", target="left"),
            retrain=False,
            tell=("owner@example.org",),
            sources=("monitor",),
            coefficient=0.4,
        ),
    )


def test_an_empty_section_watches_with_the_defaults(tmp_path):
    content = copy.deepcopy(EXAMPLE)
    content["models"]["churn"]["drift"] = {"every": "run", "output": {"name": "churned"}}

    assert read(tmp_path, content).drift == (DriftWatch(model="churn", output=OutputField(name="churned")),)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (with_drift(effect=0), "models.churn.drift.effect: is 0"),
        (with_drift(alpha=1), "models.churn.drift.alpha: is 1"),
        (with_drift(routes=["weekly"]), "names 'weekly'; use routes that score churn: nightly"),
        (with_drift(every="10s"), "models.churn.drift.every: is '10s'"),
        (with_drift(window={"rows": 100}), "models.churn.drift.window.rows: is 100, below minimum_rows"),
        (with_drift(output={"name": "x", "delimiter": "::"}), "models.churn.drift.output.delimiter"),
        (with_drift(labels={"path": "answers", "target": "y"}), "models.churn.drift.labels.path: is 'answers'"),
        (with_drift("other", sources=["Monitor"]), "names 'Monitor', as churn does"),
        (with_drift(threshold=1), "models.churn.drift.threshold: is not a field here"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, said):
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, content)

    assert said in str(refused.value)


def test_the_schema_knows_the_section():
    jsonschema_rs.validate(schema(), EXAMPLE)
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema(), with_drift(threshold=1))


def test_a_watch_whose_contract_names_no_reference_is_warned_about(tmp_path):
    read(tmp_path, EXAMPLE)
    (tmp_path / "c.yaml").write_text("format: csv\ncolumns: [{name: x, type: number}]\n")

    warnings = [finding for finding in check(tmp_path / "signalbox.yaml") if finding.field == "models.churn.drift"]

    assert [finding.level for finding in warnings] == ["warning"]
    assert "c.yaml names no reference profile" in warnings[0].problem
    assert "contract/reference-profile.json" in warnings[0].remedy


def test_a_watch_whose_contract_names_one_is_not(tmp_path):
    read(tmp_path, EXAMPLE)
    text = "format: csv\ncolumns: [{name: x, type: number}]\ndistribution: {reference: p.json}\n"
    (tmp_path / "c.yaml").write_text(text)

    assert [found for found in check(tmp_path / "signalbox.yaml") if found.field == "models.churn.drift"] == []
