"""The section `provisioning`: every mistake is found at once, and none lets more happen than was meant."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.config import check, load
from shared.domain.provisioning.rules import ProvisioningStep

GUID = "00000000-0000-0000-0000-000000000001"
ROW = {"team": "churners", "subscription": GUID, "identity": GUID}
LOOK = {"installation": "infra/installation.json", "steps": ["hub"], "reader": "reader"}
SECTION: dict[str, Any] = {
    "project": "platform",
    "tenant": GUID,
    "pipelines": {"plan": 1, "apply": 2, "settle": 3, "drift": 4, "teardown": 5},
    "installation": "infra/{team}.json",
    "reader": "reader",
    "writer": "writer",
    "gate": "platform",
    "regions": ["westeurope"],
    "environments": {
        "experiment": ROW | {"step": "experimentation"},
        "dev": ROW | {"step": "productionisation", "approvers": ["leads"]},
    },
}


def written(folder: Path, section: dict[str, Any] | None) -> Path:
    place = {"subscription": "s", "resource_group": "g"}
    content: dict[str, Any] = {
        "environments": {name: place | {"workspace": name} for name in ("experiment", "dev")},
        "hub": {"account": "datahub"},
        "devops": {"organisations": ["contoso"]},
        "routes": {},
    }
    if section is not None:
        content["provisioning"] = section
    file = folder / "signalbox.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def test_a_section_says_what_each_step_makes(tmp_path: Path) -> None:
    rules = load(written(tmp_path, SECTION)).provisioned()

    assert (rules.organisation, rules.pipelines.settle, rules.retention_s) == ("contoso", 3, 30 * 86400)
    assert [each.name for each in rules.of_step("churners", ProvisioningStep.PRODUCTIONISATION)] == ["dev"]
    assert rules.of_step("others", ProvisioningStep.EXPERIMENTATION) == ()


def test_without_it_nothing_is_provisioned(tmp_path: Path) -> None:
    assert load(written(tmp_path, None)).provisioning is None


def changed(*path_and_value: Any) -> dict[str, Any]:
    *path, last, value = path_and_value
    section = copy.deepcopy(SECTION)
    inner = section
    for name in path:
        inner = inner[name]
    inner[last] = value
    return section


@pytest.mark.parametrize(
    ("section", "finding"),
    [
        (
            changed("installation", "infra/all.json"),
            "installation: is 'infra/all.json'; write a path with {team} in it",
        ),
        (changed("organisation", "fabrikam"), "organisation: is 'fabrikam'"),
        (changed("pipelines", "apply", 1), "pipelines: names one pipeline twice; give each its own number"),
        (changed("writer", "reader"), "writer: is the reader's connection; plan with a connection that may only read"),
        (changed("environments", "nowhere", ROW | {"step": "experimentation"}), "nowhere: is not an environment"),
        (
            changed("environments", "dev", ROW | {"step": "productionisation"}),
            "environments.dev.approvers: is missing; name who approves what runs above experimentation",
        ),
        (
            changed("environments", "experiment", ROW | {"step": "productionisation", "approvers": ["x"]}),
            "environments: has none of churners for experimentation",
        ),
        (changed("environments", "dev", "identity", "me"), "environments.dev.identity: is 'me'; use a GUID"),
        (changed("environments", "dev", "step", "both"), "environments.dev.step: is 'both'"),
        (
            changed("platform", {"all": LOOK | {"steps": ["hub", "team:dev"]}}),
            "platform.all.steps: has 'team:dev', which a request makes; leave it out",
        ),
        (
            changed("platform", {"all": LOOK | {"reader": "writer"}}),
            "platform.all.reader: is the writer's connection; look with a connection that may only read",
        ),
        (changed("platform", {"all": LOOK | {"steps": []}}), "platform.all.steps: is empty; name the steps"),
        (changed("platform", {"A": LOOK}), "platform.A"),
        (changed("approved_states", ["3"]), "stopped_states: has '3', which approves too"),
        (changed("retention", "1h"), "retention: is '1h'"),
        (changed("groups", {"data-scientists": GUID}), "groups.data-scientists: is no role of permissions"),
        (changed("groups", {"data-scientist": "people"}), "groups.data-scientist: is 'people'; use a GUID"),
        (changed("settled_ref", "main"), "settled_ref: is 'main'; use a whole ref"),
    ],
)
def test_a_mistake_is_found_with_its_remedy(tmp_path: Path, section: dict[str, Any], finding: str) -> None:
    findings = [str(each) for each in check(written(tmp_path, section))]

    assert any(finding in each for each in findings), findings


def test_all_mistakes_are_found_at_once(tmp_path: Path) -> None:
    section = changed("installation", "x") | {"writer": "reader", "retention": "1h"}

    assert len(check(written(tmp_path, section))) == 3
