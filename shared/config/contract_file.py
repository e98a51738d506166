"""A data contract's file: its sections, and the contract that they are together.

`shared.config.contracts` finds the file and its reference profile.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias, cast

from pydantic import Field

from shared.config.fields import Advice, Character, DifferentTexts, Number, Rule, Text, Words
from shared.config.reading import FilePlace, built, nearest
from shared.domain.data.contract_values import (
    Bound,
    ColumnType,
    ValueProblem,
    matches_whole,
    pattern_problem,
    shown,
    typed,
    zoned,
)
from shared.domain.data.data_contract import (
    DEFAULT_NULLS,
    ORDERED,
    Column,
    CsvDialect,
    DataContract,
    DataRule,
    Distribution,
    ExtraColumns,
    Format,
    Inconclusive,
)
from shared.domain.project_functions import NAME, ProjectFunction
from shared.validation.rules import Whole

RULE_SECONDS, RULE_MEMORY_MB = 120.0, 256  # Of all rows of a check: about a million in a minute.
_NO_CHARSETS = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape")  # Codecs of Python's own.


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar(Rule):
    """A single value; what the column's type asks of it is checked with the column."""

    forms: tuple[type, ...]
    published: tuple[str, ...]
    described: str = ""

    @property
    def expected(self) -> str:
        return f"a {' or a '.join(self.published)}"

    def read(self, value: Any) -> Any:
        if not isinstance(value, self.forms) or (isinstance(value, bool) and bool not in self.forms):
            raise ValueError(self.expected)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": list(self.published), **({"description": self.described} if self.described else {})}


_MEANING = "a value of the column's type; days and moments as ISO 8601"
BoundValue: TypeAlias = Annotated[
    Any, Scalar(forms=(int, float, str), published=("number", "string"), described=_MEANING)
]
AllowedValue: TypeAlias = Annotated[
    Any, Scalar(forms=(int, float, str, bool), published=("number", "string", "boolean"))
]
RowCount: TypeAlias = Annotated[int, Whole(least=0, most=2**63 - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSection:
    """One column; *min* and *max* are inclusive, *pattern* matches the whole value."""

    name: Text
    type: ColumnType
    nullable: Annotated[bool, Advice("write true or false")] = False
    min: BoundValue | None = None
    max: BoundValue | None = None
    allowed: (
        Annotated[tuple[AllowedValue, ...], Field(min_length=1), Advice("list the values, or leave it out")] | None
    ) = None
    pattern: Annotated[str, Words(described="RE2; it matches the whole value")] | None = None
    field: Annotated[int, Whole(least=-10_000, most=10_000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSection:
    """How CSV is written; *null_values* are the unquoted texts that mean "no value"."""

    delimiter: Annotated[
        str, Character(refused='"\r\n\0', expected="one ASCII character, not a quote or a line end")
    ] = ","
    encoding: Text = "utf-8"
    null_values: Annotated[
        tuple[str, ...],
        Field(json_schema_extra={"uniqueItems": True}),
        Advice("write a list of texts, quoted where YAML reads something else"),
    ] = DEFAULT_NULLS
    header: Annotated[bool, Advice("write true or false")] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionSection:
    """What arrivals are compared with, and from which distance they fail."""

    reference: Text
    alpha: Annotated[float, Number(least=1e-9, most=0.5)] | None = None
    effect: Annotated[float, Number(most=1)] | None = None
    minimum_sample: RowCount | None = None
    columns: DifferentTexts = ()
    psi_limit: Annotated[float, Number()] | None = None
    inconclusive: Inconclusive = "pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSection:
    """A rule of the project's own: which function judges a row, which columns it gets, and what it may take."""

    function: Annotated[
        str,
        Words(
            pattern=NAME.pattern,
            expected="FILE.py:FUNCTION, with the file's path from the contract",
            described="FILE.py:FUNCTION, from the contract's folder",
        ),
    ]
    columns: DifferentTexts = ()
    options: Annotated[dict[str, Any], Advice("write a mapping")] = field(default_factory=dict)
    seconds: Annotated[float, Number(least=0.1, most=300)] | None = None
    memory_mb: Annotated[int, Whole(least=64, most=4096)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSection:
    """The fields of a data contract."""

    format: Format
    csv: CsvSection = field(default_factory=CsvSection)
    owner: str = ""
    min_rows: RowCount = 1
    tolerance: Annotated[float, Number(most=1), Advice("write a number from 0 to 1")] = 0.0
    extra_columns: ExtraColumns = "refuse"
    columns: Annotated[tuple[ColumnSection, ...], Field(min_length=1), Advice("list at least one column")]
    keys: DifferentTexts = ()
    distribution: DistributionSection | None = None
    rules: tuple[RuleSection, ...] = ()


def contract_of(section: ContractSection, place: FilePlace) -> DataContract:
    """The contract; where the report of *place* has errors it is incomplete and must not be used."""
    columns = tuple(_column(column, place.inside(f"columns[{at}]")) for at, column in enumerate(section.columns))
    csv, rule = section.csv, section.distribution
    distribution = built(Distribution, rule) if rule else None
    contract = built(
        DataContract,
        section,
        columns=columns,
        csv=built(CsvDialect, csv),
        distribution=distribution,
        rules=tuple(map(_rule, section.rules)),
    )
    _check_names(contract, place)
    _check_fields(contract, place)
    _check_rules(contract, place)
    known_charset = _is_charset(csv.encoding)
    if not known_charset:
        remedy = "write a character set that Python knows, like utf-8, latin-1 or cp1252"
        place.fail("csv.encoding", f"is {shown(csv.encoding)}", remedy)
    elif contract.format == "csv":
        for path, text in _unwritable(contract):
            problem = f"is {shown(text)}, which {contract.csv.encoding} cannot say"
            place.fail(path, problem, "name the encoding of the files in `csv`")
    return contract


def _rule(section: RuleSection) -> DataRule:
    file, _, name = section.function.rpartition(":")
    limits = {"seconds": section.seconds or RULE_SECONDS, "memory_mb": section.memory_mb or RULE_MEMORY_MB}
    function = ProjectFunction(file=file, function=name, **limits)  # type: ignore[arg-type]  # Of both types.
    return DataRule(function=function, columns=section.columns, options=section.options)


def _check_rules(contract: DataContract, place: FilePlace) -> None:
    names = list[str]()
    for at, rule in enumerate(contract.rules):
        inside = place.inside(f"rules[{at}]")
        if rule.function.name in names:
            inside.fail("function", f"is {rule.function.name!r}, which is there twice", "keep one of the two")
        names.append(rule.function.name)
        for column_at, name in enumerate(rule.columns):
            if name not in contract.names:
                inside.fail(f"columns[{column_at}]", f"is {name!r}, which is no column", nearest(name, contract.names))


def _check_fields(contract: DataContract, place: FilePlace) -> None:
    """Without a header every column says which field it is, and only then."""
    headless, fields = contract.format == "csv" and not contract.csv.header, dict[int, str]()
    for at, column in enumerate(contract.columns):
        inside = place.inside(f"columns[{at}]")
        if headless and not column.field:
            inside.fail("field", "is missing", "number the fields from 1, or from -1 for the last: there is no header")
        elif not headless and column.field:
            inside.fail(
                "field", f"is {column.field}, and the files have a header", "remove it, or write csv.header: false"
            )
        elif headless and (first := fields.setdefault(column.field, column.name)) != column.name:
            inside.fail("field", f"is {column.field}, as that of {first}", "name each field once")


def _column(section: ColumnSection, place: FilePlace) -> Column:
    """The column, without what is wrong with its values."""
    if place.is_faulty("type"):  # What its values must be is not known.
        return Column(name=section.name, type=section.type)
    low, high = _bounds(section, place)
    column = Column(
        name=section.name,
        type=section.type,
        nullable=section.nullable,
        min=low,
        max=high,
        allowed=_allowed(section, place),
        pattern=_pattern(section, place),
        field=section.field or 0,
    )
    _check_allowed(column, place)
    return column


def _bounds(section: ColumnSection, place: FilePlace) -> tuple[Bound | None, Bound | None]:
    low, high = (_bound(name, getattr(section, name), section.type, place) for name in ("min", "max"))
    if low is None or high is None:
        return low, high
    # Python cannot compare a time with a zone to one without, so both bounds need one or neither does.
    if section.type == "timestamp" and zoned(section.min) != zoned(section.max):
        (name, value), other_name = (
            (("min", section.min), "max") if zoned(section.max) else (("max", section.max), "min")
        )
        place.fail(name, f"is {shown(value)}, without a zone, and {other_name} has one", "write both alike")
    elif low > high:  # type: ignore[operator]  # Both are of the column's type.
        place.fail("min", f"is {shown(section.min)}, above max {shown(section.max)}", "swap them")
    return low, high


def _bound(name: str, value: Any, kind: ColumnType, place: FilePlace) -> Bound | None:
    if value is not None and kind not in ORDERED:
        place.fail(name, f"has no meaning for a {kind}", "remove it")
        return None
    return cast(Bound | None, _typed(name, value, kind, place))


def _typed(name: str, value: Any, kind: ColumnType, place: FilePlace) -> object:
    """*value* as one of the column's type, None where it is missing or none of them."""
    try:
        return None if value is None else typed(value, kind)
    except ValueProblem as mistake:
        place.fail(name, mistake.problem, mistake.remedy)
        return None


def _allowed(section: ColumnSection, place: FilePlace) -> tuple[Any, ...]:
    values = [_typed(f"allowed[{at}]", value, section.type, place) for at, value in enumerate(section.allowed or ())]
    for at, value in enumerate(values):
        if value is not None and value in values[:at]:
            place.fail(f"allowed[{at}]", f"is {shown(value)} again", "keep one of the two")
    return tuple(value for value in values if value is not None)


def _check_allowed(column: Column, place: FilePlace) -> None:
    """An allowed value that another rule of the column refuses would never be taken."""
    for at, value in enumerate(column.allowed):
        if column.min is not None and value < column.min:
            place.fail(f"allowed[{at}]", f"is {shown(value)}, below min", "remove it, or lower min")
        if column.max is not None and value > column.max:
            place.fail(f"allowed[{at}]", f"is {shown(value)}, above max", "remove it, or raise max")
        if column.pattern and not matches_whole(column.pattern, value):
            place.fail(f"allowed[{at}]", f"is {shown(value)}, which does not match the pattern", "let them agree")


def _pattern(section: ColumnSection, place: FilePlace) -> str:
    """The pattern, empty where it cannot be used."""
    if not section.pattern:
        return ""
    if section.type != "string":
        place.fail("pattern", f"has no meaning for a {section.type}", "remove it")
        return ""
    problem = pattern_problem(section.pattern)
    if problem:
        remedy = "write RE2's syntax: no look-around, no back-references, repetitions up to 1000"
        place.fail("pattern", f"is {shown(section.pattern)}, which RE2 refuses ({problem})", remedy)
    return "" if problem else section.pattern


def _check_names(contract: DataContract, place: FilePlace) -> None:
    """That no name is there twice, and that every column which a rule names is one of the contract."""
    for at, name in enumerate(contract.names):
        if name and name in contract.names[:at]:
            place.fail(f"columns[{at}].name", f"is {name!r} again", "remove one")
    compared_columns = contract.distribution.columns if contract.distribution else ()
    for path, names in (("keys", contract.keys), ("distribution.columns", compared_columns)):
        for at, name in enumerate(names):
            if contract.names and name not in contract.names:  # Without any, the columns have a finding of their own.
                place.fail(f"{path}[{at}]", f"is {name!r}, no column", "add it to columns, or mend its name")
        _refuse_repeats(path, names, place)
    _refuse_repeats("csv.null_values", contract.csv.null_values, place)


def _refuse_repeats(path: str, texts: tuple[str, ...], place: FilePlace) -> None:
    for text in sorted({text for text in texts if texts.count(text) > 1}):
        place.fail(path, f"has {shown(text)} twice", "keep one of the two")


def _is_charset(name: str) -> bool:
    """Whether *name* is a character set: a codec between text and bytes that writes a line of CSV as it is."""
    try:
        codec = codecs.lookup(name)
        plain = "a,1\n".encode(name).decode(name) == "a,1\n"
    except (LookupError, ValueError, TypeError, AssertionError):  # As codecs between bytes raise.
        return False
    return plain and codec.name.replace("-", "_") not in _NO_CHARSETS


def _unwritable(contract: DataContract) -> Iterator[tuple[str, str]]:
    """The names and allowed values that the character set of the files has no bytes for, by their paths."""
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
            yield path, text
