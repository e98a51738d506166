"""The JSON Schema of `signalbox.yaml`, for editors and other tools: `python -m shared.config.schema` prints it.

It says the shape; what only shows when fields are seen together is `shared.config.load`'s to refuse.
"""

import json
from typing import Any

from shared.config.paths import CONTAINER
from shared.config.reader import ACCOUNT, AZURE_ML_NAME, NAME
from shared.config.sections import MODEL
from shared.domain.routes import OnBadData, OnMissingRows

_TEXT = {"type": "string", "minLength": 1}
_AZURE_ML_NAME = {"type": "string", "pattern": f"^{AZURE_ML_NAME.pattern}$"}
_CONTAINER = {"type": "string", "pattern": f"^{CONTAINER.pattern}$"}
_LOCATION = {"type": "string", "pattern": f"^{CONTAINER.pattern}/.+$", "description": "CONTAINER/PATH"}
_DURATION = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\d+\s*[smhd]$"}]}


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "signalbox.yaml",
        **_mapping(
            {
                "environments": _named(_environment()),
                "hub": _hub(),
                "models": _named(_model()),
                "routes": _named(_route()) | {"propertyNames": {"pattern": f"^{NAME.pattern}$"}},
            },
            required=("environments", "hub", "routes"),
        ),
    }


def _environment() -> dict[str, Any]:
    names = ("subscription", "resource_group", "workspace")
    return _mapping(dict.fromkeys(names, _TEXT), required=names)


def _hub() -> dict[str, Any]:
    staging = _mapping({"container": _CONTAINER, "datastore": _TEXT})
    account = {"type": "string", "pattern": f"^{ACCOUNT.pattern}$"}
    own = dict.fromkeys(("state", "quarantine", "dead_letters"), _CONTAINER)
    return _mapping({"account": account, "staging": staging, **own}, required=("account",))


def _model() -> dict[str, Any]:
    return _mapping({"owner": _TEXT, "contract": _TEXT}, required=("contract",))


def _route() -> dict[str, Any]:
    fields = {
        "take": _LOCATION,
        "group": {"anyOf": [{"const": "each"}, _marker(), _window()]},
        "contract": _TEXT,
        "score": _score(),
        "overrides": _overrides(),
        "publish": _LOCATION,
        "give_up_after": _DURATION,
        "release_within": _DURATION,
        "policy": _mapping({"bad_data": {"enum": list(OnBadData)}, "missing_rows": {"enum": list(OnMissingRows)}}),
        "tell": {"type": "array", "items": _TEXT},
    }
    return _mapping(fields, required=("take", "score", "publish"))


def _marker() -> dict[str, Any]:
    marker = _mapping({"name": _TEXT, "manifest": {"type": "boolean"}, "wait": _DURATION})
    return _mapping({"marker": marker}, required=("marker",))


def _window() -> dict[str, Any]:
    window = _mapping({"quiet": _DURATION, "longest": _DURATION, "files": _whole(1, 10_000)})
    return _mapping({"window": window}, required=("window",))


def _score() -> dict[str, Any]:
    model = {"type": "string", "pattern": f"^{MODEL.pattern}$", "description": "NAME:VERSION, exact"}
    fields = {"environment": _TEXT, "endpoint": _AZURE_ML_NAME, "deployment": _AZURE_ML_NAME, "model": model}
    return _mapping(fields, required=tuple(fields))


def _overrides() -> dict[str, Any]:
    return _mapping(
        {
            "instance_count": _whole(1, 1000),
            "mini_batch_size": _whole(1, 1_000_000),
            "error_threshold": _whole(-1, 2**31 - 1),
            "retries": _whole(0, 100),
            "timeout": _DURATION,
            "output_file_name": {"type": "string", "pattern": r"^[^/\\{}]+$"},
        }
    )


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


def _named(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


def _mapping(fields: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
