"""`ladder.STAGE.train`: what is trained must answer before it counts, never learns its hold-out, and ends its way."""

from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.config import ConfigurationError, check, load
from shared.config.schema import schema
from shared.domain.failures import Refused
from shared.domain.promotion.training import TrainingFolder

EXAMPLE = yaml.safe_load("""
environments:
  experiment: {subscription: s, resource_group: g, workspace: experiment}
  dev: {subscription: s, resource_group: g, workspace: dev}
hub: {account: datahub}
models:
  churn:
    contract: c.yaml
    promotion: {holdout: {path: evaluation/churn/holdout.csv, target: y, key: id}}
ladder:
  dev:
    from: experiment
    environment: dev
    serve: {online: churn-dev}
    exit: {api_test_passed: }
    train:
      churn:
        pipeline: {job: "train:1"}
        parameters: {alpha: 0.5}
        recipe: [depth]
        data:
          rows: {path: signalbox-staging/training-sets/churn}
          more: {path: archive/churn, datastore: hub_archive}
        bundle: candidate
        give_up_after: 2h
  preprod: {from: dev, environment: dev, serve: {online: churn-preprod}}
routes:
  nightly:
    take: landing/nightly/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "churn:1"}
    publish: predictions/{run}
""")


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")

    def write(*changes):
        """The example with fields (dotted, below `ladder.dev`) set, or removed by None."""
        content = yaml.safe_load(yaml.safe_dump(EXAMPLE))
        for field, value in changes:
            *folders, name = field.split(".")
            inner = content["ladder"]["dev"]
            for folder in folders:
                inner = inner[folder]
            inner[name] = value
        path = tmp_path / "signalbox.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def test_the_whole_section_is_read(write):
    ladder = load(write()).ladder
    rules = ladder.stages[0].trains("churn")

    assert (rules.pipeline.name, rules.pipeline.workspace.name, rules.experiment) == ("train:1", "dev", "churn")
    assert (rules.parameters, rules.recipe, rules.bundle) == ({"alpha": "0.5"}, ("depth",), "candidate")
    assert set(rules.data) == {
        TrainingFolder(name="rows", path="signalbox-staging/training-sets/churn", datastore="hub_staging"),
        TrainingFolder(name="more", path="archive/churn", datastore="hub_archive"),
    }
    assert rules.give_up_after_s == 7200
    jsonschema_rs.validate(schema(), EXAMPLE)


def test_what_is_trained_on_the_way_ends_the_way(write):
    ladder = load(write()).ladder

    assert [stage.name for stage in ladder.way("experiment", "dev")] == ["dev"]
    assert (ladder.first_leg("experiment", "preprod"), ladder.first_leg("dev", "preprod")) == ("dev", "preprod")
    assert (ladder.lowest_source("preprod"), ladder.lowest_source("dev")) == ("dev", "experiment")
    with pytest.raises(Refused, match="'preprod' is beyond 'dev'"):
        ladder.way("experiment", "preprod")
    with pytest.raises(Refused, match=r"trains churn, not 'fraud'; add ladder\.dev\.train\.fraud"):
        ladder.stages[0].trains("fraud")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("exit", {}, "exit: asks for no smoke inference; add api_test_passed or golden_requests_match"),
        ("train.churn.pipeline", {"job": "train:1", "endpoint": "e"}, "pipeline: names endpoint, job"),
        ("train.churn.pipeline", {"job": "train"}, "use the pipeline component's NAME:VERSION, exact"),
        ("train.churn.pipeline.environment", "dev", "environment: is not a field here"),
        ("train.churn.data.rows.path", "evaluation/churn", "datastore: is missing"),
        ("train.churn.data.more.path", "evaluation/churn", "more.path: holds the hold-out; train on other rows"),
        ("train.churn.data.more.path", "archive", "use container/folder in the hub"),
        ("train.churn.give_up_after", "2d", "use at most 20h: receipts expire"),
        ("train.churn.bundle", "rows", "as one of `data`; give it an input of its own"),
        ("train.fraud", {"pipeline": {"job": "t:1"}, "data": {}}, "add models.fraud.promotion"),
        ("environment", "experiment", "another name than its environment; name the stage after it"),
    ],
)
def test_what_cannot_be_meant_is_refused(write, field, value, said):
    with pytest.raises(ConfigurationError) as refused:
        load(write((field, value)))

    assert said in str(refused.value)


def test_the_example_has_no_warnings(write):
    assert check(write()) == ()
