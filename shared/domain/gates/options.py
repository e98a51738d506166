"""Options of gates: frozen dataclasses whose fields say what fits, read from plain mappings.

Every problem is collected, none is raised: the configuration's loader reports them together.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionProblem:
    """What is wrong with one *option*, and the *remedy*."""

    option: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRule:
    """*read* turns a plain value into the option's; it raises ValueError for one that is not *wanted*."""

    read: Callable[[Any], Any]
    wanted: str


def _option(read: Callable[[Any], Any], wanted: str, default: Any) -> Any:
    return field(default=default, metadata={"rule": OptionRule(read=read, wanted=wanted)})


def number(default: Any = MISSING, *, least: float = -math.inf, most: float = math.inf) -> Any:
    """A finite number from *least* to *most*."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError
        return _fits(float(value), least <= value <= most)

    low, high = ("any number" if math.isinf(least) else f"a number from {least:g}"), f"to {most:g}"
    return _option(read, low if math.isinf(most) else f"{low} {high}", default)


def whole(default: Any = MISSING, *, least: int = 0) -> Any:
    """A whole number of at least *least*."""
    return _option(
        lambda value: _fits(value, type(value) is int and value >= least), f"a whole number >= {least}", default
    )


def flag(default: Any = MISSING) -> Any:
    return _option(lambda value: _fits(value, isinstance(value, bool)), "true or false", default)


def choice(default: Any = MISSING, *, among: Sequence[str]) -> Any:
    return _option(lambda value: _fits(value, value in among), f"one of {', '.join(among)}", default)


def texts(default: Any = ()) -> Any:
    """A list of texts."""

    def read(value: Any) -> tuple[str, ...]:
        listed = isinstance(value, list | tuple) and all(isinstance(each, str) and each for each in value)
        return tuple(_fits(value, listed))

    return _option(read, "a list of texts", default)


def parsed(read: Callable[[Any], Any], wanted: str, default: Any = MISSING) -> Any:
    """An option of its own form: *read* raises ValueError, with what is wrong where it can say it."""
    return _option(read, wanted, default)


def _fits(value: T, fits: bool) -> T:
    if not fits:
        raise ValueError
    return value


def read_options(kind: type[T], given: Mapping[str, Any]) -> tuple[T | None, tuple[OptionProblem, ...]]:
    """The *kind* of options that *given* describes, or None and everything that is wrong with it."""
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]  # Every kind is a dataclass.
    said = f"use one of {', '.join(known)}" if known else "this gate has no options: remove it"
    problems = [
        OptionProblem(option=str(name), problem="is not an option", remedy=said) for name in given if name not in known
    ]
    values = {}
    for name, each in known.items():
        try:
            values[name] = _value(each, given)
        except ValueError as mistake:
            wrong = f"is {given[name]!r}" if name in given else "is missing"
            because = f" ({mistake})" if str(mistake) else ""
            rule: OptionRule = each.metadata["rule"]
            problems.append(OptionProblem(option=name, problem=wrong + because, remedy=f"give {rule.wanted}"))
    return (None if problems else kind(**values)), tuple(problems)


def _value(each: Field[Any], given: Mapping[str, Any]) -> Any:
    if each.name in given:
        return each.metadata["rule"].read(given[each.name])
    return _fits(each.default, each.default is not MISSING)
