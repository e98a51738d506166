"""The folder that Azure takes: the app, its locked requirements, the project's configuration and its data contracts."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from signalbox.projects.facts import ProjectFacts
from signalbox.projects.libraries import LIBRARIES, NotPackaged, Weight, add_libraries

MANIFEST = "signalbox-package.json"
CONFIGURATION = "signalbox.yaml"
_NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc")
APP_PARTS = (
    *("function_app.py", "host.json", "requirements.txt", "signalbox.schema.json"),
    *("activities", "orchestrators", "shared", "triggers"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The *files* of a package but its libraries and byte code; *weight* is None where it has none."""

    files: tuple[str, ...]
    weight: Weight | None


def write_package(app: Path, project: ProjectFacts, target: Path, python: str | None) -> Package:
    """Write the package into the folder *target*, over an earlier one. Raises NotPackaged.

    Its libraries are those of *python*, an interpreter of the version that the app runs on; None leaves them away.
    """
    home, unfinished = project.configuration.parent, target.with_name(f".{target.name}.new")
    _refuse_others(target)
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        for name in APP_PARTS:
            _copy(app / name, unfinished / name)
        for name in project.files:
            if (unfinished / name).exists():
                raise NotPackaged(f"{home / name} would lie where the app has a file; keep it in another folder")
            _copy(home / name, unfinished / name)
        _copy(project.configuration, unfinished / CONFIGURATION)  # Where the app looks without any setting.
        weight = add_libraries(unfinished, python) if python else None
        files = _write_manifest(unfinished)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Package(files=files, weight=weight)


def _refuse_others(target: Path) -> None:
    """A folder that is not an earlier package is somebody's work."""
    if target.exists() and any(target.iterdir()) and not (target / MANIFEST).is_file():
        raise NotPackaged(f"{target} is not empty and no earlier package; name another folder: --out FOLDER")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_NOT_SHIPPED)
    else:
        shutil.copyfile(source, target)


def _write_manifest(folder: Path) -> tuple[str, ...]:
    """Say what the package is made of, so that two of them can be compared; returns the files.

    The libraries follow from `requirements.txt`, whose hashes hold them, and byte code from the sources.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    own = [path for path in paths if not path.is_relative_to(folder / LIBRARIES)]
    digests = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in own}
    manifest = {"signalbox": version("signalbox"), "files": digests}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return tuple(digests)
