"""Every statement that a test has the app sign is of the published form: docs/statements.schema.json."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

from shared.codec import UndecodableError, decode
from shared.domain.trust.envelopes import STATEMENT_TYPE, Envelope, MalformedEnvelopeError
from shared.records.statements import ForgedError, Statements, kind_of

SCHEMA = Path(__file__).parents[1] / "docs" / "statements.schema.json"


@cache
def validators() -> dict[str, Draft202012Validator]:
    """By predicate type. A promotion signs 30 statements, and jsonschema_rs takes a hundredth of jsonschema's time."""
    schema = json.loads(SCHEMA.read_text())
    return {
        kind["properties"]["predicateType"]["const"]: Draft202012Validator({**kind, "$defs": schema["$defs"]})
        for kind in schema["oneOf"]
    }


def objections(statement: Any) -> list[str]:
    """Why *statement*, the payload of an envelope, is not of the published form."""
    own = validators().get(statement.get("predicateType"))
    if own is None:
        return [f"predicateType {statement.get('predicateType')} is not in the schema"]
    return [f"{error.instance_path}: {error.message[:300]}" for error in own.iter_errors(statement)]


def require_published_form(statements: Statements) -> int:
    """How many statements of the app lie in its records; what an attacker has planted is none."""
    count = 0
    for path in statements.list(""):
        envelope = _believed(statements, path)
        if envelope is not None:
            count += 1
            assert objections(json.loads(envelope.content)) == [], path
    return count


def _believed(statements: Statements, path: str) -> Envelope | None:
    try:
        content = statements.store.read_file(path) or b""
        envelope = decode(Envelope, json.loads(content)) if b'"payloadType"' in content[:100] else None
        kind = kind_of(envelope) if envelope is not None and envelope.payloadType == STATEMENT_TYPE else None
        if envelope is None or kind is None:
            return None
        statements.verified_predicate(path, envelope, kind)
    except (ForgedError, UndecodableError, MalformedEnvelopeError, ValueError):
        return None
    return envelope
