"""YAML with the line of every field."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shared.config.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """*content* as plain values; *lines* by dotted field path, counted from 1."""

    content: dict[str, Any]
    lines: dict[str, int]


def read_document(path: Path) -> tuple[Document | None, tuple[Finding, ...]]:
    """The document in the file *path*, and what keeps it from being one."""
    lines: dict[str, int] = {}
    findings: list[Finding] = []
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        return None, (_finding(0, "file", f"cannot be read ({error})", "name an existing UTF-8 file"),)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return None, (_finding(line, "file", f"is not YAML ({error.problem})", "mend the syntax at that line"),)
    if not isinstance(node, yaml.MappingNode):
        return None, (_finding(1, "file", "is not a mapping", "start with `environments:`, `hub:` and `routes:`"),)
    content = _plain(node, "", lines, findings)
    return Document(content=content, lines=lines), tuple(findings)


def _plain(node: yaml.Node, where: str, lines: dict[str, int], findings: list[Finding]) -> Any:
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, lines, findings)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, f"{where}[{n}]", lines, findings) for n, item in enumerate(node.value)]
    return yaml.SafeLoader("").construct_object(node, deep=True)


def _mapping(node: yaml.MappingNode, where: str, lines: dict[str, int], findings: list[Finding]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, value in node.value:
        name = str(key.value)
        field = f"{where}.{name}" if where else name
        if name in content:
            findings.append(_finding(key.start_mark.line + 1, field, "is there twice", "keep one of the two"))
        lines[field] = key.start_mark.line + 1
        content[name] = _plain(value, field, lines, findings)
    return content


def _finding(line: int, field: str, problem: str, remedy: str) -> Finding:
    return Finding(line=line, field=field, problem=problem, remedy=remedy)
