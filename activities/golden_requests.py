"""How a deployment answers golden requests, beside the answers that were recorded with them.

It is a module of its own because promotions and rollbacks both use it. Not here: how the requests are read.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.domain.gates.evidence import ApiTest, GoldenDeviation
from shared.domain.rollout.callers import json_kind
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
    if _is_number(expected) and _is_number(actual):
        if math.isfinite(distance := abs(float(expected) - float(actual))):
            return distance
        raise ValueError(f"{_magnitude(actual)} instead of {_magnitude(expected)}")
    if type(expected) is type(actual) and expected == actual:
        return 0.0
    raise ValueError(_difference(expected, actual))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)  # True is an int, and no 1 in JSON.


def _magnitude(number: float) -> str:
    return "a finite number" if math.isfinite(number) else json.dumps(number)  # NaN, Infinity: no data.


def _difference(expected: Any, actual: Any) -> str:
    """How *actual* differs. It names kinds and lengths alone: answers of a model are data, and evidence shows this."""
    kind, expected_kind = json_kind(actual), json_kind(expected)
    if kind != expected_kind:
        return f"{kind} instead of {expected_kind}"
    if isinstance(actual, list):
        return f"a list of {len(actual)} instead of {len(expected)}"
    return {"an object": "an object with other names", "a text": "another text"}.get(kind, f"the other of {kind}")
