"""The syntax tree of the Bicep subset: expressions and declarations, each with the line it begins on."""

from dataclasses import dataclass, field
from typing import Any

PARAMETER_TYPES = ("string", "int", "bool", "object", "array")


@dataclass(frozen=True, slots=True)
class Literal:
    """A string without interpolation, a whole number, `true`, `false` or `null`."""

    line: int
    value: Any


@dataclass(frozen=True, slots=True)
class Text:
    """A string with `${...}` in it; *parts* are strings and expressions."""

    line: int
    parts: tuple["str | Expression", ...]


@dataclass(frozen=True, slots=True)
class Name:
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    line: int
    base: "Expression"
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    line: int
    base: "Expression"
    key: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    line: int
    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Unary:
    line: int
    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    line: int
    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Choice:
    line: int
    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True, slots=True)
class Entry:
    """*key* is text, or an expression where the key is interpolated."""

    line: int
    key: "str | Text"
    value: "Expression"


@dataclass(frozen=True, slots=True)
class ObjectNode:
    line: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ArrayNode:
    line: int
    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`[for variable in source: body]`, and `if (condition)` before the body where it is a declaration's."""

    line: int
    variable: str
    source: "Expression"
    body: "Expression"
    condition: "Expression | None" = None


Expression = Literal | Text | Name | Member | Index | Call | Unary | Binary | Choice | ObjectNode | ArrayNode | Loop


@dataclass(frozen=True, slots=True)
class Parameter:
    line: int
    name: str
    type: str
    default: Expression | None = None
    decorators: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variable:
    line: int
    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Output:
    line: int
    name: str
    type: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Resource:
    """*body* is an object, or a loop over one; *condition* that of a single resource."""

    line: int
    symbol: str
    type: str
    version: str
    existing: bool
    body: ObjectNode | Loop
    condition: Expression | None = None
    decorators: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Module:
    line: int
    symbol: str
    path: str
    body: ObjectNode | Loop
    condition: Expression | None = None
    decorators: dict[str, Any] = field(default_factory=dict)


Declaration = Parameter | Variable | Output | Resource | Module


@dataclass(frozen=True, slots=True)
class Template:
    """One file; *path* is relative to the folder of the templates."""

    path: str
    scope: str
    declarations: tuple[Declaration, ...]

    def parameters(self) -> dict[str, Parameter]:
        return {entry.name: entry for entry in self.declarations if isinstance(entry, Parameter)}

    def outputs(self) -> dict[str, Output]:
        return {entry.name: entry for entry in self.declarations if isinstance(entry, Output)}
