"""`models.NAME.retraining`: read whole, refused whole, and never fed by what routes publish."""

from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.config import ConfigurationError, check, load
from shared.config.schema import schema
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.pipelines import PipelineKind
from shared.domain.retraining.rules import OnConflict, TrainingKind

EXAMPLE = yaml.safe_load("""
environments:
  dev: {subscription: s, resource_group: g, workspace: dev}
  preprod: {subscription: s, resource_group: g, workspace: preprod}
registry: {name: central, subscription: r, resource_group: g}
hub: {account: datahub}
models:
  churn:
    contract: c.yaml
    promotion: {holdout: {path: evaluation/churn.csv, target: y, key: id}}
    retraining:
      pipeline: {endpoint: train, deployment: blue, environment: dev}
      parameters: {alpha: 0.5, deep: true, recipe: blood}
      compute: {target: cpu, instance_type: Standard_DS3_v2, instances: 2, idle: 2m}
      data:
        wards: {take: "training/churn/{name}.csv", contract: c.yaml, key: [id], rows: 500, age: 7d, conflicts: drop}
        shelves: {take: "training/shelves/{name}.jsonl", kind: boxes, labels: [can, carton], files: 10}
      limits: {debounce: 30s, min_interval: 1d, runs: 3, within: 7d, champion_age: 1d}
      budget: {amount: 100, within: 30d}
      cost: {node_hour: 1.5, hours: 2}
      worth: {drift: 10, data: 5, times_cost: 2}
      gate: {metric: mae, min_rows: 40}
      stop: {metric: mae, above: 200}
      candidate: candidates
      promote_to: preprod
      give_up_after: 2h
ladder:
  candidates: {from: dev, registry: true, candidate: true}
  preprod: {from: dev, environment: preprod, serve: {online: online}}
routes:
  nightly:
    take: landing/nightly/{name}.csv
    score: {environment: dev, endpoint: e, deployment: blue, model: "churn:1"}
    publish: predictions/{run}
""")


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")

    def write(changes=(), routes=()):
        """The example with fields (dotted, below `retraining` and below the route) set, or removed by None."""
        content = yaml.safe_load(yaml.safe_dump(EXAMPLE))
        for below, wanted in ((content["models"]["churn"]["retraining"], changes), (content["routes"], routes)):
            for field, value in wanted:
                *folders, name = field.split(".")
                inner = below
                for folder in folders:
                    inner = inner[folder]
                inner[name] = value
        path = tmp_path / "signalbox.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def test_the_whole_section_is_read(write):
    rules = load(write()).retrained("churn")

    assert (rules.pipeline.kind, rules.pipeline.name, rules.pipeline.deployment) == (
        PipelineKind.ENDPOINT,
        "train",
        "blue",
    )
    assert rules.parameters == {"alpha": "0.5", "deep": "true", "recipe": "blood"}
    assert (rules.estimate, rules.nodes, rules.compute.idle_s) == (6.0, 2, 120)
    wards, shelves = sorted(rules.data, key=lambda route: route.kind, reverse=True)
    assert (wards.kind, wards.key, wards.rows, wards.conflicts) == (
        TrainingKind.TABULAR,
        ("id",),
        500,
        OnConflict.DROP,
    )
    assert (shelves.kind, shelves.key, shelves.labels) == (TrainingKind.BOXES, ("image_url",), ("can", "carton"))
    assert rules.worth.of(CauseKind.DRIFT) == 10
    assert rules.gate.options == {"metric": "mae", "min_rows": 40}


def test_the_schema_accepts_it():
    jsonschema_rs.validate(schema(), EXAMPLE)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("pipeline", {"environment": "dev"}, "names none of them; name one of `published`"),
        ("pipeline", {"endpoint": "e", "deployment": "d", "job": "c:1", "environment": "dev"}, "names endpoint, job"),
        ("pipeline", {"published": "not-a-guid", "environment": "dev"}, "use the published pipeline's id, a GUID"),
        ("pipeline", {"job": "component", "environment": "dev"}, "NAME:VERSION, exact"),
        ("pipeline", {"job": "c:1", "environment": "prod"}, "is 'prod'; use one of dev, preprod"),
        ("pipeline", {"job": "c:1", "environment": "preprod"}, "where no edge from 'preprod' leads"),
        ("pipeline", {"endpoint": "e", "environment": "dev"}, "deployment: is missing"),
        ("parameters", {"a": []}, "give a text, a number or true or false"),
        ("data.wards.take", "training/churn/{name}.parquet", "training data of kind tabular are .csv files"),
        ("data.wards.take", "signalbox-staging/x/{name}.csv", "in Signalbox's own container"),
        ("data.wards.key", [], "name the columns that tell two rows apart"),
        ("data.wards.labels", ["can"], "are of bounding boxes"),
        ("data.wards.contract", "nowhere.yaml", "is not a file"),
        ("data.shelves.contract", "c.yaml", "is of tables"),
        ("data.holdout", {"take": "t/{name}.csv", "contract": "c.yaml", "key": ["id"]}, "given the hold-out as"),
        ("data.shelves.kind", "sound", "use one of tabular, boxes"),
        ("limits.within", None, "give both: at most `runs` within `within`"),
        ("limits.debounce", "1h", "above longest_debounce"),
        ("cost", {"hours": 2}, "budget: limits what costs nothing"),
        ("budget.amount", -1, "use a number from 0"),
        ("worth", {"rain": 1}, "rain: is not a field here"),
        ("gate", None, "give the options, like {metric: mae}"),
        ("gate", {"metric": "guess"}, "gate.metric"),
        ("stop", {"metric": "mae"}, "give `above` or `below`"),
        ("candidate", "preprod", "is 'preprod'; use one of candidates"),
        ("promote_to", "candidates", "is 'candidates'; use one of preprod"),
    ],
)
def test_what_is_wrong_is_named(write, field, value, said):
    with pytest.raises(ConfigurationError) as refused:
        load(write([(field, value)]))

    assert said in str(refused.value)
    assert "models.churn.retraining" in str(refused.value)


def test_all_errors_are_named_at_once(write):
    wrong = [("pipeline", {"environment": "dev"}), ("budget.amount", "much"), ("candidate", "x"), ("gates", {})]

    found = {finding.field.removeprefix("models.churn.retraining.") for finding in check(write(wrong))}

    assert found == {"pipeline", "budget.amount", "candidate", "gates"}


@pytest.mark.parametrize("publish", ["training/churn/{run}", "training/{model}/{run}"])
def test_no_route_publishes_what_models_are_trained_on(write, publish):
    path = write([("data.wards.take", "training/churn/**/{name}.csv")], [("nightly.publish", publish)])

    with pytest.raises(ConfigurationError, match="feeds data wards of model churn") as refused:
        load(path)

    assert refused.value.findings[0].field == "routes.nightly.publish"


def test_the_same_files_train_a_model_once(write):
    with pytest.raises(ConfigurationError, match="is the same as that of"):
        load(write([("data.again", {"take": "training/churn/{x}.csv", "contract": "c.yaml", "key": ["id"]})]))
