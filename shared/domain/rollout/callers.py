"""Whether another version takes what the callers of the present one send, and answers what they read.

It is judged by the names in the golden requests of both. What values they have is not looked at.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerNames:
    """*sent* are the names in every request, *answered* those in every answer, and *kinds* the kinds of the answers."""

    sent: frozenset[str]
    answered: frozenset[str]
    kinds: frozenset[str]


def caller_names(golden: Iterable[tuple[Any, Any]]) -> CallerNames | None:
    """The names of these requests with their answers, None for no request.

    A name that some requests lack is no condition of the others, so it does not count.
    """
    pairs = list(golden)
    if not pairs:
        return None
    return CallerNames(
        sent=_common(request for request, _ in pairs),
        answered=_common(answer for _, answer in pairs),
        kinds=frozenset(json_kind(answer) for _, answer in pairs),
    )


def json_kind(value: Any) -> str:
    """What *value*, parsed from JSON, is in words."""
    return _KINDS.get(type(value), "a number")


def misfit(present: CallerNames, target: CallerNames) -> str:
    """What callers of *present* would miss with *target*, as part of a sentence; empty where it is nothing."""
    parts = []
    if unsent := sorted(target.sent - present.sent):
        parts.append(f"callers do not send {', '.join(unsent[:10])}")
    if unanswered := sorted(present.answered - target.answered):
        parts.append(f"its answers lack {', '.join(unanswered[:10])}")
    if strange := sorted(target.kinds - present.kinds):
        parts.append(f"it answers {', '.join(strange)} instead of {', '.join(sorted(present.kinds))}")
    return "; ".join(parts)


def _common(documents: Iterable[Any]) -> frozenset[str]:
    return reduce(frozenset.__and__, (frozenset(_names(document)) for document in documents))


def _names(value: Any, path: str = "") -> Iterator[str]:
    """Keys of objects with the way to them, and the columns of a table ({columns, data}, as pandas splits it)."""
    if isinstance(value, dict):
        if isinstance(value.get("columns"), list) and "data" in value:
            yield from (f"{path}{column}" for column in value["columns"])
            return
        for name, inner in value.items():
            yield f"{path}{name}"
            yield from _names(inner, f"{path}{name}.")
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner, path)
