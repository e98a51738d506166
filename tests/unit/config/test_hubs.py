"""The section `hubs`: a team's own storage account, and that nothing which arrives there reaches production."""

from pathlib import Path

import pytest

from shared.config import check, load

CONFIGURATION = """\
environments:
  experiment: {{subscription: s, resource_group: g, workspace: we}}
  dev: {{subscription: s, resource_group: g, workspace: wd}}
  preprod: {{subscription: s, resource_group: g, workspace: wp}}
  prod: {{subscription: s, resource_group: g, workspace: w}}
registry: {{name: r, subscription: s, resource_group: g}}
hub: {{account: datahub, state_account: {{account: ststate}}}}
hubs:
{hubs}
models:
  churn:
    contract: c.yaml
    promotion: {{holdout: {{path: {holdout}, target: y, key: id}}}}
    retraining:
      pipeline: {{environment: {trained_in}, endpoint: t, deployment: blue}}
      data: {{rows: {{take: "ward-lab/training/{{name}}.csv", contract: c.yaml, key: [id]}}}}
      gate: {{metric: mae, first_model: pass}}
{ships}
ladder:
  dev: {{from: experiment, environment: dev, serve: {{online: e}}}}
  preprod:
    from: dev
    environment: preprod
    serve: {{online: e}}
    exit: {{api_test_passed: }}
    train:
      churn: {{pipeline: {{job: "t:1"}}, data: {{d: {{path: "{trains_on}", datastore: x}}}}}}
  candidates: {{from: dev, registry: true, candidate: true}}
  prod: {{from: preprod, environment: prod, serve: {{online: e}}}}
answers:
  told: {{environment: {answered_in}, endpoint: e, model: churn, publish: "ward-lab/answers/{{date}}/{{part}}"}}
routes:
  tried:
    take: ward-lab/landing/{{name}}.csv
    score: {{environment: {scored_in}, endpoint: e, deployment: blue, model: "churn:1"}}
    publish: ward-lab/predictions/{{run}}
  served:
    take: landing/{{name}}.csv
    score: {{environment: prod, endpoint: e, deployment: blue, model: "churn:1"}}
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
    "holdout": "evaluation/churn.csv",
    "trained_in": "dev",
    "ships": "",
    "trains_on": "training/churn",
    "answered_in": "dev",
    "scored_in": "dev",
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


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scored_in": "prod"}, "routes.tried.take"),
        ({"scored_in": "preprod"}, "routes.tried.publish"),
        ({"published": "ward-lab/served"}, "routes.served.publish"),
        ({"answered_in": "prod"}, "answers.told.publish"),
        ({"trained_in": "prod"}, "models.churn.retraining.data.rows.take"),
        ({"trains_on": "ward-lab/churn"}, "ladder.preprod.train.churn.data.d.path"),
        ({"holdout": "ward-notes/churn.csv"}, "models.churn.promotion.holdout.path"),
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


def test_a_better_model_may_go_where_the_hub_may_be_used(tmp_path: Path) -> None:
    assert errors(written(tmp_path, trained_in="experiment", ships="      promote_to: dev")) == []


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


def test_no_two_hubs_share_an_account_or_a_container_and_all_errors_come_at_once(tmp_path: Path) -> None:
    twin = WARD_LAB.replace("ward-lab:", "twin:").replace("[ward-lab, ward-notes]", "[ward-notes]")
    found = "\n".join(errors(written(tmp_path, hubs=WARD_LAB + twin, scored_in="prod", holdout="ward-lab/h.csv")))

    assert "hubs.twin.account: is 'stwardlab', the account of hub ward-lab" in found
    assert "hubs.twin.containers: have 'ward-notes', a container of hub ward-lab" in found
    assert "routes.tried.take" in found
    assert "models.churn.promotion.holdout.path" in found


def test_what_ends_the_ladder_serves_production_however_short_it_is(tmp_path: Path) -> None:
    file = written(tmp_path)
    text = file.read_text()
    start, end = text.index("ladder:\n"), text.index("answers:\n")
    file.write_text(
        f"{text[:start]}ladder:\n  dev: {{from: experiment, environment: dev, serve: {{online: e}}}}\n{text[end:]}"
    )

    assert any("hubs.ward-lab.environments: have 'dev'" in error for error in errors(file))
