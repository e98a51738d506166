"""Whether another version takes what the callers of the present one send, and answers what they read.

It is judged by the names in the golden requests of both. What values they have is not looked at.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "nothing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerNames:
    """The names that each request has *sent* and each answer has *answered*; *kinds* are those of whole answers."""

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
        kinds=frozenset(_KINDS.get(type(answer), "a number") for _, answer in pairs),
    )


def misfit(present: CallerNames, target: CallerNames) -> str:
    """What callers of *present* would miss with *target*, in a sentence's part; empty where they would miss nothing."""
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
