"""Expressions of the Kusto Query Language, read and computed on a row: comparisons, `in`, and a few functions.

Language: https://learn.microsoft.com/kusto/query/. What is not read here is refused, never guessed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from signalbox.emulators.azure_monitor.timespans import moment

Row = Mapping[str, Any]
Value = Callable[[Row], Any]

_TOKENS = re.compile(
    r"""\s*(?:
    (?P<span>\d+(?:ms|[smhd])\b) | (?P<number>\d+(?:\.\d+)?) | (?P<word>[A-Za-z_]\w*)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*') | (?P<sign>==|!=|=~|!~|<=|>=|\.\.|[<>=(),|[\]])
    )""",
    re.VERBOSE,
)
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class QueryError(Exception):
    """*kind* is SyntaxError or SemanticError, *code* Kusto's own."""

    def __init__(self, kind: str, code: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.code = kind, code


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str


class Tokens:
    """The words of a query, read once from left to right."""

    def __init__(self, query: str) -> None:
        self._tokens = list(_tokens(query))
        self._next = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else Token("end", "")

    def take(self) -> Token:
        token = self.next
        self._next += 1
        return token

    def accept(self, *texts: str) -> bool:
        """Take the next word if it is one of *texts*."""
        is_one = self.next.kind in ("word", "sign") and self.next.text in texts
        self._next += is_one
        return is_one

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise syntax_error(self.next.text or "end of query")

    def name(self) -> str:
        if self.next.kind != "word":
            raise syntax_error(self.next.text or "end of query")
        return self.take().text


def syntax_error(token: str) -> QueryError:
    return QueryError("SyntaxError", "SYN0002", f"Query could not be parsed at '{token}'")


def semantic_error(message: str) -> QueryError:
    return QueryError("SemanticError", "SEM0100", message)


def column(name: str, columns: Mapping[str, str]) -> str:
    """*name*, if it is a column. Raises QueryError."""
    if name not in columns:
        raise semantic_error(f"Failed to resolve column or scalar expression named '{name}'")
    return name


def condition(tokens: Tokens, columns: Mapping[str, str]) -> Value:
    """`A or B and C`, where each part is a comparison. Raises QueryError."""
    parts = [_conjunction(tokens, columns)]
    while tokens.accept("or"):
        parts.append(_conjunction(tokens, columns))
    return lambda row: any(part(row) for part in parts)


def _conjunction(tokens: Tokens, columns: Mapping[str, str]) -> Value:
    parts = [_comparison(tokens, columns)]
    while tokens.accept("and"):
        parts.append(_comparison(tokens, columns))
    return lambda row: all(part(row) for part in parts)


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda first, second: first == second,
    "!=": lambda first, second: first != second,
    "=~": lambda first, second: str(first).lower() == str(second).lower(),
    "!~": lambda first, second: str(first).lower() != str(second).lower(),
    # Null is neither smaller nor larger than anything.
    "<": lambda first, second: None not in (first, second) and first < second,
    "<=": lambda first, second: None not in (first, second) and first <= second,
    ">": lambda first, second: None not in (first, second) and first > second,
    ">=": lambda first, second: None not in (first, second) and first >= second,
}


def _comparison(tokens: Tokens, columns: Mapping[str, str]) -> Value:
    if tokens.accept("("):
        inner = condition(tokens, columns)
        tokens.expect(")")
        return inner
    if tokens.next.text == "not":
        tokens.take()
        tokens.expect("(")
        negated = condition(tokens, columns)
        tokens.expect(")")
        return lambda row: not negated(row)
    left = scalar(tokens, columns)
    if tokens.accept("in"):
        members = arguments(tokens, columns)
        return lambda row: left(row) in [member(row) for member in members]
    sign = tokens.next.text
    if sign not in _COMPARE:
        return left  # A function that says true or false.
    tokens.take()
    right, compare = scalar(tokens, columns), _COMPARE[sign]
    return lambda row: compare(left(row), right(row))


def arguments(tokens: Tokens, columns: Mapping[str, str]) -> list[Value]:
    """The values in brackets, separated by commas."""
    tokens.expect("(")
    values = [scalar(tokens, columns)]
    while tokens.accept(","):
        values.append(scalar(tokens, columns))
    tokens.expect(")")
    return values


def scalar(tokens: Tokens, columns: Mapping[str, str]) -> Value:
    """A constant, a column or a call. Raises QueryError."""
    token = tokens.take()
    if token.kind == "text":
        text = re.sub(r"\\(.)", r"\1", token.text[1:-1])
        return lambda _: text
    if token.kind == "number":
        number = float(token.text) if "." in token.text else int(token.text)
        return lambda _: number
    if token.kind == "span":
        seconds = seconds_of(token)
        return lambda _: seconds
    if token.kind != "word":
        raise syntax_error(token.text or "end of query")
    if tokens.next.text != "(":
        name = column(token.text, columns)
        return _member(name, tokens, columns) if tokens.accept("[") else lambda row: row[name]
    return _call(token.text, tokens, columns)


def _member(name: str, tokens: Tokens, columns: Mapping[str, str]) -> Value:
    """`column["key"]` of a dynamic column; null where it has no such key."""
    key = tokens.take()
    if key.kind != "text" or columns[name] != "dynamic":
        raise syntax_error(key.text or "end of query")
    tokens.expect("]")
    text = key.text[1:-1]
    return lambda row: row[name].get(text)


def seconds_of(token: Token) -> float:
    """The length of a literal such as `1m`."""
    number, unit = re.fullmatch(r"(\d+)(\w+)", token.text).groups()  # type: ignore[union-attr]
    return int(number) * _UNITS_S[unit]


def _call(name: str, tokens: Tokens, columns: Mapping[str, str]) -> Value:
    values = arguments(tokens, columns)
    first = values[0]
    if name not in _FUNCTIONS or len(values) != 1:
        raise semantic_error(f"Unknown function: '{name}'")
    function = _FUNCTIONS[name]
    return lambda row: function(first(row))


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _moment(value: Any) -> float | None:
    try:
        return moment(str(value))
    except ValueError:
        return None


_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "toint": _whole,
    "isempty": lambda value: value in (None, ""),
    "isnotempty": lambda value: value not in (None, ""),
    "todatetime": _moment,
    "tolower": lambda value: str(value).lower(),
    "tostring": lambda value: "" if value is None else str(value),
}


def _tokens(query: str) -> list[Token]:
    tokens, position = list[Token](), 0
    query = re.sub(r"(?m)^\s*//.*$", "", query).rstrip()
    while position < len(query):
        match = _TOKENS.match(query, position)
        if match is None or match.lastgroup is None:
            raise syntax_error(query[position:].split()[0][:40])
        tokens.append(Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens
