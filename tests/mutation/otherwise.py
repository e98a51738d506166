"""Runs pytest as if one module read otherwise: `python -m tests.mutation.otherwise MODULE TEXT GUARD...`.

TEXT is the file that is compiled in place of the module's own. Nothing is copied or written.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pytest


class Otherwise(MetaPathFinder):
    """Finds *module*, and gives it the code of *text*."""

    def __init__(self, module: str, text: Path) -> None:
        self._module, self._text = module, text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self._module else None
        if spec is not None and spec.origin:
            spec.loader = _Loader(fullname, spec.origin, self._text)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, text: Path) -> None:
        super().__init__(fullname, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text.read_text(), self.path, "exec")


if __name__ == "__main__":
    named, instead, *arguments = sys.argv[1:]
    sys.meta_path.insert(0, Otherwise(named, Path(instead)))
    code = pytest.main(arguments)
    sys.exit(code if named in sys.modules else f"{named} was never imported: the guard does not reach it")
