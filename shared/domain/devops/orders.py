"""What a pipeline or a merged pull request asks for: to start something, or to follow what has been started.

An order carries references only: a task's body has at most 2,000 characters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from shared.domain.failures import Refused

BODY_LIMIT = 2000
NEWEST_KNOWN_GOOD = "known-good"  # What a rollback goes back to unless it names a version.


class OrderKind(StrEnum):
    PROMOTION = "promotion"
    INFERENCE = "inference"
    DATA_CHECK = "data_check"
    RETRAINING = "retraining"
    ROLLBACK = "rollback"
    PIPELINE = "pipeline"
    FOLLOW = "follow"


# What each kind must say, and what it may.
FIELDS: dict[OrderKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
    OrderKind.PROMOTION: (("model", "to"), ("source", "reason")),
    OrderKind.INFERENCE: (("path",), ("reason",)),
    OrderKind.DATA_CHECK: (("path", "route"), ()),
    OrderKind.RETRAINING: (("model",), ("reason",)),
    OrderKind.ROLLBACK: (("model", "reason"), ("to",)),
    OrderKind.PIPELINE: (("organisation", "project", "pipeline"), ("reason",)),
    OrderKind.FOLLOW: (("run",), ()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOrder:
    """*run* is the id of a run or a promotion to follow; *path* is container/path in the hub.

    *to* is the stage of a promotion, or what a rollback goes back to: a version, or `known-good`, as where it is empty.
    """

    kind: OrderKind
    model: str = ""
    to: str = ""
    source: str = ""
    path: str = ""
    route: str = ""
    run: str = ""
    reason: str = ""
    organisation: str = ""
    project: str = ""
    pipeline: str = ""


def read_order(raw: Mapping[str, Any]) -> TaskOrder:
    """From `{"start": KIND, ...}` or `{"follow": ID}`. Raises Refused naming field, value and remedy."""
    if "follow" in raw:
        return _check(OrderKind.FOLLOW, {"run": raw["follow"]}, set(raw) - {"follow"})
    kinds = ", ".join(kind for kind in OrderKind if kind is not OrderKind.FOLLOW)
    try:
        kind = OrderKind(raw.get("start", ""))
    except ValueError as error:
        raise Refused(f"field 'start' is {raw.get('start')!r}; use one of {kinds}, or 'follow' with an id") from error
    arguments = {("source" if name == "from" else name): value for name, value in raw.items() if name != "start"}
    return _check(kind, arguments, set(arguments) - {name for names in FIELDS[kind] for name in names})


def _check(kind: OrderKind, arguments: Mapping[str, Any], unknown: set[str]) -> TaskOrder:
    required_fields, optional = FIELDS[kind]
    if unknown:
        raise Refused(
            f"field {sorted(unknown)[0]!r} is not known for {kind}; use {', '.join((*required_fields, *optional))}"
        )
    for name in required_fields:
        if not isinstance(arguments.get(name), str) or not arguments[name].strip():
            raise Refused(f"field {name!r} is {arguments.get(name)!r}; {kind} needs a non-empty text there")
    for name, value in arguments.items():
        if not isinstance(value, str) or len(value) > BODY_LIMIT:
            raise Refused(f"field {name!r} must be a text of at most {BODY_LIMIT} characters")
    names = {field.name for field in fields(TaskOrder)}
    return TaskOrder(kind=kind, **{name: value.strip() for name, value in arguments.items() if name in names})
