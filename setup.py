"""Builds the wheel: what is not a Python package of its own travels inside `signalbox`, as data.

`pyproject.toml` has everything else. docs/decisions/0020-one-wheel-with-the-app-inside.md says why.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
CARRIED = {
    "app": (
        *("function_app.py", "host.json", "requirements.txt", "local.settings.sample.json", "signalbox.schema.json"),
        *("activities", "orchestrators", "shared", "triggers"),
    ),
    "example": ("signalbox.yaml", "examples"),
    "template": ("template",),
    "azurite": ("package.json", "package-lock.json", ".npmrc"),
}
NOT_CARRIED = shutil.ignore_patterns("__pycache__", ".*_cache")


class BuildWithProduct(build_py):
    """An editable installation finds these files in the checkout."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "signalbox" / "_product"
        shutil.rmtree(target, ignore_errors=True)  # An earlier build may have left files that are gone by now.
        for part, names in CARRIED.items():
            (target / part).mkdir(parents=True)
            for name in names:
                source, place = ROOT / name, target / part / (name if name != part else "")
                if source.is_dir():
                    shutil.copytree(
                        source, place, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"), dirs_exist_ok=True
                    )
                else:
                    shutil.copyfile(source, place)


setup(cmdclass={"build_py": BuildWithProduct})
