"""Every statement that a test has the app sign is of the published form: docs/statements.schema.json."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from shared.codec import UndecodableError, decode
from shared.domain.trust.envelopes import STATEMENT_TYPE, Envelope, MalformedEnvelopeError
from shared.records.statements import ForgedError, Statements, kind_of

SCHEMA = Path(__file__).parents[1] / "docs" / "statements.schema.json"


@cache
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def objections(statement: Any) -> list[str]:
    """Why *statement*, the payload of an envelope, is not of the published form."""
    kinds = [kind for kind in validator().schema["oneOf"] if _names(kind, statement)]
    if not kinds:
        return [f"predicateType {statement.get('predicateType')} is not in the schema"]
    own = Draft202012Validator({**kinds[0], "$defs": validator().schema["$defs"]})
    return [f"{error.json_path}: {error.message[:300]}" for error in own.iter_errors(statement)]


def _names(kind: dict[str, Any], statement: Any) -> bool:
    return bool(kind["properties"]["predicateType"]["const"] == statement.get("predicateType"))


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
        statements.opened(path, envelope, kind)
    except (ForgedError, UndecodableError, MalformedEnvelopeError, ValueError):
        return None
    return envelope
