"""A new project from the template that travels with the product."""

import json
import re
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 20  # Endpoints have at most 32 characters, and the template adds a word to each.
ANSWERS = ".copier-answers.yml"
BASE = ".copier-base.json"  # What the template has made of the answers: `signalbox update` compares with it.


class NotRendered(ValueError):
    """No project can be made; the message says why and what to do."""


def render_project(template: Path, target: Path, *, answers: Mapping[str, str], defaults: bool) -> list[str]:
    """Make the project in the folder *target*, whose name it takes; returns its files. Raises NotRendered.

    Questions of the template that *answers* leaves open are asked on the terminal, unless *defaults* answers them.
    """
    name = target.resolve().name
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise NotRendered(
            f"{name!r} cannot name endpoints and containers; write 1 to {LONGEST_NAME} of a-z, 0-9 and single dashes"
        )
    if target.exists() and any(target.iterdir()):
        raise NotRendered(f"{target} is not empty; name another folder")
    files = render(template, target, {**answers, "name": name}, defaults=defaults)
    write_base(target, files)
    return sorted(files)


def render(template: Path, target: Path, answers: Mapping[str, str], *, defaults: bool) -> dict[str, str]:
    """Write what *template* makes of *answers* into *target*; returns the texts by path. Raises NotRendered."""
    known_names = _questions(template)
    strange_names = sorted(set(answers) - set(known_names))
    if strange_names:
        names = ", ".join(known_names)
        raise NotRendered(f"the template asks for no {', '.join(strange_names)}; it asks for {names}")
    data = {**answers, "signalbox_version": version("signalbox")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Copier's notices about the template are not for a project's author.
        from copier import run_copy
        from copier.errors import CopierError, InteractiveSessionError

        try:
            run_copy(str(template), target, data=data, defaults=defaults, quiet=True)
        except InteractiveSessionError as error:
            raise NotRendered("the template's questions need a terminal; give --defaults") from error
        except (CopierError, ValueError) as error:
            raise NotRendered(f"the template cannot be rendered: {error}") from error
    return {path.relative_to(target).as_posix(): path.read_text() for path in target.rglob("*") if path.is_file()}


def write_base(project: Path, files: Mapping[str, str]) -> None:
    """Keep what the template has made, beside what people make of it."""
    (project / BASE).write_text(json.dumps(dict(sorted(files.items())), indent=1) + "\n")


def _questions(template: Path) -> list[str]:
    """The names of the template's questions, less those that it answers itself."""
    import yaml

    document: dict[str, Any] = yaml.safe_load((template / "copier.yml").read_text())
    questions = {name: value for name, value in document.items() if not name.startswith("_")}
    return [name for name, question in questions.items() if question.get("when", True)]
