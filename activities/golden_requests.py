"""How a deployment answers golden requests, beside the answers that were recorded with them.

It stands alone because promotions and rollbacks ask them. Not here: how they are read.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.domain.gates.evidence import ApiTest, GoldenDeviation
from shared.ports import EndpointResponse

_GOLDEN_TOLERANCE = 1e-6


def api_test(recorded: Sequence[Any], answers: Sequence[EndpointResponse]) -> ApiTest:
    """How the golden requests were answered, and how far from what was recorded with them."""
    deviations, problems = [], []
    for number, (wanted, answer) in enumerate(zip(recorded, answers, strict=True)):
        try:
            deviations.append(_deviation(wanted, json.loads(answer.body)))
        except (ValueError, OverflowError) as error:
            problems.append(f"request {number} was answered {answer.status}: {error}"[:300])
    deviating = sum(deviation > _GOLDEN_TOLERANCE for deviation in deviations) + len(problems)
    golden = GoldenDeviation(
        requests=len(recorded),
        deviating=deviating,
        largest=max(deviations, default=0.0),
        unlike=len(problems),
        tolerance=_GOLDEN_TOLERANCE,
    )
    statuses = Counter(str(answer.status) for answer in answers)
    return ApiTest(statuses=dict(statuses), schema_problems=tuple(problems[:10]), golden=golden)


def _deviation(expected: Any, actual: Any) -> float:
    """The largest absolute difference of any number; ValueError where the shapes or texts differ, or one is a NaN."""
    if isinstance(expected, dict) and isinstance(actual, dict) and expected.keys() == actual.keys():
        return max((_deviation(expected[name], actual[name]) for name in expected), default=0.0)
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return max(map(_deviation, expected, actual), default=0.0)
    numbers = isinstance(expected, int | float) and isinstance(actual, int | float)
    if numbers and math.isfinite(apart := abs(float(expected) - float(actual))):
        return apart
    if expected == actual and not numbers:
        return 0.0
    # By their forms alone: what a model answers is data, and this stands in the evidence.
    raise ValueError(f"{_form_of(actual)} instead of {_form_of(expected)}")


def _form_of(value: Any) -> str:
    forms = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return forms.get(type(value), "a number")
