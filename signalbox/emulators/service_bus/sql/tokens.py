"""The text of a rule as its words. It stands alone, since filters and actions have the same words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

MOST_CHARACTERS = 1024  # The service's limit for the text of a filter or an action.
KEYWORDS = frozenset(
    {"AND", "ESCAPE", "EXISTS", "FALSE", "IN", "IS", "LIKE", "NOT", "NULL", "OR", "REMOVE", "SET", "TRUE"}
)
_INT64 = 2**63


class RuleSyntaxError(ValueError):
    """This is no filter, or no action."""


class Kind(Enum):
    KEYWORD = auto()
    NAME = auto()
    CONSTANT = auto()
    PARAMETER = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """*value* is the keyword in capitals, the name, the constant, the parameter with its `@`, or the sign.

    A *delimited* name may be any text.
    """

    kind: Kind
    value: Any
    place: int
    delimited: bool = False


# Letters and digits of every script, as System.Char knows them. An underscore does not begin a name.
_FORMS = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
    | (?P<word>[^\W\d_]\w*)
    | \[(?P<bracketed>(?:[^\]]|\]\])+)\]
    | "(?P<quoted>(?:[^"]|"")+)"
    | '(?P<text>(?:[^']|'')*)'
    | (?P<parameter>@[^\W\d]\w*)
    | (?P<sign><>|!=|<=|>=|[=<>()+\-*/%.,;])""",
    re.VERBOSE,
)


def tokens(text: str) -> list[Token]:
    """The words, the last of which is the end. Raises RuleSyntaxError."""
    if len(text) > MOST_CHARACTERS:
        raise RuleSyntaxError(f"The expression has {len(text)} characters; {MOST_CHARACTERS} are allowed.")
    return [*_words(text), Token(Kind.END, "", len(text))]


def _words(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        form = _FORMS.match(text, at)
        if form is None:
            raise RuleSyntaxError(f"There is a syntax error at character {at + 1}: '{text[at : at + 20]}'.")
        if form.lastgroup != "space":
            yield _token(str(form.lastgroup), str(form[str(form.lastgroup)]), at)
        at = form.end()


def _token(form: str, text: str, place: int) -> Token:
    match form:
        case "word" if text.upper() in KEYWORDS:
            return Token(Kind.KEYWORD, text.upper(), place)
        case "word":
            return Token(Kind.NAME, text, place)
        case "bracketed":
            return Token(Kind.NAME, text.replace("]]", "]"), place, delimited=True)
        case "quoted":
            return Token(Kind.NAME, text.replace('""', '"'), place, delimited=True)
        case "text":
            return Token(Kind.CONSTANT, text.replace("''", "'"), place)
        case "number":
            return Token(Kind.CONSTANT, _number(text), place)
        case "parameter":
            return Token(Kind.PARAMETER, text, place)
    return Token(Kind.SIGN, text, place)


def _number(text: str) -> int | float:
    if not text.isdigit():
        return float(text)
    if int(text) >= _INT64:
        raise RuleSyntaxError(f"The number {text} is too large for Int64.")
    return int(text)
