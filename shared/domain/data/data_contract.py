"""A data contract: what a file must look like before a model scores it or learns from it.

Parsing reports every mistake at once. It reads no file and knows no vendor; `shared.config.contracts` reads the file.
"""

import codecs
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from shared.domain.data.contract_values import (
    TYPES,
    Bound,
    ColumnType,
    ValueProblem,
    matches_whole,
    pattern_problem,
    shown,
    typed,
    zoned,
)

Format = Literal["csv", "jsonl", "parquet"]
FORMATS = ("csv", "jsonl", "parquet")
ORDERED = ("integer", "number", "date", "timestamp")
DEFAULT_NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
_NO_CHARSETS = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape")  # Codecs of Python's own.


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractProblem:
    """*field* is a path like `columns[2].max`, empty for the contract as a whole."""

    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.field or 'the contract'}: {self.problem}; {self.remedy}"


class ContractError(ValueError):
    """Everything that is wrong with a contract, in *problems*."""

    def __init__(self, problems: Sequence[ContractProblem]) -> None:
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
    """A mapping read field by field; what is wrong is collected, never raised. *about* names its column."""

    def __init__(self, value: object, where: str, problems: list[ContractProblem]) -> None:
        self.problems, self.where, self.about = problems, where, ""
        if not isinstance(value, Mapping):
            self.wrong("", value, "write a mapping")
            value = {}
        self.values = dict(value)

    def wrong(self, name: str, value: object, remedy: str) -> None:
        self.fail(name, f"is {shown(value)}", remedy)

    def fail(self, name: str, problem: str, remedy: str) -> None:
        path = ".".join(part for part in (self.where, name) if part)
        self.problems.append(ContractProblem(field=path, problem=f"{self.about}{problem}", remedy=remedy))

    def text(self, name: str, default: str | None = "") -> str:
        """A text; without a default it has to be there, and not empty."""
        value = self.values.pop(name, default)
        if value is None:
            self.fail(name, "is missing", "give a text")
            return ""
        if not isinstance(value, str) or (default is None and not value.strip()):
            self.wrong(name, value, "write a text, quoted where YAML reads something else")
            return default or ""
        return value

    def choice(self, name: str, options: Sequence[str], default: str = "") -> str:
        value = self.values.pop(name, default)
        if value not in options:
            problem = f"is {shown(value)}" if value else "is missing"
            self.fail(name, problem, f"use one of {', '.join(options)}")
            return options[0]
        return cast(str, value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.values.pop(name, default)
        if not isinstance(value, bool):
            self.wrong(name, value, "write true or false")
            return default
        return value

    def number(self, name: str, default: float, low: float, high: float = math.inf) -> float:
        value = self.values.pop(name, default)
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        if not fits or math.isinf(value):
            self.wrong(name, value, f"write a number from {low:g}" + (f" to {high:g}" if high < math.inf else ""))
            return default
        return cast(float, value)

    def count(self, name: str, default: int) -> int:
        value = self.values.pop(name, default)
        if type(value) is not int or not 0 <= value < 2**63:
            self.wrong(name, value, "write a whole number, 0 or more")
            return default
        return value

    def texts(self, name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        value = self.values.pop(name, list(default))
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            self.wrong(name, value, "write a list of texts, quoted where YAML reads something else")
            return tuple(default)
        for text in sorted({text for text in value if list(value).count(text) > 1}):
            self.fail(name, f"has {shown(text)} twice", "keep one of the two")
        return tuple(value)

    def close(self) -> None:
        for name in self.values:
            self.fail(str(name), "is not a field of a data contract", "remove it, or mend its name")


def parse_contract(mapping: object) -> DataContract:
    """The contract that *mapping* (a parsed YAML document) describes; ContractError lists everything wrong in it."""
    problems: list[ContractProblem] = []
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
    columns = top.values.pop("columns", None)
    if columns is None:
        top.fail("columns", "is missing", "list at least one column")
        return ()
    if not isinstance(columns, list) or not columns:
        top.wrong("columns", columns, "list at least one column")
        return ()
    return tuple(_column(_Section(column, f"columns[{at}]", top.problems)) for at, column in enumerate(columns))


def _column(section: _Section) -> Column:
    name = section.text("name", None)
    section.about = f"of column {name} " if name else ""
    kind = cast(ColumnType, section.choice("type", TYPES))
    low, high = _bounds(section, kind)
    column = Column(
        name=name,
        type=kind,
        nullable=section.flag("nullable", False),
        min=low,
        max=high,
        allowed=_allowed(section, kind),
        pattern=_pattern(section, kind),
    )
    section.close()
    _check_allowed(section, column)
    return column


def _bounds(section: _Section, kind: ColumnType) -> tuple[Bound | None, Bound | None]:
    values = {name: section.values.pop(name, None) for name in ("min", "max")}
    bounds = {name: None if value is None else _bound(section, name, value, kind) for name, value in values.items()}
    low, high = bounds["min"], bounds["max"]
    if low is None or high is None:
        return low, high
    if kind == "timestamp" and zoned(values["min"]) != zoned(values["max"]):
        zoned_field, zoneless_field = ("max", "min") if zoned(values["max"]) else ("min", "max")
        section.fail(
            zoneless_field,
            f"is {shown(values[zoneless_field])}, without a zone, and {zoned_field} has one",
            "write both alike",
        )
    elif low > high:  # type: ignore[operator]  # Both are of the column's type.
        section.fail("min", f"is {shown(values['min'])}, above max {shown(values['max'])}", "swap them")
    return low, high


def _bound(section: _Section, name: str, value: object, kind: ColumnType) -> Bound | None:
    if kind not in ORDERED:
        section.fail(name, f"has no meaning for a {kind}", "remove it")
        return None
    return cast(Bound | None, _typed(section, name, value, kind))


def _typed(section: _Section, name: str, value: object, kind: ColumnType) -> object:
    try:
        return typed(value, kind)
    except ValueProblem as mistake:
        section.fail(name, mistake.problem, mistake.remedy)
        return None


def _allowed(section: _Section, kind: ColumnType) -> tuple[Any, ...]:
    if "allowed" not in section.values:
        return ()
    values = section.values.pop("allowed")
    if not isinstance(values, list | tuple) or not values:
        section.wrong("allowed", values, "list the values, or leave it out")
        return ()
    allowed = [_typed(section, f"allowed[{at}]", value, kind) for at, value in enumerate(values)]
    for at, value in enumerate(allowed):
        if value is not None and value in allowed[:at]:
            section.fail(f"allowed[{at}]", f"is {shown(value)} again", "keep one of the two")
    return tuple(value for value in allowed if value is not None)


def _check_allowed(section: _Section, column: Column) -> None:
    """An allowed value that another rule of the column refuses would never be taken."""
    runs = bool(column.pattern) and column.type == "string" and not pattern_problem(column.pattern)
    for at, value in enumerate(column.allowed):
        if column.min is not None and value < column.min:
            section.fail(f"allowed[{at}]", f"is {shown(value)}, below min", "remove it, or lower min")
        if column.max is not None and value > column.max:
            section.fail(f"allowed[{at}]", f"is {shown(value)}, above max", "remove it, or raise max")
        if runs and not matches_whole(column.pattern, value):
            section.fail(f"allowed[{at}]", f"is {shown(value)}, which does not match the pattern", "let them agree")


def _pattern(section: _Section, kind: ColumnType) -> str:
    if "pattern" not in section.values:
        return ""
    pattern = section.text("pattern", None)
    if pattern and kind != "string":
        section.fail("pattern", f"has no meaning for a {kind}", "remove it")
        return ""
    if pattern and (problem := pattern_problem(pattern)):
        remedy = "write RE2's syntax: no look-around, no back-references, repetitions up to 1000"
        section.fail("pattern", f"is {shown(pattern)}, which RE2 refuses ({problem})", remedy)
    return pattern


def _dialect(section: _Section) -> CsvDialect:
    delimiter = section.text("delimiter", ",")
    encoding = section.text("encoding", "utf-8")
    if len(delimiter.encode(errors="replace")) != 1 or delimiter in '"\r\n\0':
        section.wrong("delimiter", delimiter, "write one ASCII character, not a quote or a line end")
    if not _is_charset(encoding):
        section.wrong("encoding", encoding, "write a character set that Python knows, like utf-8, latin-1 or cp1252")
    nulls = section.texts("null_values", DEFAULT_NULLS)
    section.close()
    return CsvDialect(delimiter=delimiter, encoding=encoding, null_values=nulls)


def _is_charset(name: str) -> bool:
    """Whether *name* is a character set: a codec between text and bytes that says a line of CSV as it is."""
    try:
        codec = codecs.lookup(name)
        plain = "a,1\n".encode(name).decode(name) == "a,1\n"
    except (
        LookupError,
        ValueError,
        TypeError,
        AssertionError,
    ):  # As codecs between bytes do.
        return False
    return plain and codec.name.replace("-", "_") not in _NO_CHARSETS


def _distribution(top: _Section) -> Distribution | None:
    if top.values.get("distribution") is None:
        top.values.pop("distribution", None)
        return None
    section = _Section(top.values.pop("distribution"), "distribution", top.problems)
    limit = section.number("psi_limit", 0.0, 0.0) if section.values.get("psi_limit") is not None else None
    section.values.pop("psi_limit", None)
    distribution = Distribution(
        reference=section.text("reference", None),
        alpha=section.number("alpha", 0.01, 1e-9, 0.5),
        minimum_sample=section.count("minimum_sample", 100),
        columns=section.texts("columns"),
        psi_limit=limit,
        inconclusive=cast(Literal["pass", "fail"], section.choice("inconclusive", ("pass", "fail"), "pass")),
    )
    section.close()
    return distribution


def _across(contract: DataContract) -> Iterator[ContractProblem]:
    """What only shows when fields are seen together."""
    names = set(contract.names)
    for at, name in enumerate(contract.names):
        if name and name in contract.names[:at]:
            yield ContractProblem(field=f"columns[{at}].name", problem=f"is {name!r} again", remedy="remove one")
    tested = contract.distribution.columns if contract.distribution else ()
    for field_name, names_listed in (("keys", contract.keys), ("distribution.columns", tested)):
        for at, name in enumerate(names_listed):
            if name not in names:
                remedy = "add it to columns, or mend its name"
                yield ContractProblem(field=f"{field_name}[{at}]", problem=f"is {name!r}, no column", remedy=remedy)
    if contract.format == "csv" and _is_charset(contract.csv.encoding):
        yield from _unwritable(contract)


def _unwritable(contract: DataContract) -> Iterator[ContractProblem]:
    """What the character set of the files cannot say, and so will never be in one."""
    texts = [(f"columns[{at}].name", column.name) for at, column in enumerate(contract.columns)]
    texts += [
        (f"columns[{at}].allowed[{value_at}]", value)
        for at, column in enumerate(contract.columns)
        for value_at, value in enumerate(column.allowed)
        if isinstance(value, str)
    ]
    for path, text in texts:
        try:
            text.encode(contract.csv.encoding)
        except UnicodeError:
            problem = f"is {shown(text)}, which {contract.csv.encoding} cannot say"
            yield ContractProblem(field=path, problem=problem, remedy="name the encoding of the files in `csv`")
