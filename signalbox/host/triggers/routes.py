"""Route templates of HTTP triggers: `orders/{id:int}`, `files/{*rest}`, `page/{number?}`, `{name=x}`.

Constraints are those of ASP.NET routing that make sense in a pattern; an unknown one is refused at start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from signalbox.host.errors import HostError

_PARAMETER = re.compile(
    r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?P<constraints>(:[^{}=?]+(\{[^{}]*\})?)*)(?P<default>=[^{}]*)?(?P<optional>\?)?\}"
)
_CONSTRAINTS = {
    "int": r"[+-]?\d+",
    "long": r"[+-]?\d+",
    "bool": r"(?i:true|false)",
    "guid": r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}",
    "alpha": r"[A-Za-z]+",
    "decimal": r"[+-]?\d+(?:\.\d+)?",
    "double": r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
    "float": r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
    "datetime": r"[0-9T:.Z+-]+",
    "required": r"[^/]+",
    "min": r"[+-]?\d+",
    "max": r"[+-]?\d+",
    "range": r"[+-]?\d+",
    "file": r".*",
    "nonfile": r".*",
}


def _is_file(value: str) -> bool:
    """Whether the last segment is a file's name: something follows a dot in it, as ASP.NET judges."""
    _, dot, ending = value.rpartition("/")[2].partition(".")
    return bool(dot and ending.strip("."))


# What no pattern can say about a value, by the constraint's name and its arguments.
_CHECKS: Mapping[str, Callable[[str, Sequence[str]], bool]] = {
    "min": lambda value, bounds: int(value) >= int(bounds[0]),
    "max": lambda value, bounds: int(value) <= int(bounds[0]),
    "range": lambda value, bounds: int(bounds[0]) <= int(value) <= int(bounds[1]),
    "file": lambda value, _: _is_file(value),
    "nonfile": lambda value, _: not _is_file(value),
}


@dataclass(frozen=True, slots=True)
class Route:
    """A compiled template; `rank` sorts the more specific route first."""

    template: str
    pattern: re.Pattern[str]
    defaults: dict[str, str]
    rank: tuple[int, ...]
    checks: tuple[Check, ...] = ()

    def match(self, path: str) -> dict[str, str] | None:
        """The route parameters when *path* (no leading slash, still percent-encoded) fits, else None."""
        match = self.pattern.fullmatch(path) or self.pattern.fullmatch(path.removesuffix("/"))
        if match is None:
            return None
        values = {name: unquote(value) for name, value in match.groupdict().items() if value}
        if not all(check.holds(values) for check in self.checks):
            return None
        return {**self.defaults, **values}


@dataclass(frozen=True, slots=True)
class Check:
    """A constraint on the value of one parameter, beside its pattern."""

    parameter: str
    word: str
    bounds: tuple[str, ...]

    def holds(self, values: Mapping[str, str]) -> bool:
        value = values.get(self.parameter)
        return value is None or _CHECKS[self.word](value, self.bounds)


@lru_cache(maxsize=1024)
def compile_route(template: str) -> Route:
    """Compile *template*. Raises HostError that names the template and the part it cannot read."""
    pattern, defaults, ranks = "", dict[str, str](), list[int]()
    checks = tuple(check for match in _PARAMETER.finditer(template) for check in _checks(match, template))
    for segment in filter(None, template.strip("/").split("/")):
        text, rank, may_be_absent = _segment(segment, template, defaults)
        slash = "/" if pattern else ""
        pattern += f"(?:{slash}{text})?" if may_be_absent else slash + text
        ranks.append(rank)
    return Route(template, re.compile(pattern, re.IGNORECASE), defaults, tuple(ranks), checks)


def _checks(match: re.Match[str], template: str) -> list[Check]:
    constraints = [_split(name) for name in match["constraints"].split(":")]
    for word, bounds in constraints:
        if word in ("min", "max", "range") and not (
            len(bounds) == 1 + (word == "range") and all(re.fullmatch(r"[+-]?\d+", bound) for bound in bounds)
        ):
            raise HostError(
                f"route {template!r}: constraint {word!r} needs whole numbers, such as min(1) or range(1,9)"
            )
    return [Check(match["name"], word, bounds) for word, bounds in constraints if word in _CHECKS]


def _split(constraint: str) -> tuple[str, tuple[str, ...]]:
    word, _, argument = constraint.partition("(")
    return word, tuple(bound.strip() for bound in argument.rstrip(")").split(","))


def _segment(segment: str, template: str, defaults: dict[str, str]) -> tuple[str, int, bool]:
    """The pattern of one segment, how unspecific it is, and whether it may be absent."""
    pattern, position, rank, optional = "", 0, 0, False
    for match in _PARAMETER.finditer(segment):
        pattern += _literal(segment[position : match.start()], template)
        value, one_rank = _parameter(match, template)
        pattern += f"(?P<{match['name']}>{value})"
        rank = max(rank, one_rank)
        optional = optional or bool(match["optional"] or match["default"] or match["rest"])
        if match["default"]:
            defaults[match["name"]] = match["default"][1:]
        position = match.end()
    return pattern + _literal(segment[position:], template), rank, optional


def _literal(text: str, template: str) -> str:
    if "{" in text or "}" in text:
        raise HostError(f"route {template!r}: cannot read {text!r}; write parameters as {{name}} or {{name:int}}")
    return re.escape(text)


def _parameter(match: re.Match[str], template: str) -> tuple[str, int]:
    if match["rest"]:
        return ".*", 3
    names = [name for name in match["constraints"].split(":") if name]
    return (_all_constraints(names, template), 1) if names else ("[^/]+", 2)


def _all_constraints(names: list[str], template: str) -> str:
    """Every constraint must hold: all but the last look ahead."""
    patterns = [_constraint(name, template) for name in names]
    lookaheads = "".join(f"(?={pattern}(?:/|$))" for pattern in patterns[:-1])
    return lookaheads + patterns[-1]


def _constraint(name: str, template: str) -> str:
    word, _, argument = name.partition("(")
    bounds = argument.rstrip(")").split(",")
    match word:
        case "length":
            return f"[^/]{{{','.join(bounds)}}}"
        case "minlength":
            return f"[^/]{{{bounds[0]},}}"
        case "maxlength":
            return f"[^/]{{1,{bounds[0]}}}"
        case "regex":
            return f"(?:{argument[:-1].removeprefix('^').removesuffix('$')})"
    if word not in _CONSTRAINTS:
        names = ", ".join(sorted(_CONSTRAINTS))
        raise HostError(f"route {template!r}: unknown constraint {name!r}; use one of {names}")
    return _CONSTRAINTS[word]
