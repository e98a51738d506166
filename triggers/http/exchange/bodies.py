"""Read the body and query of a request: JSON of bounded size and depth, and its fields, refused by name.

Also the one body that runs of inference, runs of training and schedules share: an order with its reason.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import azure.functions as func

from shared.codec import is_nested_deeper, unique_fields
from shared.domain.access.redaction import without_secrets
from shared.records.inference import GivenOrder
from shared.validation import shape_of
from shared.validation.requests import BadRequest, requested
from shared.validation.rules import Sentence
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem

T = TypeVar("T")

BODY_LIMIT = 256 * 1024
DEPTH_LIMIT = 32
# Of a number in a query: the greatest is an offset in a file, at most 2**53. Python's int refuses texts of more than
# 4,300 digits with an error of its own, so that a bound must come before it.
_MOST_DIGITS = 16


def decode_body(kind: type[T], raw: Any) -> T:
    """*raw* as the request *kind*, without any secret that is in its texts. Raises Problem with everything wrong."""
    try:
        return requested(kind, without_secrets(raw))
    except BadRequest as error:
        raise Problem.of(400, "bad body", error.faults) from error


def decode_query(kind: type[T], params: Mapping[str, str]) -> T:
    """The query's parameters as *kind*, whose fields are texts and whole numbers. Raises Problem."""
    shape = shape_of(kind)  # type: ignore[arg-type]  # A class is hashable.
    raw = {name: _number(value) if int in _plain(shape.get(name)) else value for name, value in params.items()}
    raw.pop("code", None)  # The platform allows its key in the query.
    try:
        return requested(kind, raw)
    except BadRequest as error:
        raise Problem.of(400, "bad query", error.faults) from error


def json_of(http: func.HttpRequest) -> Any:
    """The JSON in the body. Raises Problem."""
    data = http.get_body()
    if len(data) > BODY_LIMIT:
        raise Problem(413, "body too large", f"the body has {len(data)} bytes; send at most {BODY_LIMIT}")
    kind = (http.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
    if not data:
        raise Problem(400, "bad body", "the body is empty; send a JSON object, {} where nothing is to be said")
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, "wrong content type", f"Content-Type is {kind[:60]!r}; send application/json")
    try:
        return parse_json(data, BODY_LIMIT)
    except ValueError as error:
        raise Problem(400, "bad body", str(error)) from error


def parse_json(data: bytes, limit: int) -> Any:
    """The JSON in *data*. Raises ValueError where it is none, or larger or deeper than it may be."""
    if len(data) > limit:
        raise ValueError(f"the body has {len(data)} bytes; send at most {limit}")
    try:
        raw = json.loads(data, object_pairs_hook=unique_fields, parse_constant=_refuse, parse_float=_finite)
        # JSON may escape half of a surrogate pair. Python reads it, and no record, digest or response could hold it
        # later.
        json.dumps(raw, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is not JSON: {str(error)[:200]}") from error
    if is_nested_deeper(raw, DEPTH_LIMIT):
        raise ValueError(f"the body is nested more than {DEPTH_LIMIT} deep; send a flatter one")
    return raw


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _plain(field: tuple[Any, bool] | None) -> tuple[Any, ...]:
    """The types that a hint names, at any depth."""
    if field is None:
        return ()
    hint = field[0]
    return (hint, *(inner for part in getattr(hint, "__args__", ()) for inner in _plain((part, False))))


def _number(text: str) -> Any:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order on a run or a schedule, with the reason why; the caller's verified identity is recorded with it."""

    reason: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """*recorded* is false where the same order had been given before: the first one stands."""

    run: str
    order: str
    recorded: bool


def order_record(request: ApiRequest, run: str, kind: str, reason: str) -> GivenOrder:
    """The order of *kind* as it is recorded: with the verified identity of who gives it, and their *reason*."""
    caller, at = request.caller, request.clients.clock.now().isoformat()
    return GivenOrder(run=run, order=kind, at=at, reason=reason, by=caller.name, oid=caller.oid)
