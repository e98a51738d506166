"""Raw JSON against a dataclass of a request: every finding at once, unknown fields included.

`shared.codec` then decodes what has no findings. It refuses nothing of what history may hold: that is the codec's.
"""

import re
import types
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

_NAMES: dict[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"  # As in a class of characters; no text has any of them.
_CONTROL = re.compile(f"[{CONTROL}]")
LONGEST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of *shortest* to *longest* characters that, where given, fits *pattern* as a whole."""

    shortest: int = 1
    longest: int = 1000
    pattern: str = ""
    means: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """A list of *fewest* to *most* entries, no two alike where *different*."""

    fewest: int = 0
    most: int = 1000
    different: bool = False


Name: TypeAlias = Annotated[str, Text(longest=256, pattern=r"[^\x00-\x1f\x7f]+")]
# A name that may be left out, or sent as the empty text that leaving it out means.
OptionalName: TypeAlias = Annotated[str, Text(shortest=0, longest=256, pattern=r"[^\x00-\x1f\x7f]*")]
Sentence: TypeAlias = Annotated[
    str,
    Text(pattern=rf"[^\S{CONTROL}]*[^\s{CONTROL}][^{CONTROL}]*", means="a text that says something"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with one field: `field 'reason' is ''; give ...`."""

    field: str
    value: str
    remedy: str

    def __str__(self) -> str:
        return f"field {self.field!r} is {self.value}; {self.remedy}"


def findings(kind: Any, raw: Any, where: str = "") -> Iterator[Finding]:
    """Everything that keeps *raw* from being a *kind*, the outermost first."""
    rule, kind = _split(kind)
    origin = get_origin(kind)
    if kind is Any:
        return
    if origin in (Union, types.UnionType):
        if raw is not None:
            inner = next(each for each in get_args(kind) if each is not types.NoneType)
            yield from findings(Annotated[inner, rule] if rule else inner, raw, where)
    elif is_dataclass(kind):
        yield from _object(kind, raw, where)
    elif origin is tuple:
        yield from _list(get_args(kind)[0], rule, raw, where)
    elif origin is dict:
        yield from _mapping(get_args(kind)[1], raw, where)
    else:
        yield from _scalar(kind, rule, raw, where)


def _split(kind: Any) -> tuple[Any, Any]:
    """The rule of an annotated type, and the plain type."""
    if get_origin(kind) is Annotated:
        plain, *rules = get_args(kind)
        return rules[-1], plain
    return None, kind


def _object(kind: Any, raw: Any, where: str) -> Iterator[Finding]:
    if not isinstance(raw, dict):
        yield _wrong(where, raw, "send a JSON object")
        return
    known = shape_of(kind)
    for name in raw.keys() - known.keys():
        remedy = f"use only {', '.join(known) or 'an empty object'}"
        yield Finding(field=_below(where, str(name)[:60]), value="not known here", remedy=remedy)
    for name, (hint, needed) in known.items():
        if name in raw:
            yield from findings(hint, raw[name], _below(where, name))
        elif needed:
            yield Finding(field=_below(where, name), value="missing", remedy=f"give {described(hint)}")


def _list(inner: Any, rule: Many | None, raw: Any, where: str) -> Iterator[Finding]:
    allowed = rule or Many()
    if not isinstance(raw, list) or not allowed.fewest <= len(raw) <= allowed.most:
        yield _wrong(where, raw, f"give a list of {allowed.fewest} to {allowed.most}")
        return
    for number, item in enumerate(raw):
        yield from findings(inner, item, f"{where}[{number}]")
    if allowed.different and len({str(item) for item in raw}) < len(raw):
        yield _wrong(where, raw, "give each entry once")


def _mapping(inner: Any, raw: Any, where: str) -> Iterator[Finding]:
    if not isinstance(raw, dict):
        yield _wrong(where, raw, "send a JSON object")
        return
    for name, item in raw.items():
        yield from findings(inner, item, _below(where, str(name)))


def _scalar(kind: Any, rule: Any, raw: Any, where: str) -> Iterator[Finding]:
    if not _fits(kind, rule, raw):
        yield _wrong(where, raw, f"give {described(Annotated[kind, rule] if rule else kind)}")


def _fits(kind: Any, rule: Any, raw: Any) -> bool:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return isinstance(raw, str) and raw in {each.value for each in kind}
    if kind is datetime:
        return _is_moment(raw)
    if kind is float:
        return isinstance(raw, int | float) and not isinstance(raw, bool)
    if isinstance(raw, bool) or kind is bool:
        return isinstance(raw, bool) and kind is bool
    if isinstance(raw, str) and kind is str:
        return _text_fits(rule or Text(shortest=0, longest=LONGEST), raw)
    return kind is int and _whole(raw) and (rule is None or rule.least <= raw <= rule.most)


def _whole(raw: Any) -> bool:
    """13.0 is a whole number in JSON Schema, and here."""
    return isinstance(raw, int) or (isinstance(raw, float) and raw.is_integer())


def _text_fits(rule: Text, raw: str) -> bool:
    return (
        rule.shortest <= len(raw) <= rule.longest
        and _CONTROL.search(raw) is None
        and (not rule.pattern or re.fullmatch(rule.pattern, raw) is not None)
    )


def _is_moment(raw: Any) -> bool:
    try:
        return isinstance(raw, str) and datetime.fromisoformat(raw) is not None
    except ValueError:
        return False


def described(hint: Any) -> str:
    """What a field takes, in words."""
    rule, kind = _split(hint)
    if isinstance(rule, Text):
        return rule.means or f"a text of {rule.shortest} to {rule.longest} characters" + (
            f" like {rule.pattern}" if rule.pattern else ""
        )
    if isinstance(rule, Whole):
        return f"a whole number from {rule.least} to {rule.most}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"one of {', '.join(str(each.value) for each in kind)}"
    if kind is datetime:
        return "a time like 2026-11-25T12:00:00Z"
    return _NAMES.get(kind, "what the API's document says")


@lru_cache(maxsize=256)
def shape_of(kind: Any) -> dict[str, tuple[Any, bool]]:
    """By field: its hint with its rule, and whether it must be given."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: (hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    }


def _wrong(where: str, raw: Any, remedy: str) -> Finding:
    return Finding(field=where or "body", value=_shown(raw), remedy=remedy)


def _shown(raw: Any) -> str:
    """A short form of the value, safe to repeat: what is long or nested is only described."""
    if isinstance(raw, dict | list):
        return f"{'an object' if isinstance(raw, dict) else 'a list'} of {len(raw)}"
    text = repr(raw)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
