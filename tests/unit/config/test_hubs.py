"""The section `hubs`: a team's own storage account, and that nothing which arrives there reaches production."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from shared.config import check, load
from shared.config.document import read_document
from shared.config.hubs.uses import data_uses
from shared.config.reading import FilePlace, Report, read_file
from shared.config.sections.whole import SignalboxFile, configuration_of

CONFIGURATION = """\
environments:
  experiment: {{subscription: s, resource_group: g, workspace: we, experiment: true}}
  dev: {{subscription: s, resource_group: g, workspace: wd, experiment: true}}
  preprod: {{subscription: s, resource_group: g, workspace: wp}}
  prod: {{subscription: s, resource_group: g, workspace: w}}
{environments}
registry: {{name: r, subscription: s, resource_group: g}}
hub: {{account: datahub, state_account: {{account: ststate}}}}
hubs:
{hubs}
models:
  churn:
    contract: c.yaml
    promotion: {{holdout: {{path: {holdout}, target: y, key: id}}}}
{watched}
    retraining:
      pipeline: {{environment: {trained_in}, endpoint: t, deployment: blue}}
      data: {{rows: {{take: "{learned}/{{name}}.csv", contract: c.yaml, key: [id]}}}}
      gate: {{metric: mae, first_model: pass}}
{ships}
ladder:
  preprod:
    from: dev
    environment: preprod
    serve: {{online: e}}
    exit: {{api_test_passed: }}
    train:
      churn: {{pipeline: {{job: "t:1"}}, data: {{d: {{path: "{trains_on}", datastore: {datastore}}}}}}}
  candidates: {{from: dev, registry: true, candidate: true}}
  prod: {{from: preprod, environment: prod, serve: {{online: e}}}}
{more}
answers:
  told: {{environment: {answered_in}, endpoint: e, model: churn, publish: "{answered}/{{date}}/{{part}}"}}
routes:
  tried:
    take: ward-lab/landing/{{name}}.csv
    score: {{environment: {scored_in}, endpoint: e, deployment: blue, model: "churn:1"}}
    publish: {tried}/{{run}}
  served:
    take: landing/{{name}}.csv
    score: {{environment: {served_in}, endpoint: e, deployment: blue, model: "churn:1"}}
    publish: {published}/{{run}}
"""
WARD_LAB = """\
  ward-lab:
    account: stwardlab
    subscription: s
    resource_group: rg-lab
    containers: [ward-lab, ward-notes]
    environments: [experiment, dev]
"""
SOUND = {
    "hubs": WARD_LAB,
    "environments": "",
    "watched": "",
    "learned": "ward-lab/training",
    "datastore": "x",
    "more": "",
    "tried": "ward-lab/predictions",
    "holdout": "evaluation/churn.csv",
    "trained_in": "dev",
    "ships": "",
    "trains_on": "training/churn",
    "answered_in": "dev",
    "answered": "ward-lab/answers",
    "scored_in": "dev",
    "served_in": "prod",
    "published": "predictions/served",
}


def written(folder: Path, **changes: str) -> Path:
    (folder / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
    file = folder / "signalbox.yaml"
    file.write_text(CONFIGURATION.format(**SOUND | changes))
    return file


def errors(file: Path) -> list[str]:
    return [str(finding) for finding in check(file) if finding.level == "error"]


def test_a_container_says_in_which_account_it_is(tmp_path: Path) -> None:
    configuration = load(written(tmp_path))

    (hub,) = configuration.hubs
    assert (hub.name, hub.environments, hub.group.name) == ("ward-lab", ("experiment", "dev"), "rg-lab")
    assert configuration.account_of("ward-notes") == "stwardlab"
    assert configuration.account_of("landing") == "datahub"
    assert configuration.accounts_elsewhere == {"ward-lab": "stwardlab", "ward-notes": "stwardlab"}


NIGHTLY = 'schedules:\n  nightly: {cron: "0 4 * * *", score: served, input: "ward-lab/landing/**"}'
STREAM = 'streams:\n  s: {route: served, land: "ward-lab/landing/{batch}.csv", close: {records: 5, age: 10s}}'


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scored_in": "prod"}, "routes.tried.take"),
        ({"scored_in": "preprod"}, "routes.tried.publish"),
        ({"published": "ward-lab/served"}, "routes.served.publish"),
        ({"tried": "predictions/tried"}, "routes.tried.take"),
        ({"tried": "training/churn"}, "routes.tried.take"),
        ({"more": NIGHTLY}, "schedules.nightly.input"),
        ({"more": NIGHTLY, "served_in": "dev"}, "schedules.nightly.input"),
        ({"more": STREAM}, "streams.s.land"),
        ({"answered_in": "prod"}, "answers.told.publish"),
        ({"trained_in": "prod"}, "models.churn.retraining.data.rows.take"),
        ({"trains_on": "ward-lab/churn"}, "ladder.preprod.train.churn.data.d.path"),
        ({"holdout": "ward-notes/churn.csv"}, "models.churn.promotion.holdout.path"),
        ({"watched": "    drift: {labels: {path: ward-lab/labels/, target: y}}"}, "models.churn.drift.labels.path"),
        ({"ships": "      promote_to: preprod"}, "models.churn.retraining.data.rows.take"),
        ({"ships": "      candidate: candidates"}, "models.churn.retraining.data.rows.take"),
    ],
)
def test_files_of_a_teams_hub_reach_no_environment_but_the_hubs(
    tmp_path: Path, changes: dict[str, str], field: str
) -> None:
    found = errors(written(tmp_path, **changes))

    assert any(f": {field}: is 'ward-" in error and "in hub ward-lab" in error for error in found), found
    assert errors(written(tmp_path)) == []


@pytest.mark.parametrize(("served_in", "is_refused"), [("dev", True), ("prod", False)])
def test_no_data_asset_has_files_of_a_hub_and_others(tmp_path: Path, served_in: str, is_refused: bool) -> None:
    file = written(tmp_path, served_in=served_in)
    file.write_text(file.read_text().replace("    publish: ", "    register: {asset: wards}\n    publish: "))
    said = "routes.tried.register.asset: is 'wards', as that of route served, whose files are not in hub ward-lab"

    assert [said in error for error in errors(file)] == [True] * is_refused


LABELLED = "    drift: {labels: {path: labels/churn/, target: y}}"


@pytest.mark.parametrize(
    ("answered", "judge"),
    [
        ("training/churn", "ladder.preprod.train.churn.data.d.path"),
        ("evaluation", ""),
        ("labels/churn/told", "models.churn.drift.labels.path"),
        ("answers", ""),
    ],
)
def test_answers_of_a_hubs_environment_lie_where_nothing_decides(tmp_path: Path, answered: str, judge: str) -> None:
    """What is asked there is a team's, and is published with the answers, in the Data Hub too."""
    found = errors(written(tmp_path, answered=answered, watched=LABELLED))

    assert [f"answers.told.publish: is '{answered}/" in error and judge in error for error in found] == [True] * bool(
        judge
    )
    assert errors(written(tmp_path, answered=answered, answered_in="prod", watched=LABELLED)) == []


LABSET = "datasets:\n  labset: {{purpose: test, environments: [{}], contract: c.yaml}}"
OF_HUBS, OF_THE_PLATFORM = LABSET.format("dev"), LABSET.format("dev, preprod")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"trains_on": "signalbox-staging/training-sets/churn"}, "ladder.preprod.train.churn.data.d.path"),
        ({"trains_on": "signalbox-staging/training-sets"}, "ladder.preprod.train.churn.data.d.path"),
        ({"trains_on": "signalbox-staging/retraining/x"}, "ladder.preprod.train.churn.data.d.path"),
        (
            {"trains_on": "signalbox-staging/datasets/labset/v1", "more": OF_HUBS},
            "ladder.preprod.train.churn.data.d.path",
        ),
        ({"datastore": "Ward_Lab"}, "ladder.preprod.train.churn.data.d.datastore"),
        ({"holdout": "labset@v1", "more": OF_HUBS}, "models.churn.promotion.holdout.path"),
    ],
)
def test_what_was_made_of_a_hubs_files_decides_about_nothing_that_ships(
    tmp_path: Path, changes: dict[str, str], field: str
) -> None:
    found = errors(written(tmp_path, **changes))

    assert any(f": {field}: " in error for error in found), found


@pytest.mark.parametrize(
    "changes",
    [
        {"trains_on": "signalbox-staging/training-sets/churn", "learned": "training/rows"},
        {"trains_on": "signalbox-staging/datasets/labset/v1", "more": OF_THE_PLATFORM},
        {"holdout": "labset@v1", "more": OF_THE_PLATFORM},
        {"ships": "      promote_to: preprod", "learned": "training/rows"},
    ],
)
def test_what_comes_from_the_data_hub_is_used_as_ever(tmp_path: Path, changes: dict[str, str]) -> None:
    assert errors(written(tmp_path, **changes)) == []


def test_every_field_that_names_data_is_one_that_the_rules_look_at(tmp_path: Path) -> None:
    """A new section with a location is a finding of this test, until `data_uses` knows it."""
    more = f"{NIGHTLY}\n{STREAM}"
    watched = "    drift: {labels: {path: labels/, target: y}}"
    file = written(tmp_path, more=more, watched=watched, holdout="evaluation/a.csv, answers: evaluation/b.csv")
    document, _ = read_document(file)
    assert document is not None
    report = Report(document=document, home=tmp_path)
    content = read_file(SignalboxFile, report)
    assert content is not None
    fields = [use.field for use in data_uses(configuration_of(content, FilePlace(report)))]

    names = {"nightly", "s", "told", "churn", "preprod", "rows", "d", "tried", "served"}
    seen = {".".join("*" if part in names else part for part in field.split(".")) for field in fields}
    patterns = locations_of(TypeAdapter(SignalboxFile).json_schema())
    assert seen == patterns


def locations_of(schema: dict[str, Any]) -> set[str]:
    """Each field of the schema that takes CONTAINER/PATH, with `*` for names; stages of teams become ladder's."""

    def walk(part: Any, place: tuple[str, ...]) -> Iterator[str]:
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
        if "CONTAINER/PATH" in part.get("description", ""):
            yield ".".join(place)
        for inner in (*part.get("anyOf", ()), *part.get("oneOf", ())):
            yield from walk(inner, place)
        for name, inner in part.get("properties", {}).items():
            yield from walk(inner, (*place, name))
        if isinstance(part.get("additionalProperties"), dict):
            yield from walk(part["additionalProperties"], (*place, "*"))

    return {place for place in walk(schema, ()) if not place.startswith("team_ladder.")}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[experiment, dev]", "[dev, preprod]", "hubs.ward-lab.environments: have 'preprod'"),
        ("[experiment, dev]", "[dev, prod]", "hubs.ward-lab.environments: have 'prod'"),
        ("[experiment, dev]", "[dev, elsewhere]", "hubs.ward-lab.environments: have 'elsewhere'"),
        ("[experiment, dev]", "[]", "hubs.ward-lab.environments: are missing"),
        ("[ward-lab, ward-notes]", "[]", "hubs.ward-lab.containers: are missing"),
        ("[ward-lab, ward-notes]", "[ward-lab, quarantine]", "a container of Signalbox itself"),
        ("account: stwardlab", "account: datahub", "the account of the Data Hub"),
        ("account: stwardlab", "account: ststate", "the account of the records"),
        ("    resource_group: rg-lab\n", "", "hubs.ward-lab.resource_group: is missing"),
    ],
)
def test_a_hub_that_cannot_be_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert any(said in error for error in errors(written(tmp_path, hubs=WARD_LAB.replace(before, after))))


SERVED = "  lab: {subscription: S, resource_group: G, workspace: W, experiment: true}"
ALONE = "  lab: {subscription: s, resource_group: g, workspace: other}\n" + SERVED.replace("lab", "Lab").replace(
    "W,", "Other,"
)


@pytest.mark.parametrize(
    ("environments", "said"),
    [
        (SERVED, "environments.lab.experiment: is true, and stage prod of the ladder places versions"),
        (SERVED.replace("W,", "WP,"), "and stage preprod of the ladder places versions"),
        (ALONE, "environments.Lab.experiment: is true, and lab is the same workspace and says otherwise"),
    ],
)
def test_an_experiment_is_a_workspace_to_which_no_stage_leads(tmp_path: Path, environments: str, said: str) -> None:
    """By whatever name: the ladder leads from an environment as it does from a stage, and names have no case."""
    found = errors(written(tmp_path, environments=environments))

    assert any(said in error for error in found), found


def provisioned(environment: str, step: str) -> str:
    guid = "00000000-0000-0000-0000-000000000001"
    row = f"team: churners, subscription: {guid}, identity: {guid}, approvers: [leads]"
    return f"""\
devops: {{organisations: [contoso]}}
provisioning:
  project: p
  tenant: {guid}
  pipelines: {{plan: 1, apply: 2, settle: 3, drift: 4, teardown: 5}}
  installation: infra/{{team}}.json
  reader: reader
  writer: writer
  gate: g
  regions: [westeurope]
  environments:
    experiment: {{{row}, step: experimentation}}
    {environment}: {{{row}, step: {step}}}
"""


@pytest.mark.parametrize(
    ("environment", "step", "refused"),
    [
        ("scoring", "productionisation", True),
        ("scoring", "experimentation", False),
        ("dev", "productionisation", False),
    ],
)
def test_what_productionisation_makes_is_no_experiment_unless_versions_begin_there(
    tmp_path: Path, environment: str, step: str, refused: bool
) -> None:
    """Production that routes alone use: no stage of the ladder says what it is."""
    scoring = "  scoring: {subscription: s, resource_group: g, workspace: ws, experiment: true}"
    found = errors(written(tmp_path, environments=scoring, more=provisioned(environment, step)))

    problem = f"environments.{environment}.experiment: is true, and productionisation makes {environment}"
    assert [problem in error for error in found] == [True] * refused, found


def test_no_two_hubs_share_an_account_or_a_container_and_all_errors_come_at_once(tmp_path: Path) -> None:
    twin = WARD_LAB.replace("ward-lab:", "twin:").replace("[ward-lab, ward-notes]", "[ward-notes]")
    found = "\n".join(errors(written(tmp_path, hubs=WARD_LAB + twin, scored_in="prod", holdout="ward-lab/h.csv")))

    assert "hubs.twin.account: is 'stwardlab', the account of hub ward-lab" in found
    assert "hubs.twin.containers: have 'ward-notes', a container of hub ward-lab" in found
    assert "routes.tried.take" in found
    assert "models.churn.promotion.holdout.path" in found
