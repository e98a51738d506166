"""The JSON Schema of training pipelines: how one is called, and what it is given."""

from typing import Any

from shared.config.pipelines import COMPONENT, GUID
from shared.config.shapes import DURATION, ENDPOINT, TEXT, mapping, named, whole

PARAMETERS = named({"type": ["string", "number", "boolean"]})
COMPUTE = mapping({"target": TEXT, "instance_type": TEXT, "instances": whole(1, 1000), "idle": DURATION})


def pipeline_schema(required: dict[str, Any]) -> dict[str, Any]:
    """*required*: what the section must say besides the way in which it is called."""
    fields = {
        "published": {"type": "string", "pattern": f"^{GUID.pattern}$"},
        "endpoint": ENDPOINT,
        "deployment": ENDPOINT,
        "job": {"type": "string", "pattern": f"^{COMPONENT.pattern}$"},
        **required,
    }
    return mapping(fields, required=tuple(required))
