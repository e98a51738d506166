"""Which files of the installed libraries are not shipped, and by which rule.

Each rule names files that running code never opens, or parts that the app never asks for by name. The package is loaded
whole after it (`loading`), and docs/decisions/0035-what-the-package-weighs.md says what each rule saves.
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path, PurePosixPath

from signalbox.projects.shared_objects import SharedObject, read_shared_object


class Rule(StrEnum):
    """Why a file is not shipped."""

    TESTS = "tests of the libraries"
    SOURCES = "sources and headers for compilers, static libraries, type stubs"
    SCRIPTS = "commands"
    BYTE_CODE = "byte code of the installer's"  # The package has its own, of what the app loads.
    ARROW = "parts of Arrow that the app never asks for"
    UNNEEDED = "shared objects that nothing needs any more"


_TEST_FOLDERS = frozenset({"test", "tests"})
_SOURCES = frozenset((".a", ".c", ".cc", ".cpp", ".f", ".f90", ".h", ".hpp", ".pxd", ".pxi", ".pyi", ".pyx"))
# Extension modules by the first part of their names. Flight is a protocol, Substrait a format of queries, and files of
# S3 come by a client of their own: pyarrow imports each of them only where somebody asks for it.
_ARROW_PARTS = frozenset({"_flight", "_s3fs", "_substrait", "_pyarrow_cpp_tests"})
_ARROW = "pyarrow"
_WORTH_STRIPPING = 50_000


def files_left_out(folder: Path, files: Iterable[PurePosixPath]) -> dict[PurePosixPath, Rule]:
    """Of *files* of the libraries in *folder*, by paths within it, those that are not shipped."""
    names = list(files)
    left_out = {name: rule for name in names if (rule := _rule_of(name)) is not None}
    arrow = [name for name in names if name.parts[0] == _ARROW and name not in left_out and ".so" in name.name]
    return {**left_out, **dict.fromkeys(_unneeded(folder, arrow), Rule.UNNEEDED)}


def prune(folder: Path) -> dict[PurePosixPath, Rule]:
    """Remove from *folder* what is not shipped, and folders that are empty then; returns what was removed."""
    files = [PurePosixPath(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    left_out = files_left_out(folder, files)
    for name in left_out:
        (folder / name).unlink()
    for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
    return left_out


def files_to_strip(folder: Path, files: Iterable[PurePosixPath] | None = None) -> dict[PurePosixPath, int]:
    """Shared objects in *folder* (of *files*, if given) whose symbols are not shipped, and how many bytes these are.

    Where a distribution carries libraries of others, auditwheel has moved parts of its files about, which `strip` is
    known to break: they are left as they are.
    """
    names = files if files is not None else (PurePosixPath(path.relative_to(folder)) for path in folder.rglob("*.so*"))
    symbols = {
        name: found.symbols
        for name in names
        if ".so" in name.name and not _carries_others(folder, name) and (found := read_shared_object(folder / name))
    }
    return {name: size for name, size in symbols.items() if size > _WORTH_STRIPPING}


def _carries_others(folder: Path, name: PurePosixPath) -> bool:
    top = name.parts[0]
    return top.endswith(".libs") or (folder / f"{top}.libs").exists()


def _rule_of(name: PurePosixPath) -> Rule | None:
    folders = name.parts[:-1]
    if _TEST_FOLDERS.intersection(folders):
        return Rule.TESTS
    if name.suffix == ".pyc":
        return Rule.BYTE_CODE
    if name.suffix in _SOURCES:
        return Rule.SOURCES
    if folders[:1] == ("bin",):
        return Rule.SCRIPTS
    if folders == (_ARROW,) and name.name.split(".")[0] in _ARROW_PARTS:
        return Rule.ARROW
    return None


def _unneeded(folder: Path, names: list[PurePosixPath]) -> list[PurePosixPath]:
    """Of the shared objects *names*, libraries that no extension module needs, directly or through others.

    A library that lies there under several names is needed under the one that the others know it by.
    """
    objects = {name: found for name in names if (found := read_shared_object(folder / name)) is not None}
    modules = [name for name, found in objects.items() if not _is_library(name, found)]
    by_name = {name.name: found for name, found in objects.items()}
    needed: set[str] = set()
    waiting = [need for name in modules for need in objects[name].needs]
    while waiting:
        need = waiting.pop()
        if need in by_name and need not in needed:
            needed.add(need)
            waiting += by_name[need].needs
    return [name for name, found in objects.items() if _is_library(name, found) and name.name not in needed]


def _is_library(name: PurePosixPath, found: SharedObject) -> bool:
    return name.name.startswith("lib") and bool(found.soname)
