"""A data contract: what a file must look like before a model scores it or learns from it.

Parsing reports every mistake at once. It reads no file and knows no vendor.
"""

import codecs
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, cast

Format = Literal["csv", "jsonl", "parquet"]
ColumnType = Literal["integer", "number", "string", "boolean", "date", "timestamp"]
FORMATS = ("csv", "jsonl", "parquet")
TYPES = ("integer", "number", "string", "boolean", "date", "timestamp")
ORDERED = ("integer", "number", "date", "timestamp")
DEFAULT_NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
Bound = int | float | date | datetime


class ContractError(ValueError):
    """Everything that is wrong with a contract, one line each, in *problems*."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("the data contract is not valid:\n" + "\n".join(f"- {problem}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; *min* and *max* are inclusive, *pattern* matches the whole value, *allowed* leaves nulls alone."""

    name: str
    type: ColumnType
    nullable: bool = False
    min: Bound | None = None
    max: Bound | None = None
    allowed: tuple[Any, ...] = ()
    pattern: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvDialect:
    """How CSV is written; *null_values* are the unquoted texts that mean "no value"."""

    delimiter: str = ","
    encoding: str = "utf-8"
    null_values: tuple[str, ...] = DEFAULT_NULLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Compare *columns* (all profiled ones where empty) with the profile at *reference*, beside the contract.

    *alpha* bounds the false discovery rate over the columns. With *psi_limit* a significant difference must also be
    at least that large to fail.
    """

    reference: str
    alpha: float = 0.01
    minimum_sample: int = 100
    columns: tuple[str, ...] = ()
    psi_limit: float | None = None
    inconclusive: Literal["pass", "fail"] = "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataContract:
    """What every file of an arrival obeys; *keys* are unique together, over all files."""

    format: Format
    columns: tuple[Column, ...]
    csv: CsvDialect = field(default_factory=CsvDialect)
    keys: tuple[str, ...] = ()
    extra_columns: Literal["allow", "refuse"] = "refuse"
    min_rows: int = 1
    tolerance: float = 0.0
    distribution: Distribution | None = None
    owner: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


class _Section:
    """A mapping read field by field; what is wrong is collected, never raised."""

    def __init__(self, value: object, where: str, problems: list[str]) -> None:
        self.problems, self.where = problems, where
        if not isinstance(value, Mapping):
            self.wrong("", value, "must be a mapping")
            value = {}
        self.values = dict(value)

    def wrong(self, name: str, value: object, remedy: str) -> None:
        place = ".".join(part for part in (self.where, name) if part) or "the contract"
        self.problems.append(f"{place}: {value!r} {remedy}")

    def text(self, name: str, default: str = "", *, required: bool = False) -> str:
        value = self.values.pop(name, default)
        if not isinstance(value, str) or (required and not value):
            self.wrong(name, value, "must be a text")
            return default
        return value

    def choice(self, name: str, options: Sequence[str], default: str = "") -> str:
        value = self.values.pop(name, default)
        if value not in options:
            self.wrong(name, value, f"must be one of {', '.join(options)}")
            return options[0]
        return cast(str, value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.values.pop(name, default)
        if not isinstance(value, bool):
            self.wrong(name, value, "must be true or false")
            return default
        return value

    def number(self, name: str, default: float, low: float, high: float = math.inf) -> float:
        value = self.values.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.wrong(name, value, f"must be a number from {low:g} to {high:g}")
            return default
        return value

    def count(self, name: str, default: int) -> int:
        value = self.values.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.wrong(name, value, "must be a whole number, 0 or more")
            return default
        return value

    def texts(self, name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        value = self.values.pop(name, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(name, value, "must be a list of texts")
            return tuple(default)
        return tuple(value)

    def close(self) -> None:
        for name in self.values:
            self.wrong(str(name), self.values[name], "is not a field of a data contract: remove it or mend its name")


def parse_contract(mapping: object) -> DataContract:
    """The contract that *mapping* (a parsed YAML document) describes; ContractError lists everything wrong in it."""
    problems: list[str] = []
    top = _Section(mapping, "", problems)
    columns = _columns(top)
    contract = DataContract(
        format=cast(Format, top.choice("format", FORMATS)),
        columns=columns,
        csv=_dialect(_Section(top.values.pop("csv", {}), "csv", problems)),
        keys=top.texts("keys"),
        extra_columns=cast(Literal["allow", "refuse"], top.choice("extra_columns", ("refuse", "allow"), "refuse")),
        min_rows=top.count("min_rows", 1),
        tolerance=top.number("tolerance", 0.0, 0.0, 1.0),
        distribution=_distribution(top),
        owner=top.text("owner"),
    )
    top.close()
    problems += _across(contract)
    if problems:
        raise ContractError(problems)
    return contract


def _columns(top: _Section) -> tuple[Column, ...]:
    listed = top.values.pop("columns", None)
    if not isinstance(listed, list) or not listed:
        top.wrong("columns", listed, "must be a list with at least one column")
        return ()
    return tuple(_column(_Section(each, f"columns[{at}]", top.problems)) for at, each in enumerate(listed))


def _column(section: _Section) -> Column:
    name = section.text("name", required=True)
    kind = cast(ColumnType, section.choice("type", TYPES))
    column = Column(
        name=name,
        type=kind,
        nullable=section.flag("nullable", False),
        min=_bound(section, "min", kind),
        max=_bound(section, "max", kind),
        allowed=_allowed(section, kind),
        pattern=_pattern(section, kind),
    )
    section.close()
    if column.min is not None and column.max is not None and column.min > column.max:  # type: ignore[operator]
        section.wrong("min", column.min, f"is above max {column.max!r}: swap them")
    return column


def _bound(section: _Section, name: str, kind: ColumnType) -> Bound | None:
    value = section.values.pop(name, None)
    if value is None:
        return None
    if kind not in ORDERED:
        section.wrong(name, value, f"has no meaning for a {kind} column: remove it")
        return None
    return cast(Bound | None, _typed(section, name, value, kind))


def _allowed(section: _Section, kind: ColumnType) -> tuple[Any, ...]:
    values = section.values.pop("allowed", [])
    if not isinstance(values, list):
        section.wrong("allowed", values, "must be a list of values")
        return ()
    return tuple(_typed(section, f"allowed[{at}]", value, kind) for at, value in enumerate(values))


def _typed(section: _Section, name: str, value: object, kind: ColumnType) -> object:
    """*value* as a value of *kind*; YAML has already made dates of what looks like dates."""
    if kind == "timestamp" and isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - timestamps are compared as UTC wall time
    matches = {
        "integer": type(value) is int,
        "number": type(value) in (int, float),
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "date": isinstance(value, date) and not isinstance(value, datetime),
        "timestamp": isinstance(value, datetime),
    }
    if not matches[kind]:
        section.wrong(name, value, f"must be a {kind}, as the column is" + (": quote it" if kind == "string" else ""))
        return None
    return value


def _pattern(section: _Section, kind: ColumnType) -> str:
    pattern = section.text("pattern")
    if pattern and kind != "string":
        section.wrong("pattern", pattern, f"has no meaning for a {kind} column: remove it")
        return ""
    try:
        re.compile(pattern)
    except re.error as mistake:
        section.wrong("pattern", pattern, f"is not a regular expression: {mistake}")
    if re.search(r"\(\?[=!<](?!P)|\\[1-9]", pattern):
        section.wrong("pattern", pattern, "looks around or back, which RE2 cannot do: use a plain expression")
    return pattern


def _dialect(section: _Section) -> CsvDialect:
    delimiter = section.text("delimiter", ",")
    encoding = section.text("encoding", "utf-8")
    if len(delimiter.encode()) != 1 or delimiter in '"\r\n':
        section.wrong("delimiter", delimiter, "must be one ASCII character, not a quote or a line end")
    try:
        codecs.lookup(encoding)
    except LookupError:
        section.wrong("encoding", encoding, "is not an encoding Python knows: try utf-8 or latin-1")
    dialect = CsvDialect(
        delimiter=delimiter, encoding=encoding, null_values=section.texts("null_values", DEFAULT_NULLS)
    )
    section.close()
    return dialect


def _distribution(top: _Section) -> Distribution | None:
    if "distribution" not in top.values:
        return None
    section = _Section(top.values.pop("distribution"), "distribution", top.problems)
    limit = section.number("psi_limit", 0.0, 0.0) if section.values.get("psi_limit") is not None else None
    section.values.pop("psi_limit", None)
    distribution = Distribution(
        reference=section.text("reference", required=True),
        alpha=section.number("alpha", 0.01, 1e-9, 0.5),
        minimum_sample=section.count("minimum_sample", 100),
        columns=section.texts("columns"),
        psi_limit=limit,
        inconclusive=cast(Literal["pass", "fail"], section.choice("inconclusive", ("pass", "fail"), "pass")),
    )
    section.close()
    return distribution


def _across(contract: DataContract) -> list[str]:
    """What only shows when fields are seen together."""
    names = contract.names
    tested = contract.distribution.columns if contract.distribution else ()
    return [
        *(f"columns: {name!r} appears twice: remove one" for name in sorted({n for n in names if names.count(n) > 1})),
        *(f"keys: {name!r} is not a column: add it to columns" for name in contract.keys if name not in names),
        *(f"distribution.columns: {n!r} is not a column: add it to columns" for n in tested if n not in names),
    ]
