"""The libraries of a package: the locked ones, without what never runs, loaded whole, within what a package may weigh.

They are installed where the package is made: Azure's own build has a minute, and needs a way to a package index.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from signalbox.projects import loading
from signalbox.projects.pruning import Rule, files_to_strip, prune

LIBRARIES = Path(".python_packages") / "lib" / "site-packages"  # Where Azure's worker looks.
HEAVIEST_PACKAGE = 250_000_000
_INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--require-hashes")
_STRIP = ("strip", "--strip-unneeded")


class NotPackaged(ValueError):
    """No package can be written there, or of this project; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What a package with its libraries weighs unpacked, in bytes, and how many modules it was loaded with."""

    package: int
    modules: int

    @property
    def megabytes(self) -> float:
        return self.package / 1e6


def add_libraries(package: Path, python: str) -> Weight:
    """Install what `requirements.txt` in *package* locks, for and by *python*. Raises NotPackaged."""
    if not sys.platform.startswith("linux") or not shutil.which(_STRIP[0]):
        raise NotPackaged(
            "libraries are installed on Linux, as Azure's, with binutils; elsewhere take --no-libraries, or a container"
        )
    libraries = package / LIBRARIES
    requirements = ("--only-binary", ":all:", "--target", str(libraries), "-r", str(package / "requirements.txt"))
    _run(python, *_INSTALL, *requirements, problem="the locked libraries cannot be installed")
    left_out = prune(libraries)
    if strippable := [str(libraries / name) for name in files_to_strip(libraries)]:
        _run(*_STRIP, *strippable, problem="symbols cannot be removed")
    program = (str(Path(loading.__file__)), str(package), str(libraries))
    answer = json.loads(_run(python, "-I", "-B", "-W", "ignore", *program, problem="the package cannot be loaded"))
    _refuse_missing(answer["missing"], left_out)
    weight = Weight(package=weigh(package), modules=answer["modules"])
    if weight.package > HEAVIEST_PACKAGE:
        raise NotPackaged(
            f"the package weighs {weight.megabytes:.0f} MB unpacked, more than {HEAVIEST_PACKAGE / 1e6:.0f};"
            f" most of it are {', '.join(_heaviest(libraries))}"
        )
    return weight


def weigh(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _heaviest(libraries: Path) -> list[str]:
    weights = {path.name: weigh(path) for path in libraries.iterdir() if path.is_dir()}
    return [f"{name} ({weights[name] / 1e6:.0f} MB)" for name in sorted(weights, key=weights.__getitem__)[:-6:-1]]


def _run(*command: str, problem: str) -> str:
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        raise NotPackaged("\n".join([f"{problem}:", *process.stderr.strip().splitlines()[-3:]]))
    return process.stdout


def _refuse_missing(modules: list[str], left_out: Mapping[PurePosixPath, Rule]) -> None:
    """A module that the app imports and that was never installed is its own affair; one that was left out is ours."""
    for module in modules:
        place = module.replace(".", "/")
        for name, rule in left_out.items():
            if name.as_posix().startswith((f"{place}.", f"{place}/")):
                raise NotPackaged(f"the app imports {module}, which is left out as one of the {rule}")
