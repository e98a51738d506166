"""A new project from the template that travels with the product."""

import re
import warnings
from importlib.metadata import version
from pathlib import Path

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 20  # Endpoints have at most 32 characters, and the template adds a word to each.


class NotRendered(ValueError):
    """No project can be made; the message says why and what to do."""


def render_project(template: Path, target: Path, *, defaults: bool) -> list[str]:
    """Make the project in the folder *target*, whose name it takes; returns its files. Raises NotRendered.

    Without *defaults* the template's questions are asked on the terminal.
    """
    name = target.resolve().name
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise NotRendered(
            f"{name!r} cannot name endpoints and containers; write 1 to {LONGEST_NAME} of a-z, 0-9 and single dashes"
        )
    if target.exists() and any(target.iterdir()):
        raise NotRendered(f"{target} is not empty; name another folder")
    _render(template, target, {"name": name, "signalbox_version": version("signalbox")}, defaults)
    return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())


def _render(template: Path, target: Path, answers: dict[str, str], defaults: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Copier's notices about the template are not for a project's author.
        from copier import run_copy
        from copier.errors import CopierError, InteractiveSessionError

        try:
            run_copy(str(template), target, data=answers, defaults=defaults, quiet=True)
        except InteractiveSessionError as error:
            raise NotRendered("the template's questions need a terminal; give --defaults") from error
        except (CopierError, ValueError) as error:
            raise NotRendered(f"the template cannot be rendered: {error}") from error
