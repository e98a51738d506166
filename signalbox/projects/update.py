"""A project brought to a newer template: three-way merges of what the template made, what it makes now, and own edits.

Copier's own update needs a template in git with a tag for each version. Ours travels in the wheel, and the project
keeps what it was made of (docs/decisions/0026-update-a-project.md).
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from signalbox.projects.template import ANSWERS, BASE, render, write_base

_MARK = "<<<<<<< yours\n"


class NotUpdated(ValueError):
    """The project stays as it was; the message says why and what to do."""


@dataclass(slots=True, kw_only=True)
class _Plan:
    """What an update would write and remove, where it conflicts with own edits, and which files are not there."""

    texts: dict[str, str] = field(default_factory=dict)
    removed_paths: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    absent_paths: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The files that were changed, and those in which *conflicts* are marked.

    *absent* are files that the template has changed and somebody has removed from the project: they stay away.
    """

    changed: tuple[str, ...]
    conflicts: tuple[str, ...]
    absent: tuple[str, ...] = ()


def update_project(template: Path, project: Path, *, answers: Mapping[str, str], mark: bool) -> Update:
    """Bring *project* to *template*, with other *answers* than before where some are given; own edits stay.

    With *mark* conflicts are written into the files, as git marks them. Raises NotUpdated, and NotRendered.
    """
    base = _read_base(project)
    with tempfile.TemporaryDirectory() as place:
        files = render(template, Path(place) / "project", {**_read_answers(project), **answers}, defaults=True)
    plan = _plan(project, base, files)
    if plan.conflicts and not mark:
        raise NotUpdated(
            f"nothing was changed: your edits and the template's conflict in {', '.join(plan.conflicts)}; "
            "run it with --mark to have both written there, between the marks that git uses"
        )
    for path, text in plan.texts.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    for path in plan.removed_paths:
        (project / path).unlink()
    write_base(project, files)
    changed_paths = tuple(sorted([*plan.texts, *plan.removed_paths]))
    return Update(changed=changed_paths, conflicts=tuple(plan.conflicts), absent=tuple(plan.absent_paths))


def _read_base(project: Path) -> dict[str, str]:
    if not any((project / name).exists() for name in (BASE, ANSWERS)):
        raise NotUpdated(f"{project.resolve()} is no project of `signalbox new`; go to a project's folder, or name it")
    try:
        return dict(json.loads((project / BASE).read_text()))
    except (OSError, ValueError) as error:
        raise NotUpdated(
            f"{project / BASE} cannot be read, so what the template has made is not known; bring it back, "
            "or make a project beside this one with `signalbox new` and compare"
        ) from error


def _read_answers(project: Path) -> dict[str, str]:
    try:
        answers = dict(yaml.safe_load((project / ANSWERS).read_text()))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise NotUpdated(
            f"{project / ANSWERS} cannot be read; bring it back, the template needs its answers"
        ) from error
    return {name: value for name, value in answers.items() if not name.startswith("_") and name != "signalbox_version"}


def _plan(project: Path, base: Mapping[str, str], files: Mapping[str, str]) -> _Plan:
    plan = _Plan()
    for path in sorted({*base, *files} - {BASE}):
        before, after, own = base.get(path), files.get(path), _read_own(project, path)
        if own is not None and _MARK in own:
            raise NotUpdated(f"{path} still has the marks of an earlier update; settle them, then update again")
        if before == after or own == after:
            continue  # The template has not changed it, or it is there already.
        if own is None and before is not None:
            plan.absent_paths += [path] if after is not None else []  # It was removed on purpose.
        elif after is None:
            if own == before:
                plan.removed_paths.append(path)  # An edited one is the project's own by now.
        elif own is None or own == before or path == ANSWERS:
            plan.texts[path] = after
        else:
            text, is_clean = _merge(own, before or "", after)
            plan.texts[path] = text
            plan.conflicts += [] if is_clean else [path]
    return plan


def _read_own(project: Path, path: str) -> str | None:
    """The text of the file as people have it, None where there is none. Raises NotUpdated where it is no text."""
    try:
        return (project / path).read_text() if (project / path).is_file() else None
    except UnicodeDecodeError as error:
        raise NotUpdated(f"{path} is not UTF-8, so it cannot be merged; write it in UTF-8") from error


def _merge(own: str, before: str, after: str) -> tuple[str, bool]:
    """Both edits of *before* in one text, and whether they do not touch each other. Raises NotUpdated without git."""
    if shutil.which("git") is None:
        raise NotUpdated("git is not on the PATH, and merges the edits; install it")
    with tempfile.TemporaryDirectory() as place:
        paths = []
        for name, text in (("yours", own), ("before", before), ("template", after)):
            paths.append(Path(place) / name)
            paths[-1].write_text(text)
        labels = ("-L", "yours", "-L", "before", "-L", "template")
        process = subprocess.run(
            ["git", "merge-file", "-p", *labels, *map(str, paths)], capture_output=True, text=True, check=False
        )
    if process.returncode < 0 or process.returncode > 127:
        raise NotUpdated(f"git cannot merge: {process.stderr.strip()}")
    return process.stdout, process.returncode == 0
