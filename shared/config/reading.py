"""A file's content as its dataclass: a wrong field is a finding and reads as its default, so that all are found.

`FilePlace` is where a section's own code reports what only shows when fields are seen together.
"""

import copy
import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from shared.config.document import Document
from shared.config.findings import FileFinding
from shared.domain.data.data_contract import DataContract
from shared.domain.data.reference_profile import ReferenceProfile
from shared.validation import Fault, hint_at, read, shape_of
from shared.validation import Path as Steps
from shared.validation.types import split

T = TypeVar("T")

_MOST_READINGS = 12  # Each one mends a level of what is missing; a configuration has six.


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFile:
    """What the contract at *path* says; without *contract* it cannot be used, and *findings* say why."""

    path: str
    contract: DataContract | None = None
    reference: ReferenceProfile | None = None
    findings: tuple[FileFinding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The findings about one file, and the data contracts that it has named so far, by path.

    Of the fields in *faulty*, which read as something else than what is written, nothing more is reported.
    """

    document: Document
    home: Path
    findings: list[FileFinding] = field(default_factory=list)
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
        path = self._field(name)
        if self.is_faulty(name):
            return
        if not name and any(faulty.startswith(f"{path}.") for faulty in self.report.faulty):
            return  # What the section lacks as a whole may be what is wrong in it.
        self.report.findings.append(self.report.document.finding(path, problem, remedy, level))

    def fail_exactly(self, name: str, problem: str, remedy: str) -> None:
        """As `fail`, with the column, too: of what stands in the line of *name* only that is meant."""
        if not self.is_faulty(name):
            self.report.findings.append(self.report.document.exact_finding(self._field(name), problem, remedy))

    def fail_all(self, name: str, problems: Iterable[tuple[str, str]]) -> None:
        for problem, remedy in problems:
            self.fail(name, problem, remedy)

    def refuse_unknown(self, names: Iterable[str], fields: Iterable[str]) -> None:
        """Report those of *names* that are not among *fields*."""
        field_names = list(fields)
        for name in names:
            if name not in field_names:
                self.fail(name, "is not a field here", nearest(name, field_names))

    def located(self, name: str, path: str) -> str:
        """*path* from the configuration's folder: in the file it is relative to the file that has the field *name*."""
        folder = self.report.document.folder(self._field(name))
        return f"{folder}/{path}" if folder and path else path

    def is_faulty(self, name: str) -> bool:
        """Whether the field *name*, or what is around it, has a finding already and reads as something else."""
        path = self._field(name)
        return any(f"{path}.".startswith(f"{faulty}.") for faulty in self.report.faulty)

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
    written = {field.name for field in fields(section)}  # type: ignore[arg-type]  # It is a dataclass.
    for target in fields(kind):  # type: ignore[arg-type]  # So is this.
        name = target.name if target.name in written else target.name.removesuffix("_s")
        value = getattr(section, name) if name in written else None
        if value is not None:
            values.setdefault(target.name, value)
    return kind(**values)


def nearest(name: str, names_at_hand: Iterable[str], fallback: str = "(none)") -> str:
    """The remedy for *name*, which is not one of those that are *names_at_hand*."""
    names = list(names_at_hand)
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(names) or fallback}"


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
    """A field without a value is left out, and a section without fields, whose name is the user's, is an empty one."""
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
    if get_origin(kind) is tuple and isinstance(value, list):
        return [inner if inner is None else _without_nulls(get_args(kind)[0], inner) for inner in value]
    return value


def _mended(kind: Any, content: Any, faults: Iterable[Fault]) -> Any:
    """*content* without what is wrong in it, and with something empty where something must be.

    An entry of a list is mended where it is a section. A list with another wrong entry is left out as a whole, since
    the places of the entries behind it would change.
    """
    content = copy.deepcopy(content)
    for fault in faults:
        path = fault.path
        while path and isinstance(path[-1], int) and not is_dataclass(split(hint_at(kind, path))[0]):
            path = path[:-1]
        parent = _parent(content, path)
        if parent is None:
            continue  # What is around it has been left out for another fault.
        plain, outer = (split(hint_at(kind, steps))[0] for steps in (path, path[:-1]))
        is_named = get_origin(plain) is dict and get_origin(outer) is dict
        if (is_dataclass(plain) or is_named) and fault.kind != "unknown":
            parent[path[-1]] = {}
        elif fault.kind == "missing":
            parent[path[-1]] = _placeholder(plain)
        else:
            parent.pop(path[-1], None)
    return content


def _parent(content: Any, path: Steps) -> Any:
    """The mapping or list in *content* that holds the last step of *path*, None where it is not there."""
    for step in path[:-1]:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return None
    fits = isinstance(content, list) if isinstance(path[-1], int) else isinstance(content, dict)
    return content if fits else None


def _placeholder(kind: Any) -> Any:
    """What stands for a missing field of the type *kind*; None for a text, which a lenient reading takes."""
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    return {dict: {}, tuple: []}.get(get_origin(kind))
