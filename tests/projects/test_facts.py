"""The local cloud follows the project's configuration: other containers than the example's are made and watched."""

import json
from pathlib import Path

import pytest

from signalbox.launcher.emulator_settings import keys_of, write_settings
from signalbox.launcher.endpoints import new_endpoints
from signalbox.product import app_folder
from signalbox.projects.facts import UnusableProject, read_project

CONFIGURATION = """\
environments:
  dev: {subscription: s, resource_group: g, workspace: mlw-dev}
hub: {account: datahub, subscription: s, resource_group: g, state: our-records}
routes:
  wards:
    take: incoming/wards/{name}.csv
    contract: data/wards.yaml
    score: {environment: dev, endpoint: e, deployment: blue, model: "risk:1"}
    publish: scores/{run}
"""
CONTRACT = "format: csv\ncolumns: [{name: id, type: integer}]\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wards.yaml").write_text(CONTRACT)
    (tmp_path / "signalbox.yaml").write_text(CONFIGURATION)
    return tmp_path / "signalbox.yaml"


def test_the_containers_are_those_of_the_configuration(project: Path) -> None:
    facts = read_project(app_folder(), project)

    assert {"incoming", "scores", "our-records"} <= set(facts.hub.names)
    assert "landing" not in facts.hub.names
    assert facts.hub.arrivals == ("incoming",)
    assert facts.files == ("data/wards.yaml",)
    assert [(place.environment, place.name) for place in facts.workspaces] == [("dev", "mlw-dev")]


def test_a_teams_own_account_is_made_with_its_containers(project: Path, tmp_path: Path) -> None:
    hub = "{account: stlab, subscription: s, resource_group: g, containers: [incoming, notes], environments: [dev]}"
    text = CONFIGURATION.replace("mlw-dev}", "mlw-dev, experiment: true}").replace("scores/{run}", "notes/{run}")
    project.write_text(f"{text}hubs:\n  lab: {hub}\n")
    hub_containers = read_project(app_folder(), project).hub

    assert "incoming" not in hub_containers.names
    assert hub_containers.teams == {"stlab": ("incoming", "notes")}
    assert hub_containers.watched == ("stlab/incoming",)
    keys, endpoints = keys_of(tmp_path, hub_containers.teams), new_endpoints(tmp_path)
    settings = json.loads(write_settings(endpoints, keys, 1.0, hub_containers.watched).read_text())
    assert settings["accounts"]["stlab"]["topic"].endswith("/storageAccounts/stlab")
    rows = [row for row in settings["subscriptions"] if row["topic"] == "stlab"]
    prefixes = [row["subject_begins_with"] for row in rows]
    assert prefixes == ["/blobServices/default/containers/incoming/"]


def test_each_container_of_arrivals_has_an_event_subscription(tmp_path: Path) -> None:
    endpoints = new_endpoints(tmp_path)
    settings = json.loads(write_settings(endpoints, keys_of(tmp_path), 1.0, ("incoming", "landing")).read_text())
    prefixes = {row["name"]: row["subject_begins_with"] for row in settings["subscriptions"] if row["topic"] == "hub"}

    assert prefixes == {
        "hub-events-incoming": "/blobServices/default/containers/incoming/",
        "hub-events": "/blobServices/default/containers/landing/",
    }


def test_every_error_is_named_at_once_with_file_and_line(project: Path) -> None:
    project.write_text(CONFIGURATION.replace("publish:", "publsh:"))
    (project.parent / "data" / "wards.yaml").write_text(CONTRACT.replace("integer", "number, max: a"))

    with pytest.raises(UnusableProject) as refusal:
        read_project(app_folder(), project)

    assert "signalbox.yaml:9: routes.wards.publsh: is not a field here; did you mean 'publish'?" in str(refusal.value)
    assert "data/wards.yaml:2: columns[0].max:" in str(refusal.value)
