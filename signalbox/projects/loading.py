"""Load a whole package with its own libraries, and write the byte code of what was loaded: a program of its own.

    python -I -B loading.py PACKAGE LIBRARIES

It is run by the Python that the package is for, with nothing else to import. Every module of the app is imported, and
every module that the app imports in a function, so that a library which the package lacks is found where it is made. On
Azure the folder may be read-only: without byte code every start would compile again. It is marked as unchecked, since
an archive keeps no times that Python could compare. It prints JSON: how many modules, and
which were not found: a package has no exporters of spans, which the worker of Azure brings.
"""

import ast
import importlib
import json
import os
import pkgutil
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

_ROOMS = ("activities", "orchestrators", "shared", "triggers")


def main() -> None:
    package, libraries = (Path(argument).resolve() for argument in sys.argv[1:])
    sys.path[:0] = [str(package), str(libraries)]
    os.chdir(package)
    modules = sorted({name for room in _ROOMS for name in _modules_of(room)})
    for name in modules:
        importlib.import_module(name)
    wanted = {each for name in modules for each in _imports_of(name)}
    missing = sorted({absent for name in sorted(wanted) if (absent := _missing_of(name))})
    loaded = {Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    sources = sorted(file for file in loaded if file.suffix == ".py" and file.is_relative_to(package))
    for source in sources:
        _compile(source, source.relative_to(package))
    sys.stdout.write(json.dumps({"modules": len(sources), "missing": missing}) + "\n")


def _modules_of(room: str) -> Iterator[str]:
    yield room
    for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
        if not module.name.endswith("__main__"):
            yield module.name


def _imports_of(name: str) -> Iterator[str]:
    """The modules, and the names of modules, that the source of *name* imports anywhere."""
    module = sys.modules[name]
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}:{alias.name}" for alias in node.names)


def _missing_of(name: str) -> str | None:
    """Import `module`, or `module:name`, whose name may be a module too; the module that is absent, if one is."""
    module, _, attribute = name.partition(":")
    try:
        parent = importlib.import_module(module)
        if attribute not in ("", "*") and not hasattr(parent, attribute):
            importlib.import_module(f"{module}.{attribute}")
    except ModuleNotFoundError as error:
        return error.name
    return None


def _compile(source: Path, shown: Path) -> None:
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(source), dfile=str(shown), doraise=True, invalidation_mode=mode)


if __name__ == "__main__":
    main()
