"""Whether callers of one version are served by another: by the names in the golden requests of both."""

from typing import Any

import pytest

from shared.domain.rollout.callers import caller_names, misfit


def table(*columns: str) -> dict[str, Any]:
    return {"input_data": {"columns": list(columns), "index": [0], "data": [[1.0] * len(columns)]}}


@pytest.mark.parametrize(
    ("present", "target", "because"),
    [
        ([(table("age", "bmi"), [1.0])], [(table("age", "bmi"), [2.0])], ""),
        ([(table("age", "bmi", "new"), [1.0])], [(table("age", "bmi"), [2.0])], ""),
        ([(table("age"), [1.0])], [(table("age", "bmi"), [2.0])], "callers do not send input_data.bmi"),
        ([({"x": 1}, {"score": 1, "why": "a"})], [({"x": 1}, {"score": 2})], "its answers lack why"),
        ([({"x": 1}, {"score": 1})], [({"x": 1}, {"score": 2, "why": "a"})], ""),
        ([({"x": 1}, [1.0])], [({"x": 1}, {"score": 2})], "it answers an object instead of a list"),
        ([({"rows": [{"a": 1}]}, 1)], [({"rows": [{"a": 1, "b": 2}]}, 1)], "callers do not send rows.b"),
        # What some requests of the target lack is no condition of the others.
        ([({"x": 1}, 1)], [({"x": 1, "y": 2}, 1), ({"x": 1}, 1)], ""),
        # What only some callers send is not to be relied on.
        ([({"x": 1, "y": 2}, 1), ({"x": 1}, 1)], [({"x": 1, "y": 2}, 1)], "callers do not send y"),
    ],
)
def test_what_callers_would_miss_is_named(present: list[Any], target: list[Any], because: str) -> None:
    before, after = caller_names(present), caller_names(target)
    assert before is not None
    assert after is not None
    assert misfit(before, after) == because


def test_nothing_is_known_without_golden_requests() -> None:
    assert caller_names([]) is None
