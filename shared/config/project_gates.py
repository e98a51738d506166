"""A project's own gates as the ladder names them: the file is read and looked at, and nothing of it is run.

What such a gate returns only shows when it is asked; a test of the project can ask it.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import PurePosixPath

from shared.config.contracts import is_file
from shared.config.findings import FileFinding
from shared.config.reading import FilePlace, nearest
from shared.domain.gates import GATES, GateSpec
from shared.domain.gates.evidence import Evidence
from shared.domain.gates.plugins import digest_of, file_of

_LONGEST_FILE = 256 * 1024
_PARTS = tuple(part.name for part in fields(Evidence))
_ALWAYS_THERE = "at"
_SIGNATURE = "write def NAME(evidence, options):"

_Problem = tuple[int, str, str]  # The line, what is wrong, and the remedy.


def with_sources(specs: Iterable[GateSpec], place: FilePlace) -> tuple[GateSpec, ...]:
    """*specs*, the project's own with the digests of their files; what is wrong with these is reported at *place*."""
    gates = tuple(specs)
    measured = {GATES[spec.gate].part for spec in gates if spec.gate in GATES} | {_ALWAYS_THERE}
    return tuple(_with_source(spec, place, measured) if file_of(spec.gate) else spec for spec in gates)


def _with_source(spec: GateSpec, place: FilePlace, measured: set[str]) -> GateSpec:
    _refuse_unmeasured(spec.options, place.inside(spec.gate), measured)
    path = file_of(spec.gate)
    if path.startswith("/") or ".." in PurePosixPath(path).parts:
        place.fail(spec.gate, "is outside the configuration's folder", "name a file in or below it")
        return spec
    if not is_file(place.report.home / path):
        place.fail(spec.gate, f"names {path}, which is not a file", "name a file beside the configuration, or below it")
        return spec
    source = (place.report.home / path).read_bytes()
    for line, problem, remedy in _problems(source, spec.gate.rpartition(":")[2]):
        finding = FileFinding(line=line, field=spec.gate, problem=problem, remedy=remedy, file=path)
        if finding not in place.report.findings:  # Several stages may have the same gate.
            place.report.findings.append(finding)
    return replace(spec, source=digest_of(source))


def _refuse_unmeasured(options: Mapping[str, object], place: FilePlace, measured: set[str]) -> None:
    needs = options.get("needs", ())
    for part in needs if isinstance(needs, list | tuple) else ():
        if part not in _PARTS:
            place.fail("needs", f"names {part!r}, which is no part of the evidence", nearest(str(part), _PARTS))
        elif part not in measured:
            gates = [gate.name for gate in GATES.values() if gate.part == part]
            remedy = f"add one of {', '.join(gates)} beside it" if gates else "remove it"
            place.fail("needs", f"names {part!r}, which no gate here has measured", remedy)


def _problems(source: bytes, function: str) -> Iterator[_Problem]:
    """What can be seen of the file without running it."""
    if len(source) > _LONGEST_FILE:
        yield 0, f"has more than {_LONGEST_FILE} bytes", "keep in this file what its gates need"
        return
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield error.lineno or 0, f"is no Python ({error.msg})", "mend the line"
        return
    except (ValueError, RecursionError, MemoryError) as error:
        yield 0, f"is no Python ({error or type(error).__name__})", "mend the file"
        return
    yield from _strange_imports(tree)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if function not in functions:
        yield 0, f"has no function {function}", nearest(function, functions)
    elif not _takes_two(functions[function].args):
        remedy = _SIGNATURE.replace("NAME", function)
        yield functions[function].lineno, "does not take the evidence and the options", remedy


def _strange_imports(tree: ast.Module) -> Iterator[_Problem]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            continue
        for name in names:
            if name.partition(".")[0] not in sys.stdlib_module_names:
                remedy = "use the standard library, and keep what the gate needs in its file"
                yield node.lineno, f"imports {name}, which is not there when the gate is asked", remedy


def _takes_two(arguments: ast.arguments) -> bool:
    """Whether a call with two positional arguments fits."""
    positional = len(arguments.posonlyargs) + len(arguments.args)
    needed = positional - len(arguments.defaults)
    optional_keywords = all(default is not None for default in arguments.kw_defaults)
    return needed <= 2 and (positional >= 2 or arguments.vararg is not None) and optional_keywords
