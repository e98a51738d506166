"""`python -m tests.conformance.table docs/host.md`: write what the suite proves into the page, between its two marks.

Each module of the suite is a part of the host, by the first line of its docstring; each test is one behaviour of it, by
its name. So the table cannot say what no test shows.
"""

import ast
import sys
from pathlib import Path

from azure.functions.meta import get_binding_registry

from signalbox.host.bindings import SERVED_BINDINGS
from signalbox.host.triggers.kinds import KINDS
from tests.conformance.differences import DIFFERENCES

BEGIN, END = "<!-- The suite's table begins. `make documents` writes it. -->\n", "<!-- The suite's table ends. -->\n"


LIBRARY_TESTS = Path(__file__).parents[1] / "host" / "test_library_worker.py"


def rows() -> list[tuple[str, str]]:
    """Every behaviour, with the part of the host that it belongs to."""
    return [
        (part.rstrip("."), test.name.removeprefix("test_").replace("_", " "))
        for path in sorted(Path(__file__).parent.glob("test_*.py"))
        for module in [ast.parse(path.read_text())]
        for part in [(ast.get_docstring(module) or "").splitlines()[0]]
        for test in module.body
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_")
    ]


def states() -> list[tuple[str, bool]]:
    """Every trigger and binding that the SDK knows, and whether the host serves it (tests/host/test_kinds.py)."""
    names = get_binding_registry()._bindings  # type: ignore[no-untyped-call]
    return [(name, name in KINDS | SERVED_BINDINGS) for name in sorted(filter(_is_name, names))]


def _is_name(key: object) -> bool:
    """The SDK keeps classes without a binding of their own under None and False."""
    return isinstance(key, str)


def table() -> str:
    kinds = ["| trigger or binding | state |", "|---|---|"]
    kinds += [f"| `{name}` | {'served' if served else 'refused by name at start'} |" for name, served in states()]
    parts: dict[str, list[str]] = {}
    for part, behaviour in rows():
        parts.setdefault(part, []).append(behaviour)
    proofs = ["| part | what a case shows |", "|---|---|"]
    proofs += [f"| {part} | {'; '.join(behaviours)} |" for part, behaviours in parts.items()]
    return "\n".join([*kinds, "", *proofs, "", *differences()]) + "\n"


def differences() -> list[str]:
    """The table of what is otherwise in Microsoft's worker library; a row that no test shows is an error."""
    modules = [*Path(__file__).parent.glob("test_*.py"), LIBRARY_TESTS]
    tests = {line.split("(")[0] for path in modules for line in path.read_text().splitlines()}
    if unproven := [name for name in DIFFERENCES if f"def {name.split('[')[0]}" not in tests]:
        raise SystemExit(f"no test shows these differences: {', '.join(unproven)}")
    head = ["| what | in the host or its own workers | in Microsoft's worker library |", "|---|---|---|"]
    return head + [f"| {row.subject} | {row.in_own} | {row.in_library} |" for row in DIFFERENCES.values()]


def written(page: str) -> str:
    """*page* with today's table in it."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"the page lacks the marks {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(written(target.read_text()))
