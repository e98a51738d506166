"""The JSON Schema of the sections about promotion; gates and their options come from the registry of gates itself."""

from dataclasses import fields
from typing import Any

from shared.config.ladder import APPROVALS, SERVING
from shared.config.pipelines_schema import COMPUTE, PARAMETERS, pipeline_schema
from shared.config.shapes import DURATION, ENDPOINT, LOCATION, TEXT, mapping, named, whole
from shared.domain.gates import GATES
from shared.domain.promotion.ladder import Newer

_TEXTS = {"type": "array", "items": TEXT}
_ROLES = _TEXTS | {"uniqueItems": True}


def promotion_schemas() -> dict[str, Any]:
    names = ("name", "subscription", "resource_group")
    role = mapping({"app_role": TEXT, "group": TEXT, "people": _TEXTS})
    return {
        "registry": mapping(dict.fromkeys(names, TEXT), required=names),
        "roles": named(role),
        "ladder": named(_stage()),
        "break_glass": mapping({"roles": _ROLES, "witness": _ROLES, "longest": DURATION}, required=("roles",)),
    }


def promotable_schema() -> dict[str, Any]:
    columns = {"target": TEXT, "key": TEXT, "slices": _TEXTS, "classes": _TEXTS | {"uniqueItems": True}}
    numbers = {"batch_rows": whole(1, 100_000), "tolerance": {"type": "number", "minimum": 0}}
    numbers |= {"labels": {"type": "boolean"}, "group": TEXT, "looks": whole(1, 10_000)}
    holdout = {"path": LOCATION, "answers": LOCATION, **columns, **numbers}
    return mapping({"holdout": mapping(holdout, required=("path", "target", "key"))}, required=("holdout",))


def _stage() -> dict[str, Any]:
    kinds = {"online": ENDPOINT, "batch": ENDPOINT, "instances": whole(1, 1000), "ready_within": DURATION}
    times = {name: DURATION for name in APPROVALS if name.endswith("_after")}
    lists = {"roles": _ROLES, "witness": _ROLES, "escalate_to": _TEXTS, "delegates": named(TEXT)}
    return mapping(
        {
            "from": TEXT,
            "environment": TEXT,
            "registry": {"type": "boolean"},
            "candidate": {"type": "boolean"},
            "serve": mapping({name: kinds.get(name, TEXT) for name in SERVING}),
            "entry": _gates(),
            "exit": _gates(),
            "approvals": mapping({**lists, **times}),
            "train": named(_training()),
            "atomic": {"type": "boolean"},
            "newer": {"enum": [newer.value for newer in Newer]},
        },
        required=("from",),
    )


def _training() -> dict[str, Any]:
    folder = mapping({"path": LOCATION, "datastore": TEXT}, required=("path",))
    return mapping(
        {
            "pipeline": pipeline_schema({}),
            "experiment": TEXT,
            "parameters": PARAMETERS,
            "recipe": _TEXTS,
            "compute": COMPUTE,
            "data": named(folder),
            "bundle": TEXT,
            "give_up_after": DURATION,
        },
        required=("pipeline", "data"),
    )


def _gates() -> dict[str, Any]:
    return mapping({name: gate_options(gate.options) for name, gate in GATES.items()})


def gate_options(kind: type[Any]) -> dict[str, Any]:
    """Names alone: what a value must be is the gate's own to say."""
    known = {each.name: {"description": each.metadata["rule"].expectation} for each in fields(kind)}
    return {"anyOf": [{"type": "null"}, mapping(known)]}
