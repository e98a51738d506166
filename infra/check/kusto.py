"""Read the part of KQL that our queries use: a let, a pipeline of operators, expressions. The rest is an error.

Operators: where, extend, project, summarize, order by, top, join, union, count, take, render, distinct.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from infra.check.findings import Place, TemplateError

_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*)|(?P<string>\"[^\"\n]*\"|'[^'\n]*')|(?P<span>\d+(\.\d+)?(ms|s|m|h|d)\b)"
    r"|(?P<number>\d+(\.\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>==|!=|=~|!~|<=|>=|[|;,()\[\]=<>+\-*/%.])"
)
_WORDS = {"and": 1, "or": 0, "in": 2, "contains": 2, "has": 2, "startswith": 2}
_SIGNS = {"==": 2, "!=": 2, "=~": 2, "!~": 2, "<": 2, ">": 2, "<=": 2, ">=": 2, "+": 3, "-": 3, "*": 4, "/": 4, "%": 4}
FUNCTIONS = frozenset(
    [
        "ago",
        "now",
        "bin",
        "count",
        "countif",
        "dcount",
        "sum",
        "sumif",
        "avg",
        "max",
        "min",
        "maxif",
        "arg_max",
        "arg_min",
        "iff",
        "isempty",
        "isnotempty",
        "isnotnull",
        "tostring",
        "todouble",
        "toint",
        "tolong",
        "totimespan",
        "datetime_diff",
        "percentile",
        "format_timespan",
        "coalesce",
        "round",
        "strcat",
        "make_list",
        "make_set",
        "dynamic",
        "startofday",
        "extract",
    ]
)
_COMMON = ("timestamp", "operation_Id", "operation_Name", "cloud_RoleName", "customDimensions", "itemType")
TABLES = {
    "customMetrics": (*_COMMON, "name", "value", "valueCount", "valueSum", "valueMin", "valueMax", "valueStdDev"),
    "dependencies": (
        *_COMMON,
        "id",
        "operation_ParentId",
        "name",
        "target",
        "type",
        "duration",
        "success",
        "resultCode",
    ),
    "requests": (*_COMMON, "id", "operation_ParentId", "name", "url", "duration", "success", "resultCode"),
    "traces": (*_COMMON, "message", "severityLevel"),
    "exceptions": (*_COMMON, "type", "outerMessage", "problemId"),
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


@dataclass(slots=True)
class Query:
    """What a query names: *metrics* are compared with `name`, *attributes* are read from customDimensions."""

    tables: set[str] = field(default_factory=set)
    metrics: set[str] = field(default_factory=set)
    attributes: dict[str, int] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)


def read(text: str, file: str) -> Query:
    """Raises TemplateError at the first thing that is not in the subset, or names no column of the table."""
    return _Reader(text, file).query()


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self._file, self._at, self._query = file, 0, Query()
        self._tokens = list(_tokens(text, file))
        self._lets, self._columns = dict[str, set[str]](), set[str]()

    def query(self) -> Query:
        while self._sees("let"):
            self._take()
            name = self._name()
            self._expect("=")
            self._columns = set()
            if self._token.text in TABLES or self._sees("union"):
                self._pipeline()
            else:
                self._expression(0)
            self._lets[name] = self._columns
            self._expect(";")
        self._pipeline()
        if self._token.kind != "end":
            raise self._error(f"{self._token.text!r} is too much")
        self._query.columns = self._columns
        return self._query

    # Tokens.

    @property
    def _token(self) -> _Token:
        return self._tokens[self._at]

    def _error(self, problem: str) -> TemplateError:
        return TemplateError(Place(self._file, self._token.line), problem, "query")

    def _sees(self, *texts: str) -> bool:
        return self._token.kind in ("sign", "name") and self._token.text in texts

    def _take(self) -> _Token:
        token = self._token
        self._at += 1
        return token

    def _accept(self, text: str) -> bool:
        if self._sees(text):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._error(f"expected {text!r} and not {self._token.text or 'the end'!r}")

    def _name(self) -> str:
        if self._token.kind != "name":
            raise self._error(f"expected a name and not {self._token.text!r}")
        return self._take().text

    # Pipelines.

    def _pipeline(self) -> None:
        self._source()
        while self._accept("|"):
            self._operator()

    def _source(self) -> None:
        if self._accept("union"):
            self._table()
            while self._accept(","):
                self._table(joined=True)
            return
        self._table()

    def _table(self, *, joined: bool = False) -> None:
        name = self._name()
        if name in self._lets:
            self._columns = (self._columns if joined else set()) | self._lets[name]
            return
        if name not in TABLES:
            raise self._error(f"{name} is no table of Application Insights that is known here")
        self._query.tables.add(name)
        self._columns = (self._columns if joined else set()) | set(TABLES[name])

    def _operator(self) -> None:
        operator = self._name()
        match operator:
            case "where":
                self._expression(0)
            case "extend":
                self._columns |= set(self._assignments())
            case "project" | "distinct":
                self._columns = set(self._assignments())
            case "summarize":
                self._summarize()
            case "order" | "top":
                self._order(operator)
            case "join":
                self._join()
            case "take":
                self._expression(0)
            case "render":
                self._name()
            case "count":
                self._columns = {"Count"}
            case _:
                raise self._error(f"operator {operator} is not in the subset")

    def _summarize(self) -> None:
        columns = set(self._assignments())
        if self._accept("by"):
            columns |= set(self._assignments())
        self._columns = columns

    def _order(self, operator: str) -> None:
        if operator == "top":
            self._expression(0)
        self._expect("by")
        self._expression(0)
        while self._sees("asc", "desc") or self._accept(","):
            if self._sees("asc", "desc"):
                self._take()
            else:
                self._expression(0)

    def _join(self) -> None:
        if self._accept("kind"):
            self._expect("=")
            self._name()
        before = set(self._columns)
        self._expect("(")
        self._pipeline()
        self._expect(")")
        self._expect("on")
        self._columns |= before
        self._expression(0)

    def _assignments(self) -> list[str]:
        """The columns that `name = expression`, expressions without a name, and `arg_max` make."""
        names = list(self._assignment())
        while self._accept(","):
            names += self._assignment()
        return names

    def _assignment(self) -> Iterator[str]:
        first, following = self._token, self._tokens[self._at + 1]
        if first.kind == "name" and following.text == "=":
            self._at += 2
            self._expression(0)
            yield first.text
            return
        start = self._at
        self._expression(0)
        arguments = [token.text for token in self._tokens[start + 2 : self._at] if token.kind == "name"]
        if first.text in ("arg_max", "arg_min"):
            yield from arguments
        elif first.text == "bin":
            yield arguments[0]
        else:
            yield f"{first.text}_" if following.text == "(" else first.text

    # Expressions.

    def _expression(self, least: int) -> None:
        self._operand()
        while True:
            token = self._token
            level = (
                _SIGNS.get(token.text)
                if token.kind == "sign"
                else _WORDS.get(token.text)
                if token.kind == "name"
                else None
            )
            if level is None or level < least:
                return
            left = self._tokens[self._at - 1].text
            self._take()
            start = self._at
            if token.text == "in":
                self._arguments()
            else:
                self._expression(level + 1)
            if left == "name" and token.text in ("==", "in"):
                strings = (part.text for part in self._tokens[start : self._at] if part.kind == "string")
                self._query.metrics |= {text[1:-1] for text in strings}

    def _operand(self) -> None:
        token = self._take()
        if token.kind in ("string", "number", "span"):
            return
        if token.text == "-":
            self._operand()
        elif token.text == "(":
            self._expression(0)
            self._expect(")")
        elif token.kind == "name" and self._sees("("):
            if token.text not in FUNCTIONS:
                raise TemplateError(
                    Place(self._file, token.line), f"function {token.text} is not in the subset", "query"
                )
            self._arguments()
        elif token.kind == "name":
            self._column(token)
        else:
            raise TemplateError(
                Place(self._file, token.line), f"expected a value and not {token.text or 'the end'!r}", "query"
            )

    def _arguments(self) -> None:
        self._expect("(")
        while not self._sees(")"):
            if self._sees("*"):
                self._take()
            else:
                self._expression(0)
            if not self._accept(",") and not self._sees(")"):
                raise self._error(f"expected ',' or ')' and not {self._token.text or 'the end'!r}")
        self._take()

    def _column(self, token: _Token) -> None:
        if token.text in ("true", "false", "null"):
            return
        if token.text not in self._columns and token.text not in self._lets:
            raise TemplateError(Place(self._file, token.line), f"{token.text} is no column here", "query")
        while self._sees("[", "."):
            sign = self._take().text
            part = self._take()
            if part.kind not in ("string", "name"):
                raise self._error(f"expected an attribute and not {part.text!r}")
            if sign == "[":
                self._expect("]")
            if token.text == "customDimensions":
                self._query.attributes[part.text.strip("\"'")] = part.line


def _tokens(text: str, file: str) -> Iterator[_Token]:
    position, line = 0, 1
    while position < len(text):
        sign = _TOKEN.match(text, position)
        if sign is None:
            raise TemplateError(Place(file, line), f"{text[position]!r} is not in the subset", "query")
        if sign.lastgroup != "space":
            yield _Token(str(sign.lastgroup), sign.group(), line)
        line += sign.group().count("\n")
        position = sign.end()
    yield _Token("end", "", line)
