"""`signalbox update`: a project that was made of an older template, and edited, is brought to the newer one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from signalbox.product import template_folder
from signalbox.projects import update as module
from signalbox.projects.template import ANSWERS, BASE, NotRendered, render, render_project
from signalbox.projects.update import NotUpdated, update_project

CHANGED, REMOVED, ADDED = "training/train.py.jinja", "rules/gates.py", "NEWS.md"


@pytest.fixture(scope="module")
def older_project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The template as it is now, and a project of an older one: without a file, with one more, and other lines."""
    folder = tmp_path_factory.mktemp("versions")
    older, newer = folder / "older", folder / "newer"
    for template in (older, newer):
        shutil.copytree(template_folder(), template)
    (newer / "project" / ADDED).write_text("News.\n")
    (newer / "project" / REMOVED).unlink()
    script = older / "project" / CHANGED
    script.write_text(script.read_text().replace("SEED, REQUESTS = 7, 5", "SEED, REQUESTS = 1, 5"))
    render_project(older, folder / "wine", answers={"owner": "ada@example.org"}, defaults=True)
    return newer, folder / "wine"


@pytest.fixture(scope="module")
def render_once() -> Callable[..., dict[str, str]]:
    """`render`, which is asked once for the same answers: Copier takes most of a second."""
    files: dict[str, dict[str, str]] = {}

    def render_once(template: Path, target: Path, answers: dict[str, str], *, defaults: bool) -> dict[str, str]:
        name = json.dumps([str(template), answers], sort_keys=True)
        if name not in files:
            files[name] = render(template, target, answers, defaults=defaults)
        return files[name]

    return render_once


@pytest.fixture
def update(
    older_project: tuple[Path, Path],
    render_once: Callable[..., dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Path, Callable[..., module.Update]]:
    """A copy of the project that a test may edit, and its update."""
    monkeypatch.setattr(module, "render", render_once)
    template, source = older_project
    project = tmp_path / "wine"
    shutil.copytree(source, project)
    return project, lambda mark=False, **answers: update_project(template, project, answers=answers, mark=mark)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_what_the_template_changed_comes_and_own_edits_stay(update) -> None:
    project, run = update
    edit(project / "training" / "train.py", '"""Train the model, and write', '"""Train our model, and write')
    edit(project / "README.md", "# wine", "# Our wines")
    (project / "scoring" / "own.py").write_text("OWN = 1\n")
    (project / "notebooks" / "explore.py").unlink()

    result = run()

    script = (project / "training" / "train.py").read_text()
    assert set(result.changed) == {"training/train.py", "rules/gates.py", "NEWS.md"}
    assert result.absent == ()  # The template has not changed the notebook.
    assert "Train our model" in script
    assert "SEED, REQUESTS = 7, 5" in script
    assert (project / "README.md").read_text().startswith("# Our wines")
    assert (project / "scoring" / "own.py").read_text() == "OWN = 1\n"
    assert (project / "NEWS.md").read_text() == "News.\n"
    assert not (project / "rules" / "gates.py").exists()
    assert not (project / "notebooks" / "explore.py").exists()
    assert "ada@example.org" in (project / "signalbox.yaml").read_text()


def test_a_second_update_finds_nothing(update) -> None:
    project, run = update
    edit(project / "README.md", "# wine", "# Our wines")
    run()

    assert run() == module.Update(changed=(), conflicts=())


def test_a_conflict_is_one_sentence_and_changes_nothing(update) -> None:
    project, run = update
    edit(project / "training" / "train.py", "SEED, REQUESTS = 1, 5", "SEED, REQUESTS = 2, 9")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}

    with pytest.raises(NotUpdated) as refusal:
        run()

    assert str(refusal.value).startswith(
        "nothing was changed: your edits and the template's conflict in training/train"
    )
    assert "\n" not in str(refusal.value)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_marked_conflicts_have_both_texts_and_are_settled_once(update) -> None:
    project, run = update
    edit(project / "training" / "train.py", "SEED, REQUESTS = 1, 5", "SEED, REQUESTS = 2, 9")

    result = run(mark=True)

    script = project / "training" / "train.py"
    text = script.read_text()
    assert result.conflicts == ("training/train.py",)
    with pytest.raises(NotUpdated, match=r"training/train\.py still has the marks of an earlier update"):
        run()
    assert "<<<<<<< yours\nSEED, REQUESTS = 2, 9\n=======\nSEED, REQUESTS = 7, 5\n>>>>>>> template\n" in text
    script.write_text(text.split("<<<<<<< yours")[0] + "SEED, REQUESTS = 2, 9\n")
    assert run().changed == ()


def test_a_removed_file_that_the_template_has_changed_stays_away_and_is_named(update) -> None:
    project, run = update
    (project / "training" / "train.py").unlink()

    assert run().absent == ("training/train.py",)
    assert not (project / "training" / "train.py").exists()


def test_a_file_that_is_no_text_is_named(update) -> None:
    project, run = update
    (project / "README.md").write_bytes(b"\xff\xfe")

    with pytest.raises(NotUpdated, match=r"README\.md is not UTF-8"):
        run()


def test_a_folder_that_is_no_project_is_named(update, tmp_path: Path) -> None:
    template = template_folder()

    with pytest.raises(NotUpdated, match="is no project of `signalbox new`; go to a project's folder"):
        update_project(template, tmp_path, answers={}, mark=False)


def test_an_edited_file_that_the_template_drops_stays(update) -> None:
    project, run = update
    (project / "rules" / "gates.py").write_text("# Ours by now.\n")

    assert "rules/gates.py" not in run().changed
    assert (project / "rules" / "gates.py").read_text() == "# Ours by now.\n"


def test_another_answer_changes_what_follows_from_it_and_is_kept(update) -> None:
    project, run = update

    result = run(serving="online")

    assert "signalbox.yaml" in result.changed
    assert not (project / "scoring" / "score.py").exists()
    assert "serving: online" in (project / ANSWERS).read_text()
    with pytest.raises(NotRendered, match="the template asks for no colour; it asks for name, kind, serving, devops"):
        run(colour="red")


def test_a_project_without_its_base_or_answers_is_left_alone(update) -> None:
    project, run = update
    base = (project / BASE).read_text()
    (project / BASE).unlink()
    with pytest.raises(NotUpdated, match="so what the template has made is not known"):
        run()
    (project / BASE).write_text(base)
    (project / ANSWERS).write_text("- broken\n")
    with pytest.raises(NotUpdated, match="the template needs its answers"):
        run()


def test_without_git_nothing_is_merged(update, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    project, run = update
    edit(project / "training" / "train.py", '"""Train the model', '"""Train our model')
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotUpdated, match="git is not on the PATH"):
        run()


def test_the_base_is_what_the_template_has_made(update) -> None:
    project, _ = update

    assert json.loads((project / BASE).read_text())["README.md"] == (project / "README.md").read_text()
