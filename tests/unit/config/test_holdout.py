"""`models.NAME.promotion.holdout`: its groups, its classes and how often it is expected to be asked."""

from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.codec import decode, encode
from shared.config import ConfigurationError, load
from shared.config.schema import schema
from shared.domain.promotion.ladder import Holdout

EXAMPLE = yaml.safe_load("""
environments: {dev: {subscription: s, resource_group: g, workspace: dev}}
hub: {account: datahub}
models:
  churn:
    contract: c.yaml
    promotion: {holdout: {path: evaluation/churn.csv, target: y, key: id}}
ladder:
  preprod: {from: dev, environment: dev, serve: {online: churn}, exit: {better_than_champion: {metric: mae}}}
routes:
  nightly:
    take: landing/nightly/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "churn:1"}
    publish: predictions/{run}
""")


def written(folder: Path, **fields: object) -> Path:
    """The example with *fields* added to its hold-out."""
    content = yaml.safe_load(yaml.safe_dump(EXAMPLE))
    content["models"]["churn"]["promotion"]["holdout"] |= fields
    (folder / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
    path = folder / "signalbox.yaml"
    path.write_text(yaml.safe_dump(content))
    jsonschema_rs.validate(schema(), content)
    return path


def test_group_looks_and_classes_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, group="patient", looks=40, classes=["low", "high"])

    holdout = load(path).ladder.promotable("churn").holdout

    assert (holdout.group, holdout.looks, holdout.classes) == ("patient", 40, ("low", "high"))


def test_a_hold_out_of_an_older_plan_has_the_defaults() -> None:
    plain = encode(Holdout(path="evaluation/churn.csv"))
    older = {name: value for name, value in plain.items() if name not in ("group", "looks", "classes")}

    holdout = decode(Holdout, older)

    assert (holdout.group, holdout.looks, holdout.classes) == ("", 12, ())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"group": "id"}, "holdout.group: is 'id', which is another column's part"),
        ({"classes": ["low"]}, "holdout.classes: is ['low']; name two classes or more"),
        ({"classes": ["low", "high"], "labels": True}, "holdout.labels: is true beside classes"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, fields: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(written(tmp_path, **fields))

    assert said in str(refused.value)


@pytest.mark.parametrize("metric", ["pinball@0.9", "ndcg@10", "mcc"])
def test_a_gate_names_a_metric_with_its_parameter(tmp_path: Path, metric: str) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace("metric: mae", f"metric: {metric}"))

    (stage,) = load(path).ladder.stages

    assert stage.exit_gates[0].options["metric"] == metric


def test_a_parameter_that_cannot_be_is_an_error_at_load(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace("metric: mae", "metric: pinball@2"))

    with pytest.raises(ConfigurationError, match=r"needs a quantile between 0 and 1: write pinball@0\.9"):
        load(path)
