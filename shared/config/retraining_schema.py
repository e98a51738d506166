"""The JSON Schema of `models.NAME.retraining`."""

from typing import Any

from shared.config.ladder_schema import gate_options
from shared.config.pipelines_schema import COMPUTE, PARAMETERS, pipeline_schema
from shared.config.shapes import DURATION, LOCATION, TEXT, mapping, named, whole
from shared.domain.gates import GATES
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.rules import OnConflict, TrainingKind

_TEXTS = {"type": "array", "items": TEXT}
_AMOUNT = {"type": "number", "minimum": 0}
_ENOUGH = whole(1, 2**31 - 1)


def retraining_schema() -> dict[str, Any]:
    return mapping(
        {
            "pipeline": pipeline_schema({"environment": TEXT}),
            "experiment": TEXT,
            "parameters": PARAMETERS,
            "compute": COMPUTE,
            "data": named(_data()),
            "limits": _limits(),
            "budget": mapping({"amount": _AMOUNT, "within": DURATION}),
            "cost": mapping({"node_hour": _AMOUNT, "hours": _AMOUNT}),
            "worth": mapping({**dict.fromkeys((kind.value for kind in CauseKind), _AMOUNT), "times_cost": _AMOUNT}),
            "gate": gate_options(GATES["better_than_champion"].options),
            "stop": mapping({"metric": TEXT, "above": _AMOUNT, "below": _AMOUNT}, required=("metric",)),
            "candidate": TEXT,
            "promote_to": TEXT,
            "give_up_after": DURATION,
        },
        required=("pipeline", "gate"),
    )


def _data() -> dict[str, Any]:
    fields = {
        "take": LOCATION,
        "kind": {"enum": list(TrainingKind)},
        "contract": TEXT,
        "key": _TEXTS,
        "labels": _TEXTS,
        "rows": _ENOUGH,
        "files": _ENOUGH,
        "age": DURATION,
        "conflicts": {"enum": list(OnConflict)},
    }
    return mapping(fields, required=("take",))


def _limits() -> dict[str, Any]:
    times = ("debounce", "longest_debounce", "min_interval", "champion_age")
    zero_or_more = {"anyOf": [{"type": "integer", "minimum": 0}, DURATION["anyOf"][1]]}
    return mapping({**dict.fromkeys(times, zero_or_more), "runs": whole(1, 1000), "within": DURATION})
