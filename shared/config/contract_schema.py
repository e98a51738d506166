"""The JSON Schema of data contracts, for editors and other tools: `python -m shared.config.contract_schema` prints it.

It says the shape; what a column's type asks of its bounds and values is `shared.domain.data.data_contract`'s to refuse.
"""

import json
from typing import Any

from shared.domain.data.contract_values import TYPES
from shared.domain.data.data_contract import FORMATS

TEXT = {"type": "string", "minLength": 1}
_NUMBER = {"type": "number"}
_NAMES = {"type": "array", "items": TEXT, "uniqueItems": True}


def contract_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    fields = {
        "format": {"enum": list(FORMATS)},
        "csv": _dialect(),
        "owner": {"type": "string"},
        "min_rows": {"type": "integer", "minimum": 0},
        "tolerance": _NUMBER | {"minimum": 0, "maximum": 1},
        "extra_columns": {"enum": ["refuse", "allow"]},
        "columns": {"type": "array", "items": _column(), "minItems": 1},
        "keys": _NAMES,
        "distribution": _distribution(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Data contract",
        **mapping(fields, required=("format", "columns")),
    }


def _column() -> dict[str, Any]:
    bound = {"type": ["number", "string"], "description": "a value of the column's type; days and moments as ISO 8601"}
    fields = {
        "name": TEXT,
        "type": {"enum": list(TYPES)},
        "nullable": {"type": "boolean"},
        "min": bound,
        "max": bound,
        "allowed": {"type": "array", "minItems": 1, "items": {"type": ["number", "string", "boolean"]}},
        "pattern": TEXT | {"description": "RE2; it matches the whole value"},
    }
    return mapping(fields, required=("name", "type"))


def _dialect() -> dict[str, Any]:
    delimiter = {"type": "string", "minLength": 1, "maxLength": 1}
    nulls = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    return mapping({"delimiter": delimiter, "encoding": TEXT, "null_values": nulls})


def _distribution() -> dict[str, Any]:
    fields = {
        "reference": TEXT,
        "alpha": _NUMBER | {"minimum": 1e-9, "maximum": 0.5},
        "minimum_sample": {"type": "integer", "minimum": 0},
        "columns": _NAMES,
        "psi_limit": _NUMBER | {"minimum": 0},
        "inconclusive": {"enum": ["pass", "fail"]},
    }
    return mapping(fields, required=("reference",))


def mapping(fields: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


if __name__ == "__main__":
    print(json.dumps(contract_schema(), indent=2))
