"""The wheel, built once for a test run, and an environment in which nothing else of this checkout can be imported."""

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """*wheel* is installed into the environment in *folder*."""

    wheel: Path
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, where: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`signalbox` *words* in the folder *where*, with no setting of ours but *environment*."""
        return subprocess.run(
            [self.folder / "bin" / "signalbox", *words],
            cwd=where,
            env={**clean(), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def clean() -> dict[str, str]:
    """This process' environment, less all that could lead to the checkout."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX", "PYTHON", "VIRTUAL"))
    }


def _uv(*words: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "uv", *words, "--quiet", "--offline"], check=True, env=clean(), cwd=PROJECT)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel, made of the source distribution as an index gets it; its dependencies are those of this run."""
    folder = tmp_path_factory.mktemp("packaging")
    _uv("build", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder / "dist")
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    environment = Installation(wheel=wheel, folder=folder / "venv")
    _uv("pip", "install", "--no-deps", "--python", environment.python, wheel)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # A folder that a .pth file names is not searched for .pth files: the editable installation stays out.
    dependencies = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "dependencies.pth").write_text(f"{dependencies}\n")
    return environment


@pytest.fixture(scope="session")
def wine(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that `signalbox new wine --defaults` makes. Tests read it; what they break they copy."""
    folder = tmp_path_factory.mktemp("team")
    process = installation.run(folder, "new", "wine", "--defaults")
    assert process.returncode == 0, process.stderr
    assert "`pip install -r requirements.txt && make ci`" in process.stdout
    return folder / "wine"
