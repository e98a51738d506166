"""Settings of one run within the limits of its route, and the size that past runs suggest."""

import pytest

from shared.domain.inference.overrides import AskedOverrides, PastJob, objections, suggested_size
from shared.domain.inference.routes import OverrideLimits, Overrides, Route, Scoring, Workspace

WORKSPACE = Workspace(name="dev", subscription="s", resource_group="g", workspace="w")
LIMITS = OverrideLimits(
    instance_count=8,
    mini_batch_size=100,
    error_threshold=5,
    retries=3,
    timeout_s=600,
    computes=("large",),
    node_hour=0.5,
)


def a_route(limits: OverrideLimits = LIMITS, *, online: bool = False) -> Route:
    score = Scoring(workspace=WORKSPACE, endpoint="e", model="m", online=online)
    return Route(name="r", take="landing/{f}.csv", contract="c", score=score, publish="p/{run}", limits=limits)


@pytest.mark.parametrize(
    "asked",
    [
        AskedOverrides(),
        AskedOverrides(
            instance_count=8, mini_batch_size=100, error_threshold=5, retries=3, timeout_s=600, compute="large"
        ),
        AskedOverrides(error_threshold=0, retries=0),
    ],
)
def test_what_is_within_the_limits_is_allowed(asked: AskedOverrides) -> None:
    assert list(objections(a_route(), asked)) == []


@pytest.mark.parametrize(
    ("asked", "objection"),
    [
        (AskedOverrides(instance_count=9), "instance_count is 9, and the route's limits.instance_count is 8"),
        (AskedOverrides(mini_batch_size=101), "mini_batch_size is 101, and the route's limits.mini_batch_size is 100"),
        (AskedOverrides(error_threshold=6), "error_threshold is 6, and the route's limits.error_threshold is 5"),
        (AskedOverrides(error_threshold=-1), "error_threshold is -1, and the route's limits.error_threshold is 5"),
        (AskedOverrides(retries=4), "retries is 4, and the route's limits.retries is 3"),
        (AskedOverrides(timeout_s=601), "timeout_s is 601, and the route's limits.timeout is 600"),
        (AskedOverrides(compute="gpu"), "compute 'gpu' may not be asked for: the route allows large"),
    ],
)
def test_what_is_beyond_them_is_refused_by_its_name(asked: AskedOverrides, objection: str) -> None:
    assert list(objections(a_route(), asked)) == [objection]


def test_a_route_without_limits_allows_nothing() -> None:
    asked = AskedOverrides(instance_count=1, error_threshold=0, compute="large")

    assert [text.partition(":")[0] for text in objections(a_route(OverrideLimits()), asked)] == [
        "instance_count may not be asked for",
        "error_threshold may not be asked for",
        "compute 'large' may not be asked for",
    ]


def test_any_number_of_failures_is_allowed_where_the_limit_is_any_number() -> None:
    route = a_route(OverrideLimits(error_threshold=-1))

    assert [list(objections(route, AskedOverrides(error_threshold=value))) for value in (-1, 0, 10**9)] == [[], [], []]


def test_an_online_route_has_no_job_to_set() -> None:
    assert "scores online" in next(iter(objections(a_route(online=True), AskedOverrides(retries=1))))


def test_what_was_not_asked_for_is_the_routes() -> None:
    own = Overrides(instance_count=2, mini_batch_size=10, output_file_name="x.csv")

    assert AskedOverrides(instance_count=4, compute="large").over(own) == Overrides(
        instance_count=4, mini_batch_size=10, output_file_name="x.csv", compute="large"
    )


def jobs_of(start: float, rate: float, *sizes: tuple[int, int]) -> list[PastJob]:
    """Jobs that take *start* seconds and 1 s for each *rate* bytes of an instance."""
    return [PastJob(size=size, instances=count, seconds=start + size / count / rate) for size, count in sizes]


def test_the_fewest_instances_that_are_in_time_are_suggested_with_their_cost() -> None:
    jobs = jobs_of(60, 1_000, (100_000, 1), (400_000, 2), (900_000, 3))

    suggested = suggested_size(jobs, 2_000_000, 600, LIMITS)

    assert (suggested.instance_count, suggested.seconds) == (4, 560.0)  # Three take 60 + 667 s.
    assert suggested.cost == round(4 * 560 / 3600 * 0.5, 4)
    assert "60 s to start" in suggested.because


def test_one_run_that_waited_for_a_node_changes_little() -> None:
    jobs = jobs_of(60, 1_000, (100_000, 1), (200_000, 1), (300_000, 1), (400_000, 1), (500_000, 1))
    late = PastJob(size=600_000, instances=1, seconds=9_000)

    assert suggested_size([*jobs, late], 2_000_000, 600, LIMITS).instance_count in (4, 5)


def test_what_no_allowed_number_can_do_is_said() -> None:
    suggested = suggested_size(jobs_of(60, 1_000, (100_000, 1), (400_000, 2), (900_000, 3)), 10**8, 600, LIMITS)

    assert suggested.instance_count == 8
    assert "even 8 take 12560 s, more than 600 s" in suggested.because


def test_two_runs_are_too_few() -> None:
    suggested = suggested_size(jobs_of(60, 1_000, (100_000, 1), (400_000, 2)), 10**6, 600, LIMITS)

    assert (suggested.instance_count, suggested.because) == (0, "2 completed runs are known; 3 are needed")


def test_runs_of_one_size_promise_no_more_than_they_took() -> None:
    suggested = suggested_size(jobs_of(60, 1_000, *[(100_000, 1)] * 3), 200_000, 10**4, LIMITS)

    assert (suggested.instance_count, suggested.seconds) == (1, 320.0)
