"""The JSON Schema of `models.NAME.drift`."""

from typing import Any

from shared.config.drift import EACH_RUN
from shared.config.shapes import DURATION, LOCATION, TEXT, mapping, whole

_TEXTS = {"type": "array", "items": TEXT}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}


def drift_schema() -> dict[str, Any]:
    return mapping(
        {
            "routes": _TEXTS,
            "every": {"anyOf": [{"const": EACH_RUN}, DURATION]},
            "window": mapping({"rows": whole(1, 10**9), "longest": DURATION}),
            "alpha": _SHARE,
            "effect": _SHARE,
            "minimum_rows": whole(20, 10**9),
            "power": _SHARE,
            "score_must_move": {"type": "boolean"},
            "output": mapping(
                {"name": TEXT, "field": whole(1, 1000), "delimiter": {"type": "string", "maxLength": 1}},
                required=("name",),
            ),
            "labels": mapping({"path": LOCATION, "target": TEXT}, required=("path", "target")),
            "retrain": {"type": "boolean"},
            "tell": _TEXTS,
            "sources": _TEXTS,
            "coefficient": _SHARE,
        }
    )
