"""YAML with the line of every field.

Only plain values: a date stays the text it is, `1:30` is not ninety and `010` is not eight, and tags, merges and
self-references are refused. Size, depth and what aliases repeat are bounded before anything is built.
"""

import re
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

import yaml

from shared.config.findings import FileFinding

_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,39})")  # A leading zero means octal to some readers: it stays text.
_DECIMAL = re.compile(r"[-+]?[0-9]{1,40}\.[0-9]{1,40}")
_LONGEST_FILE = 1024 * 1024  # Bytes; PyYAML reads about 100 kB in a second.
_DEEPEST = 40
_MOST_VALUES = 100_000  # With what aliases repeat: ten lines of them can stand for a billion values.


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """*content* as plain values; *lines* and *columns* by dotted field path, counted from 1."""

    content: dict[str, Any]
    lines: dict[str, int]
    columns: dict[str, int] = dataclass_field(default_factory=dict)

    def line(self, field: str) -> int:
        """The line of *field*, or of the nearest section around it that is there."""
        return self.lines.get(self._nearest(field), 0)

    def column(self, field: str) -> int:
        """The column of *field*, or of the nearest section around it that is there."""
        return self.columns.get(self._nearest(field), 0)

    def finding(self, field: str, problem: str, remedy: str, level: str = "error") -> FileFinding:
        """What is wrong with *field*, at its place."""
        return FileFinding(line=self.line(field), field=field, problem=problem, remedy=remedy, level=level)

    def exact_finding(self, field: str, problem: str, remedy: str) -> FileFinding:
        """As `finding`, always with the column: of what the line has, one word is meant."""
        finding = self.finding(field, problem, remedy)
        return finding if finding.column else replace(finding, column=self.column(field))

    def folder(self, field: str) -> str:
        """The folder, from that of the configuration, of the file that *field* stands in; paths are relative to it."""
        del field  # One file, and its own folder.
        return ""

    def _nearest(self, field: str) -> str:
        while field not in self.lines and field:
            field = field.rpartition(".")[0]
        return field


def read_document(
    path: Path, opening: str = "start with `environments:`, `hub:` and `routes:`"
) -> tuple[Document | None, tuple[FileFinding, ...]]:
    """The document in the file *path*, and what keeps it from being one; *opening* says how such a file begins."""
    try:
        node = yaml.compose(_text(path), Loader=_BoundedLoader)
    except (OSError, UnicodeDecodeError) as error:
        return None, (_finding(0, "file", f"cannot be read ({error})", "name an existing UTF-8 file"),)
    except yaml.YAMLError as error:
        return None, (_not_yaml(error),)
    if not isinstance(node, yaml.MappingNode):
        return None, (_finding(1, "file", "is not a mapping", opening),)
    walk = _Walk()
    try:
        content = walk.plain(node, "", ())
    except _TooMany:
        remedy = "write out what aliases repeat, or split the file"
        return None, (_finding(1, "file", f"stands for more than {_MOST_VALUES} values", remedy),)
    return Document(content=content, lines=walk.lines, columns=walk.columns), tuple(walk.findings)


def _text(path: Path) -> str:
    with path.open("rb") as stream:
        data = stream.read(_LONGEST_FILE + 1)
    if len(data) > _LONGEST_FILE:
        raise OSError(f"it has more than {_LONGEST_FILE} bytes")
    return data.decode("utf-8")


class _BoundedLoader(yaml.SafeLoader):
    """PyYAML composes by recursion: what is nested too deep is refused before Python's own limit ends the process."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        if self._depth > _DEEPEST:
            problem = f"it is nested more than {_DEEPEST} levels deep"
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, problem, mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _TooMany(Exception):
    """The document stands for more values than are read."""


class _Walk:
    """From nodes to plain values, noting lines and what is wrong on the way."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.columns: dict[str, int] = {}
        self.findings: list[FileFinding] = []
        self._values = 0

    def plain(self, node: yaml.Node, place: str, above: tuple[yaml.Node, ...]) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _TooMany
        self.lines.setdefault(place, node.start_mark.line + 1)
        self.columns.setdefault(place, node.start_mark.column + 1)
        if node in above:
            return self._refuse(node, place, "contains itself", "write it out without the alias")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, place, above)
        if isinstance(node, yaml.SequenceNode):
            inside = (*above, node)
            return [self.plain(item, f"{place}[{n}]", inside) for n, item in enumerate(node.value)]
        return self._scalar(node, place)

    def mapping(self, node: yaml.MappingNode, place: str, above: tuple[yaml.Node, ...]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, place or "file", "has a field whose name is not text", "name every field in text")
                continue
            if _halved(key.value):
                self._refuse(key, place or "file", "has a field with half a character", "write the whole character")
                continue
            field = f"{place}.{key.value}" if place else key.value
            if key.value in content:
                self._refuse(key, field, "is there twice", "keep one of the two")
            self.lines[field] = key.start_mark.line + 1
            self.columns[field] = key.start_mark.column + 1
            content[key.value] = self.plain(value, field, (*above, node))
        return content

    def _scalar(self, node: yaml.Node, place: str) -> Any:
        kind, text = node.tag.removeprefix(_TAG), node.value
        if node.tag == kind or "/" in kind:
            return self._refuse(node, place, f"has the tag {node.tag}", "remove the tag")
        if kind == "int" and _WHOLE.fullmatch(text):
            return int(text)
        if kind == "float" and _DECIMAL.fullmatch(text):
            return float(text)
        if kind == "bool":
            return yaml.SafeLoader.bool_values.get(text.lower(), text)
        if _halved(text):
            return self._refuse(node, place, "holds half a character", "write the whole character")
        return None if kind == "null" else text

    def _refuse(self, node: yaml.Node, place: str, problem: str, remedy: str) -> None:
        self.findings.append(_finding(node.start_mark.line + 1, place, problem, remedy))


def _halved(text: str) -> bool:
    """Whether *text* holds a surrogate, as the escape "\\ud83d" alone does: no UTF-8 can say it."""
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)


def _not_yaml(error: yaml.YAMLError) -> FileFinding:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return _finding(mark.line + 1 if mark else 0, "file", f"is not YAML ({problem})", "mend the syntax at that line")


def _finding(line: int, field: str, problem: str, remedy: str) -> FileFinding:
    return FileFinding(line=line, field=field, problem=problem, remedy=remedy)
