"""A team's repository begins as `signalbox new` would have made it, though the app that fills it has no Copier."""

import json
from pathlib import Path

import pytest

from shared.adapters.azure_devops.repositories import starting_project
from shared.domain.provisioning import starting_project as domain
from signalbox.product import template_folder
from signalbox.projects import starting, template
from signalbox.projects.template import render_project

COMMITTED = starting_project()


def test_the_committed_texts_are_those_of_the_template():
    rendered = starting.starting_project()

    assert (COMMITTED.files, COMMITTED.placeholders) == (rendered["files"], rendered["placeholders"])


def test_the_words_that_stand_for_others_stand_nowhere_in_the_template():
    texts = [path.read_text() for path in template_folder().rglob("*") if path.is_file()]

    assert not [word for word in starting.PLACEHOLDERS.values() for text in texts if word in text]
    assert (domain.NAME, domain.LONGEST_NAME, domain.BASE) == (
        template.NAME,
        template.LONGEST_NAME,
        template.BASE,
    )


@pytest.mark.parametrize("name", ["churners", "a-b-c", "x", "wine-quality-of-2026"])
def test_it_is_what_signalbox_new_makes(tmp_path: Path, name: str):
    answers = {"devops": "fabrikam-2", "owner": "dana.x@example.com"}
    render_project(template_folder(), tmp_path / name, answers=answers, defaults=True)
    made = {
        path.relative_to(tmp_path / name).as_posix(): path.read_text()
        for path in (tmp_path / name).rglob("*")
        if path.is_file()
    }

    assert COMMITTED.filled(name, "fabrikam-2", "dana.x@example.com") == made


@pytest.mark.parametrize("owner", ["", "dana", "@dana", "dana@", "- x@example.org", "dana: x@y"])
def test_an_owner_who_is_no_address_does_not_get_into_the_files(owner: str):
    files = COMMITTED.filled("churners", "contoso", owner)

    assert "owner: churners@example.org" in files["data/contract.yaml"]
    assert json.loads(files[domain.BASE])["data/contract.yaml"] == files["data/contract.yaml"]


def test_words_are_replaced_once():
    """A team that is called like a placeholder of another word keeps its name."""
    project = domain.StartingProject(
        placeholders={"name": "NAME", "identifier": "IDENTIFIER", "devops": "DEVOPS", "owner": "OWNER"},
        files={"f": "NAME IDENTIFIER DEVOPS OWNER"},
    )

    assert project.filled("DEVOPS", "NAME", "a@b.c")["f"] == "DEVOPS DEVOPS NAME a@b.c"


@pytest.mark.parametrize(
    ("team", "may"), [("a-b", True), ("x" * 20, True), ("x" * 21, False), ("a--b", False), ("a-", False), ("1a", False)]
)
def test_a_project_has_a_name_as_signalbox_new_takes_it(team: str, may: bool):
    assert domain.may_be_named(team) is may
