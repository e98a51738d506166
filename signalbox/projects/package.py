"""The folder that Azure takes: the app, its locked requirements, the project's configuration and its data contracts."""

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

from signalbox.projects.facts import ProjectFacts

MANIFEST = "signalbox-package.json"
CONFIGURATION = "signalbox.yaml"
_NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc")
_APP = (
    *("function_app.py", "host.json", "requirements.txt", "signalbox.schema.json"),
    *("activities", "orchestrators", "shared", "triggers"),
)


class NotPackaged(ValueError):
    """No package can be written there, or of this project; the message says why and what to do."""


def write_package(app: Path, project: ProjectFacts, target: Path) -> list[str]:
    """Write the package into the folder *target*, over an earlier one; returns its files. Raises NotPackaged."""
    home, unfinished = project.configuration.parent, target.with_name(f".{target.name}.new")
    _refuse_others(target)
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        for name in _APP:
            _copy(app / name, unfinished / name)
        for name in project.files:
            if (unfinished / name).exists():
                raise NotPackaged(f"{home / name} would lie where the app has a file; keep it in another folder")
            _copy(home / name, unfinished / name)
        _copy(project.configuration, unfinished / CONFIGURATION)  # Where the app looks without any setting.
        files = _write_manifest(unfinished)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return files


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


def _write_manifest(folder: Path) -> list[str]:
    """Say what the package is made of, so that two of them can be compared; returns the files."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    manifest = {"signalbox": version("signalbox"), "files": digests}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return list(digests)
