"""Bicep text to tokens. Newlines are tokens, since they end declarations and entries; comments are dropped."""

import re
from dataclasses import dataclass
from typing import Any

from infra.check.findings import Place, TemplateError

_TOKEN = re.compile(
    r"(?P<space>[ \t\r]+|//[^\n]*|/\*.*?\*/)|(?P<newline>\n)|(?P<multiline>''')|(?P<quote>')"
    r"|(?P<number>\d+)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\?\?|==|!=|<=|>=|&&|\|\||[@=(){}\[\]:,.?!<>+\-*/%])",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "'": "'", "\\": "\\", "$": "$"}


@dataclass(frozen=True, slots=True)
class Token:
    """*value* of a string is its parts: text, and (source, line) of what is interpolated."""

    kind: str
    value: Any
    line: int


def tokens_of(text: str, file: str, first_line: int = 1) -> list[Token]:
    """The tokens of *text*. Raises TemplateError at the first character that the subset does not know."""
    tokens, position, line = list[Token](), 0, first_line
    while position < len(text):
        sign = _TOKEN.match(text, position)
        if sign is None:
            raise TemplateError(Place(file, line), f"{text[position]!r} is not in the subset")
        kind, end = str(sign.lastgroup), sign.end()
        if kind == "quote":
            parts, end = _string(text, end, Place(file, line))
            tokens.append(Token("string", parts, line))
        elif kind == "multiline":
            end = text.find("'''", end)
            if end < 0:
                raise TemplateError(Place(file, line), "a multi-line string does not end")
            tokens.append(Token("string", [text[sign.end() : end].removeprefix("\n")], line))
            end += 3
        elif kind != "space":
            tokens.append(Token(kind, sign.group(), line))
        line += text.count("\n", position, end)
        position = end
    tokens.append(Token("end", "", line))
    return tokens


def _string(text: str, position: int, place: Place) -> tuple[list[Any], int]:
    """The parts of the string whose first character is at *position*, and the position behind it."""
    parts, plain = list[Any](), ""
    while position < len(text):
        character = text[position]
        if character == "'":
            return [*parts, plain] if plain or not parts else parts, position + 1
        if character == "\n":
            break
        if character == "\\":
            escape = text[position + 1 : position + 2]
            if escape not in _ESCAPES:
                raise TemplateError(place, f"\\{escape} is no escape of the subset")
            plain, position = plain + _ESCAPES[escape], position + 2
        elif text.startswith("${", position):
            end = _closing_brace(text, position + 2, place)
            parts += (
                [plain, (text[position + 2 : end], place.line)] if plain else [(text[position + 2 : end], place.line)]
            )
            plain, position = "", end + 1
        else:
            plain, position = plain + character, position + 1
    raise TemplateError(place, "a string does not end on its line")


def _closing_brace(text: str, position: int, place: Place) -> int:
    depth = 1
    while position < len(text) and text[position] != "\n":
        if text[position] == "'":
            _, position = _string(text, position + 1, place)
            continue
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if not depth:
            return position
        position += 1
    raise TemplateError(place, "an interpolation does not end on its line")
