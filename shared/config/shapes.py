"""The shapes that the JSON Schema is made of."""

from typing import Any

from shared.config.paths import CONTAINER
from shared.config.reader import AZURE_ML_NAME

TEXT = {"type": "string", "minLength": 1}
ENDPOINT = {"type": "string", "pattern": f"^{AZURE_ML_NAME.pattern}$"}
CONTAINER_NAME = {"type": "string", "pattern": f"^{CONTAINER.pattern}$"}
LOCATION = {"type": "string", "pattern": f"^{CONTAINER.pattern}/.+$", "description": "CONTAINER/PATH"}
DURATION = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\d+\s*[smhd]$"}]}


def whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


def named(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


def mapping(fields: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}
