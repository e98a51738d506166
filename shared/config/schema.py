"""The JSON Schema of `signalbox.yaml`, for editors and other tools: `python -m shared.config.schema` prints it.

It says the shape; what only shows when fields are seen together is `shared.config.load`'s to refuse.
"""

import json
from typing import Any

from shared.config.access import access_schemas
from shared.config.devops import devops_schema
from shared.config.drift_schema import drift_schema
from shared.config.ladder_schema import promotable_schema, promotion_schemas
from shared.config.reader import ACCOUNT, NAME
from shared.config.retraining_schema import retraining_schema
from shared.config.schedules import schedules_schema
from shared.config.sections import MODEL
from shared.config.shapes import CONTAINER_NAME, DURATION, ENDPOINT, LOCATION, TEXT, mapping, named, whole
from shared.config.streams import streams_schema
from shared.domain.inference.routes import OnBadData, OnMissingRows


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "signalbox.yaml",
        **mapping(
            {
                "environments": named(_environment()),
                "hub": _hub(),
                "models": named(_model()),
                "routes": named(_route()) | {"propertyNames": {"pattern": f"^{NAME.pattern}$"}},
                "streams": streams_schema(),
                "schedules": schedules_schema(),
                "devops": devops_schema(),
                "service_bus": mapping(dict.fromkeys(("subscription", "resource_group"), TEXT)),
                **promotion_schemas(),
                **access_schemas(),
            },
            required=("environments", "hub", "routes"),
        ),
    }


def _environment() -> dict[str, Any]:
    names = ("subscription", "resource_group", "workspace")
    return mapping(dict.fromkeys(names, TEXT), required=names)


def _hub() -> dict[str, Any]:
    staging = mapping({"container": CONTAINER_NAME, "datastore": TEXT})
    account = {"type": "string", "pattern": f"^{ACCOUNT.pattern}$"}
    own = dict.fromkeys(("state", "quarantine", "dead_letters"), CONTAINER_NAME)
    managed = dict.fromkeys(("subscription", "resource_group"), TEXT)
    return mapping({"account": account, "staging": staging, **managed, **own}, required=("account",))


def _model() -> dict[str, Any]:
    own = {"owner": TEXT, "contract": TEXT, "promotion": promotable_schema()}
    fields = {**own, "retraining": retraining_schema(), "drift": drift_schema()}
    return mapping(fields)


def _route() -> dict[str, Any]:
    fields = {
        "take": LOCATION,
        "group": {"anyOf": [{"enum": ["each", "schedule"]}, _marker(), _window()]},
        "contract": TEXT,
        "score": _score(),
        "overrides": _overrides(),
        "publish": LOCATION,
        "give_up_after": DURATION,
        "release_within": DURATION,
        "policy": _policy(),
        "tell": {"type": "array", "items": TEXT},
    }
    return mapping(fields, required=("take", "score", "publish"))


def _policy() -> dict[str, Any]:
    missing, match = {"enum": list(OnMissingRows)}, {"enum": ["keys", "lines"]}
    return mapping({"bad_data": {"enum": list(OnBadData)}, "missing_rows": missing, "match": match})


def _marker() -> dict[str, Any]:
    marker = mapping({"name": TEXT, "manifest": {"type": "boolean"}, "wait": DURATION})
    return mapping({"marker": marker}, required=("marker",))


def _window() -> dict[str, Any]:
    window = mapping({"quiet": DURATION, "longest": DURATION, "files": whole(1, 10_000)})
    return mapping({"window": window}, required=("window",))


def _score() -> dict[str, Any]:
    model = {"type": "string", "pattern": f"^{MODEL.pattern}$", "description": "NAME:VERSION, exact"}
    fields = {"environment": TEXT, "endpoint": ENDPOINT, "deployment": ENDPOINT, "model": model}
    return mapping(fields, required=tuple(fields))


def _overrides() -> dict[str, Any]:
    return mapping(
        {
            "instance_count": whole(1, 1000),
            "mini_batch_size": whole(1, 1_000_000),
            "error_threshold": whole(-1, 2**31 - 1),
            "retries": whole(0, 100),
            "timeout": DURATION,
            "output_file_name": {"type": "string", "pattern": r"^[^/\\{}]+$"},
        }
    )


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
