"""Remove a condition of settings for one run, and a named test must fail: nobody gets more than the route allows."""

import pytest

from shared.domain.inference.overrides import AskedOverrides
from tests.mutation.removal import Guard, Lock, expect_failure, remove
from tests.unit import test_overrides as pure

BEYOND = pure.test_what_is_beyond_them_is_refused_by_its_name


def beyond(condition: str, without: str, asked: AskedOverrides, objection: str) -> Lock:
    arguments = {"asked": asked, "objection": objection}
    symbol = f"inference.overrides.{'objections' if asked.compute else '_above'}"
    return Lock(symbol=symbol, condition=condition, without=without, guard=BEYOND, arguments=arguments)


def lock(symbol: str, condition: str, without: str, guard: Guard) -> Lock:
    return Lock(symbol=f"inference.overrides.{symbol}", condition=condition, without=without, guard=guard)


LOCKS = [
    beyond(
        "value > most",
        "False",
        AskedOverrides(instance_count=9),
        "instance_count is 9, and the route's limits.instance_count is 8",
    ),
    beyond(
        "value == ANY_NUMBER",
        "False",
        AskedOverrides(error_threshold=-1),
        "error_threshold is -1, and the route's limits.error_threshold is 5",
    ),
    beyond(
        "asked.compute not in computes",
        "False",
        AskedOverrides(compute="gpu"),
        "compute 'gpu' may not be asked for: the route allows large",
    ),
    lock("_above", "if most is None", "False", pure.test_a_route_without_limits_allows_nothing),
    lock(
        "_above",
        "most != ANY_NUMBER",
        "True",
        pure.test_any_number_of_failures_is_allowed_where_the_limit_is_any_number,
    ),
    lock("objections", "if route.score.online", "False", pure.test_an_online_route_has_no_job_to_set),
    lock("AskedOverrides.over", "value is not None", "True", pure.test_what_was_not_asked_for_is_the_routes),
    lock("suggested_size", "if len(jobs) < _FEWEST_RUNS", "False", pure.test_two_runs_are_too_few),
    lock("pace_of", "if not slopes", "False", pure.test_runs_of_one_size_promise_no_more_than_they_took),
]


@pytest.mark.parametrize("case", LOCKS, ids=str)
async def test_without_the_condition_a_run_gets_what_its_route_refuses(
    case: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, **case.arguments)
