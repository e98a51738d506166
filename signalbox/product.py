"""Where the product's own files are: the function app, the example, the template and the lock of Azurite.

A wheel carries them inside this package, where setup.py puts them; in a checkout they lie beside it. Nothing else may
assume the one or the other (docs/decisions/0020-one-wheel-with-the-app-inside.md).
"""

import sys
from pathlib import Path

FACTS = Path("shared") / "operations" / "project_facts.py"  # The module that reads a project's configuration.
_PACKAGE = Path(__file__).parent
_CARRIED = _PACKAGE / "_product"


def app_folder() -> Path:
    """The folder of the function app, which a host takes as it is."""
    return _part("app")


def let_import_app() -> None:
    """Let this process import the app's packages, as a checkout always can; another app's code has its own process."""
    if str(app_folder()) not in sys.path:
        sys.path.append(str(app_folder()))


def is_signalbox(app: Path) -> bool:
    """Whether the function app in *app* is this product, and not one of the user's own."""
    return (app / FACTS).is_file()


def example_folder() -> Path:
    """The folder of the worked example's project, with its `signalbox.yaml`."""
    return _part("example")


def azurite_lock() -> Path:
    """The folder with the `package.json` that names Azurite, and its lock."""
    return _part("azurite")


def template_folder() -> Path:
    """The Copier template of `signalbox new`."""
    return _part("template") if _CARRIED.is_dir() else _PACKAGE.parent / "template"


def _part(name: str) -> Path:
    return _CARRIED / name if _CARRIED.is_dir() else _PACKAGE.parent
