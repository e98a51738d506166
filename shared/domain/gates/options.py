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
    """*read* turns a plain value into the option's; it raises ValueError for one that does not meet *expectation*."""

    read: Callable[[Any], Any]
    expectation: str


def _option(read: Callable[[Any], Any], expectation: str, default: Any) -> Any:
    return field(default=default, metadata={"rule": OptionRule(read=read, expectation=expectation)})


def number(default: Any = MISSING, *, least: float = -math.inf, most: float = math.inf) -> Any:
    """A finite number from *least* to *most*."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError
        return _fits(float(value), least <= value <= most)

    low, high = ("any number" if math.isinf(least) else f"a number from {least:g}"), f"to {most:g}"
    return _option(read, low if math.isinf(most) else f"{low} {high}", default)


def whole_number(default: Any = MISSING, *, least: int = 0) -> Any:
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
        is_list_of_texts = isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)
        return tuple(_fits(value, is_list_of_texts))

    return _option(read, "a list of texts", default)


def mapping(default: Any = MISSING) -> Any:
    """A mapping of plain values, whatever they are."""
    return _option(lambda value: _fits(value, isinstance(value, dict)), "a mapping", default)


def parsed_option(read: Callable[[Any], Any], expectation: str, default: Any = MISSING) -> Any:
    """An option of its own form: *read* raises ValueError, with what is wrong where it can say it."""
    return _option(read, expectation, default)


def _fits(value: T, fits: bool) -> T:
    if not fits:
        raise ValueError
    return value


def read_options(kind: type[T], arguments: Mapping[str, Any]) -> tuple[T | None, tuple[OptionProblem, ...]]:
    """The options of type *kind* that *arguments* describe, or None and every problem of them."""
    rules_by_name = {option.name: option for option in fields(kind)}  # type: ignore[arg-type]  # Every kind is a dataclass.
    remedy = f"use one of {', '.join(rules_by_name)}" if rules_by_name else "this gate has no options: remove it"
    problems = [
        OptionProblem(option=str(name), problem="is not an option", remedy=remedy)
        for name in arguments
        if name not in rules_by_name
    ]
    values = {}
    for name, option in rules_by_name.items():
        try:
            values[name] = _value(option, arguments)
        except ValueError as mistake:
            wrong = f"is {arguments[name]!r}" if name in arguments else "is missing"
            because = f" ({mistake})" if str(mistake) else ""
            rule: OptionRule = option.metadata["rule"]
            problems.append(OptionProblem(option=name, problem=wrong + because, remedy=f"give {rule.expectation}"))
    return (None if problems else kind(**values)), tuple(problems)


def _value(option: Field[Any], arguments: Mapping[str, Any]) -> Any:
    if option.name in arguments:
        return option.metadata["rule"].read(arguments[option.name])
    return _fits(option.default, option.default is not MISSING)
