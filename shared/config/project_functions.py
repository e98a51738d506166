"""A file with functions of the project: what can be seen of it without running anything."""

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from shared.config.reading import nearest

_LONGEST_FILE = 256 * 1024

# The line, what is wrong, and the remedy. The line is 0 where the whole file is meant: then who names it is told.
Problem = tuple[int, str, str]


def place_problem(home: Path, path: str, folder: str) -> tuple[str, str] | None:
    """What is wrong with *path*, which is to be a file in or below *home*, the *folder* of the file that names it; with
    its remedy."""
    if path.startswith("/") or ".." in PurePosixPath(path).parts:
        return f"is outside the {folder}'s folder", "name a file in or below it"
    if not is_file(home / path):
        return f"names {path}, which is not a file", f"name a file beside the {folder}, or below it"
    return None


def is_file(path: Path) -> bool:
    """Whether *path* is a file; a name that the file system cannot have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def named_problem(path: str, problem: str) -> str:
    """*problem* of the whole file at *path*, as it is said where the file is named."""
    return f"names {path}, which {problem}"


def source_problems(source: bytes, function: str, kind: str, arguments: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with the content *source* of a file, in which *function* is to take two *arguments*.

    *kind* is what messages call the function.
    """
    if len(source) > _LONGEST_FILE:
        yield 0, f"has more than {_LONGEST_FILE} bytes", f"keep in this file what its {kind}s need"
        return
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield error.lineno or 0, f"is no Python ({error.msg})", "mend the line"
        return
    except (ValueError, RecursionError, MemoryError) as error:
        yield 0, f"is no Python ({error or type(error).__name__})", "mend the file"
        return
    yield from _strange_imports(tree, kind)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if function not in functions:
        yield 0, f"has no function {function}", nearest(function, functions)
    elif not _takes_two(functions[function].args):
        remedy = f"write def {function}({', '.join(arguments)}):"
        yield functions[function].lineno, f"does not take the {' and the '.join(arguments)}", remedy


def _strange_imports(tree: ast.Module, kind: str) -> Iterator[Problem]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            continue
        for name in names:
            if name.partition(".")[0] not in sys.stdlib_module_names:
                remedy = f"use the standard library, and keep what the {kind} needs in its file"
                yield node.lineno, f"imports {name}, which is not there when the {kind} is asked", remedy


def _takes_two(arguments: ast.arguments) -> bool:
    """Whether a call with two positional arguments fits."""
    positional = len(arguments.posonlyargs) + len(arguments.args)
    needed = positional - len(arguments.defaults)
    optional_keywords = all(default is not None for default in arguments.kw_defaults)
    return needed <= 2 and (positional >= 2 or arguments.vararg is not None) and optional_keywords
