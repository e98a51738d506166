"""Path patterns with named captures, and the templates that the captures fill.

`landing/{site}/**/{name}.csv`: `{x}` takes a path segment or part of one, `*` the same unnamed, `**` any depth.
Names of blobs come from outside and may be hostile, so matching never backtracks: its time is linear in the name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

LONGEST_LOCATION = 63 + 1 + 1024  # Azure's limits: a container's name, a slash, a blob's name.

_TOKEN = re.compile(r"\{(?P<name>[A-Za-z_]\w*)\}|(?P<deep>\*\*/?)|(?P<star>\*)|(?P<one>\?)")
_FIELD = re.compile(r"\{([A-Za-z_]\w*)\}")


class PatternError(ValueError):
    """A pattern that cannot be matched in linear time."""


class _Kind(Enum):
    """What a token reads, in the signs of regular expressions."""

    TEXT = "its text"
    NAME = "[^/]+"
    STAR = "[^/]*"
    ONE = "[^/]"
    DEEP = ".*"
    FOLDERS = "(.*/)?"


@dataclass(frozen=True, slots=True)
class _Token:
    """*text* is what a TEXT spells, or how a NAME is called."""

    kind: _Kind
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Template:
    """*anchors*: for each name that repeats, the place of a folder that is that name alone, as an index of folders."""

    tokens: tuple[_Token, ...]
    names: tuple[str, ...]
    anchors: Mapping[str, int]

    @property
    def start(self) -> str:
        return self.tokens[0].text if self.tokens and self.tokens[0].kind is _Kind.TEXT else ""

    @property
    def end(self) -> str:
        return self.tokens[-1].text if self.tokens and self.tokens[-1].kind is _Kind.TEXT else ""


def captures_of(pattern: str) -> tuple[str, ...]:
    """The names in braces, in order of appearance."""
    return tuple(_FIELD.findall(pattern))


def match(pattern: str, location: str) -> dict[str, str] | None:
    """The captures of `container/path` under *pattern*, or None where it does not match.

    From the left, every wildcard takes as much as the rest of the pattern allows. What is longer than Azure lets a
    name be matches nothing. Raises PatternError where `unanchored` names a capture of *pattern*.
    """
    template = _compile(pattern)
    # Most names fit none of a hundred routes. The fixed text at both ends tells so before any set of places is made.
    if len(location) > LONGEST_LOCATION or not (
        location.startswith(template.start) and location.endswith(template.end)
    ):
        return None
    if not template.anchors:
        values = _captures(template.tokens, location)
    else:
        captures = _anchor(template.anchors, location)
        values = None if captures is None else _captures(_spell_out(template.tokens, captures), location, captures)
    return None if values is None else {name: values[name] for name in template.names}


def unanchored(pattern: str) -> tuple[str, ...]:
    """The captures of *pattern* that repeat and are nowhere a whole folder's name whose depth is certain.

    Only by trying every value could they be matched, and the time of that does not grow linearly.
    """
    names = captures_of(pattern)
    return tuple(name for name in dict.fromkeys(names) if names.count(name) > 1 and name not in _whole_folders(pattern))


def fill(template: str, values: Mapping[str, str]) -> str:
    """*template* with every `{name}` replaced; raises KeyError for a name that has no value."""
    return _FIELD.sub(lambda field: values[field[1]], template)


def fixed_prefix(pattern: str) -> str:
    """The part of *pattern* before its first wildcard or capture: what a listing can start from."""
    first = _TOKEN.search(pattern)
    return pattern[: first.start()] if first else pattern


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> _Template:
    # `re` with back-references would match such patterns and backtrack exponentially on a hostile name; RE2, which does
    # not backtrack, has no back-references. So they are refused when the configuration is read.
    if free := unanchored(pattern):
        raise PatternError(f"pattern {pattern!r} repeats {', '.join(free)}, and nowhere as a whole folder's name")
    tokens, position = list[_Token](), 0
    for sign in _TOKEN.finditer(pattern):
        tokens += [_Token(_Kind.TEXT, pattern[position : sign.start()]), _wildcard(sign)]
        position = sign.end()
    tokens.append(_Token(_Kind.TEXT, pattern[position:]))
    names = captures_of(pattern)
    folders = _whole_folders(pattern)
    return _Template(
        tokens=tuple(token for token in tokens if token.kind is not _Kind.TEXT or token.text),
        names=tuple(dict.fromkeys(names)),
        anchors={name: folders[name] for name in dict.fromkeys(names) if names.count(name) > 1},
    )


def _wildcard(sign: re.Match[str]) -> _Token:
    if sign["name"]:
        return _Token(_Kind.NAME, sign["name"])
    if sign["deep"]:
        return _Token(_Kind.FOLDERS if sign["deep"].endswith("/") else _Kind.DEEP)
    return _Token(_Kind.STAR if sign["star"] else _Kind.ONE)


def _whole_folders(pattern: str) -> dict[str, int]:
    """The captures that are the whole name of a folder or file: its index, from the end where it is behind a `**`."""
    front, deep, _ = pattern.partition("**")
    before, _, back = pattern.rpartition("**")
    folders = front.split("/")[: -1 if deep else None]
    indexes = {folder: index for index, folder in reversed(list(enumerate(folders)))}
    if deep:
        while before.endswith("**/"):
            before = before.removesuffix("**/")
        starts_folder = back.startswith("/") and before[-1:] in (
            "",
            "/",
        )  # Otherwise its first folder may be part of one.
        behind = back.removeprefix("/").split("/")
        behind = behind if starts_folder else ["", *behind[1:]]
        indexes = {folder: index - len(behind) for index, folder in enumerate(behind)} | indexes
    return {name[1]: index for folder, index in indexes.items() if (name := _FIELD.fullmatch(folder))}


def _anchor(anchors: Mapping[str, int], location: str) -> dict[str, str] | None:
    """What the names that repeat must be in *location*; None where a folder is not there or has no name."""
    folders = location.split("/")
    if not all(-len(folders) <= index < len(folders) and folders[index] for index in anchors.values()):
        return None
    return {name: folders[index] for name, index in anchors.items()}


def _spell_out(tokens: tuple[_Token, ...], captures: Mapping[str, str]) -> tuple[_Token, ...]:
    return tuple(
        _Token(_Kind.TEXT, captures[token.text]) if token.kind is _Kind.NAME and token.text in captures else token
        for token in tokens
    )


# A set of places in the location is one number: bit j stands for the place that has j characters behind it. Whether the
# rest of a pattern matches from a place is then known for all places at once, in a few operations for each token, and
# a run of characters is walked by the carry of an addition (as in bit-parallel searching, Hyyrö 2003).


def _captures(
    tokens: tuple[_Token, ...], location: str, captures: Mapping[str, str] | None = None
) -> dict[str, str] | None:
    places = [1]  # From where the tokens behind a token match; from the end, nothing has to.
    for token in reversed(tokens):
        places.append(_places_before(token, places[-1], location))
        if not places[-1]:
            return None
    remaining = len(location)
    if not places.pop() >> remaining & 1:
        return None
    values = dict(captures or {})
    for token in tokens:
        start = len(location) - remaining
        remaining = _left_after(token, remaining, places.pop(), location)
        if token.kind is _Kind.NAME:
            values[token.text] = location[start : len(location) - remaining]
    return values


def _places_before(token: _Token, after: int, location: str) -> int:
    """The places from which *token* can lead to one of the places *after*."""
    bits = _bits(location)
    slash, everywhere = bits.get("/", 0), (2 << len(location)) - 1
    inside = everywhere ^ slash ^ 1  # Where the next character is no slash; at the end there is none.
    match token.kind:
        case _Kind.TEXT:
            for character in reversed(token.text):
                after = after << 1 & bits.get(character, 0)
            return after
        case _Kind.ONE:
            return after << 1 & inside
        case _Kind.NAME:
            return _runs(after << 1 & inside, inside)
        case _Kind.STAR:
            return after | _runs(after << 1 & inside, inside)
        case _Kind.DEEP:
            return everywhere & -_lowest(after)
        case _Kind.FOLDERS:
            return after | everywhere & -_lowest(after << 1 & slash)


def _left_after(token: _Token, remaining: int, after: int, location: str) -> int:
    """How many characters are behind *token*, which takes as much as lets it end in one of the places *after*."""
    match token.kind:
        case _Kind.TEXT:
            return remaining - len(token.text)
        case _Kind.ONE:
            return remaining - 1
        case _Kind.NAME | _Kind.STAR:
            folder_end = location.find("/", len(location) - remaining)
            least = 0 if folder_end < 0 else len(location) - folder_end
            return least + _lowest(after >> least).bit_length() - 1
        case _Kind.DEEP:
            return _lowest(after).bit_length() - 1
        case _Kind.FOLDERS:
            first = _lowest(after << 1 & _bits(location).get("/", 0)).bit_length() - 1
            return first - 1 if 0 < first <= remaining else remaining


def _runs(starts: int, inside: int) -> int:
    """*starts*, which are *inside*, and the bits above each of them up to the end of its run of *inside*."""
    return ((inside + starts ^ inside) | starts) & inside


def _lowest(places: int) -> int:
    return places & -places


@lru_cache(maxsize=16)  # A name meets every route in turn.
def _bits(location: str) -> dict[str, int]:
    """Each character's places."""
    bits = dict[str, int]()
    for index, character in enumerate(reversed(location), 1):
        bits[character] = bits.get(character, 0) | 1 << index
    return bits
