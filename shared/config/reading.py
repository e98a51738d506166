"""A file's content as its dataclass: a wrong field is a finding and reads as its default, so that all are found.

`FilePlace` is where a section's own code reports what only shows when fields are seen together.
"""

import copy
import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, get_args, get_origin

from shared.config.contracts import ContractFile, is_file, read_contract
from shared.config.document import Document
from shared.config.findings import Finding
from shared.validation import Fault, hint_at, read, shape_of
from shared.validation.types import split

T = TypeVar("T")

_MOST_READINGS = 12  # Each one mends a level of what is missing; a configuration has six.


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The findings about one file, and the data contracts that it has named so far, by path.

    Of the fields in *faulty*, which read as something else than what is written, nothing more is reported.
    """

    document: Document
    home: Path
    findings: list[Finding] = field(default_factory=list)
    faulty: set[str] = field(default_factory=set)
    contracts: dict[str, ContractFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A section of the file, by its dotted path."""

    report: Report
    path: str = ""

    def inside(self, name: str) -> "FilePlace":
        return FilePlace(self.report, self._field(name))

    def fail(self, name: str, problem: str, remedy: str, level: str = "error") -> None:
        """Report what is wrong with the field *name* of the section, or with the section itself where it is empty."""
        where = self._field(name)
        if any(f"{where}.".startswith(f"{faulty}.") for faulty in self.report.faulty):
            return
        if not name and any(faulty.startswith(f"{where}.") for faulty in self.report.faulty):
            return  # What the section lacks as a whole may be what is wrong in it.
        line = self.report.document.line(where)
        self.report.findings.append(Finding(line=line, field=where, problem=problem, remedy=remedy, level=level))

    def fail_all(self, name: str, problems: Iterable[tuple[str, str]]) -> None:
        for problem, remedy in problems:
            self.fail(name, problem, remedy)

    def refuse_unknown(self, names: Iterable[str], allowed: Iterable[str]) -> None:
        """Report those of *names* that are not among *allowed*."""
        known = list(allowed)
        for name in names:
            if name not in known:
                self.fail(name, "is not a field here", nearest(name, known))

    def contract(self, path: str) -> str:
        """The data contract at *path* is read, once however many fields name it, and its findings are reported."""
        if path.startswith("/") or ".." in PurePosixPath(path).parts:
            self.fail("contract", f"is {path!r}, outside the configuration's folder", "name a file in or below it")
        elif path and not is_file(self.report.home / path):
            self.fail("contract", f"is {path!r}, which is not a file", "name a data contract beside the configuration")
        elif path and path not in self.report.contracts:
            file = self.report.contracts[path] = read_contract(self.report.home, path)
            self.report.findings.extend(file.findings)
        return path

    def _field(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path and name else name or self.path


def read_file(kind: type[T], report: Report) -> T | None:
    """The content of the report's document as a *kind*, None where too little of it can be used."""
    content = _without_nulls(kind, report.document.content)
    reading = read(kind, content)
    for fault in reading.faults:
        FilePlace(report).fail(fault.field, *_said(kind, fault))
    report.faulty.update(fault.field for fault in reading.faults)
    for _ in range(_MOST_READINGS):
        if reading.value is not None:
            return reading.value
        content = _mended(kind, content, reading.faults)
        reading = read(kind, content, lenient=True)
    return None


def built(kind: type[T], section: object, **values: Any) -> T:
    """A *kind* from the fields of *section* that are called alike, and *values*; what is left out has its own default.

    A duration is `wait` in the file and `wait_s` in the product.
    """
    written = {each.name for each in fields(section)}  # type: ignore[arg-type]  # It is a dataclass.
    for each in fields(kind):  # type: ignore[arg-type]  # So is this.
        name = each.name if each.name in written else each.name.removesuffix("_s")
        value = getattr(section, name) if name in written else None
        if value is not None:
            values.setdefault(each.name, value)
    return kind(**values)


def nearest(name: str, known: Iterable[str], none: str = "(none)") -> str:
    """The remedy for *name*, which is not one of those that are *known*."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(names) or none}"


def _said(kind: Any, fault: Fault) -> tuple[str, str]:
    """The problem and the remedy."""
    hint = hint_at(kind, fault.path)
    if fault.kind == "unknown":
        return "is not a field here", nearest(str(fault.path[-1]), shape_of(hint_at(kind, fault.path[:-1])))
    kind, rules = split(hint)
    advice = next((rule.advice for rule in rules if getattr(rule, "advice", "")), "")
    section = is_dataclass(kind) or get_origin(kind) is dict
    if fault.kind == "missing":
        return "is missing", advice or ("add this section" if section else f"give {fault.expected}")
    return f"is {repr(fault.value)[:60]}", advice or ("write a mapping" if section else f"use {fault.expected}")


def _without_nulls(hint: Any, value: Any) -> Any:
    """A field without a value is left out, and a section without fields is an empty one."""
    kind = split(hint)[0]
    if value is None and (is_dataclass(kind) or get_origin(kind) is dict):
        return {}
    if is_dataclass(kind) and isinstance(value, dict):
        shape = shape_of(kind)  # type: ignore[arg-type]  # A class is hashable.
        return {
            name: _without_nulls(shape[name][0], inner) if name in shape else inner
            for name, inner in value.items()
            if inner is not None or name not in shape
        }
    if get_origin(kind) is dict and isinstance(value, dict):
        return {name: _without_nulls(get_args(kind)[1], inner) for name, inner in value.items()}
    return value


def _mended(kind: Any, content: Any, faults: Iterable[Fault]) -> Any:
    """*content* without what is wrong in it, and with something empty where something must be."""
    content = copy.deepcopy(content)
    for fault in faults:
        path = fault.path
        in_list = next((n for n, step in enumerate(path) if isinstance(step, int)), None)
        path = path[:in_list]
        parent = content
        for step in path[:-1]:
            parent = parent[step] if isinstance(parent, dict) and step in parent else {}
        plain, outer = (split(hint_at(kind, steps))[0] for steps in (path, path[:-1]))
        is_named = get_origin(plain) is dict and get_origin(outer) is dict
        if (is_dataclass(plain) or is_named) and fault.kind != "unknown":
            parent[path[-1]] = {}
        elif fault.kind == "missing":
            parent[path[-1]] = {dict: {}, tuple: []}.get(get_origin(plain))  # None for a text.
        else:
            parent.pop(path[-1], None)
    return content
