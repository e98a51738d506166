"""Path patterns with named captures, and the templates that the captures fill.

`landing/{site}/**/{name}.csv`: `{x}` takes a path segment or part of one, `*` the same unnamed, `**` any depth.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

_TOKEN = re.compile(r"\{(?P<name>[A-Za-z_]\w*)\}|(?P<deep>\*\*/?)|(?P<star>\*)|(?P<one>\?)")
_FIELD = re.compile(r"\{([A-Za-z_]\w*)\}")


def captures_of(pattern: str) -> tuple[str, ...]:
    """The names in braces, in order of appearance."""
    return tuple(_FIELD.findall(pattern))


def match(pattern: str, location: str) -> dict[str, str] | None:
    """The captures of `container/path` under *pattern*, or None where it does not match."""
    found = _compile(pattern).fullmatch(location)
    return found.groupdict() if found else None


def fill(template: str, values: Mapping[str, str]) -> str:
    """*template* with every `{name}` replaced; raises KeyError for a name that has no value."""
    return _FIELD.sub(lambda field: values[field[1]], template)


def fixed_prefix(pattern: str) -> str:
    """The part of *pattern* before its first wildcard or capture: what a listing can start from."""
    first = _TOKEN.search(pattern)
    return pattern[: first.start()] if first else pattern


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> re.Pattern[str]:
    seen: set[str] = set()
    parts, position = [], 0
    for token in _TOKEN.finditer(pattern):
        parts += [re.escape(pattern[position : token.start()]), _expression(token, seen)]
        position = token.end()
    return re.compile("".join([*parts, re.escape(pattern[position:])]), re.DOTALL)


def _expression(token: re.Match[str], seen: set[str]) -> str:
    name = token["name"]
    if name in seen:
        return f"(?P={name})"
    if name:
        seen.add(name)
        return f"(?P<{name}>[^/]+)"
    if token["deep"]:
        return "(?:.*/)?" if token["deep"].endswith("/") else ".*"
    return "[^/]*" if token["star"] else "[^/]"
