"""`signalbox.yaml`: every error at once, with line, field, value and remedy; loops are refused with their proof."""

from pathlib import Path

import pytest

from shared.config import ConfigurationError, check, load
from shared.domain.routes import Grouping

PROJECT = Path(__file__).parents[3]

HEAD = """\
environments:
  dev: {subscription: s, resource_group: g, workspace: w}
hub: {account: datahub}
routes:
"""


def route(name: str = "nightly", **changes: str) -> str:
    fields = {
        "take": "landing/{site}/{name}.csv",
        "contract": "contract.yaml",
        "score": '{environment: dev, endpoint: e, deployment: blue, model: "m:1"}',
        "publish": "predictions/{site}/{run}",
    } | changes
    return f"  {name}:\n" + "".join(f"    {field}: {value}\n" for field, value in fields.items())


@pytest.fixture
def write(tmp_path: Path):
    (tmp_path / "contract.yaml").write_text("format: csv")

    def write(*routes: str, head: str = HEAD) -> Path:
        path = tmp_path / "signalbox.yaml"
        path.write_text(head + "".join(routes))
        return path

    return write


def test_the_projects_own_configuration_is_valid():
    configuration = load(PROJECT / "signalbox.yaml")

    assert [each.group.kind for each in configuration.routes] == [Grouping.EACH, Grouping.WINDOW, Grouping.MARKER]
    assert check(PROJECT / "signalbox.yaml") == ()


def test_durations_and_overrides_are_read(write):
    path = write(route(give_up_after="2h", overrides="{timeout: 90, error_threshold: 3}"))

    read = load(path).routes[0]

    assert (read.give_up_after_s, read.overrides.timeout_s, read.overrides.error_threshold) == (7200, 90, 3)


def test_all_errors_are_reported_at_once_with_line_value_and_remedy(write):
    path = write(
        route(
            overrides="{error_threshold: -2, mini_batch_size: 0}",
            score='{environment: prod, endpoint: e, deployment: blue, model: "m:latest"}',
            give_up_after="soon",
            pubish="x",
        )
    )

    with pytest.raises(ConfigurationError) as refused:
        load(path)

    said = str(refused.value)
    for expected in (
        "signalbox.yaml:10: routes.nightly.overrides.error_threshold: is -2; use a whole number from -1",
        "routes.nightly.overrides.mini_batch_size: is 0",
        "routes.nightly.score.environment: is 'prod'; use one of dev",
        "routes.nightly.score.model: is 'm:latest'; write NAME:VERSION",
        "routes.nightly.give_up_after: is 'soon'",
        "routes.nightly.pubish: is not a field here; did you mean 'publish'?",
    ):
        assert expected in said
    assert len(refused.value.findings) == 6


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"publish": "predictions/{run}/{nowhere}"}, "uses {nowhere}"),
        ({"publish": "predictions/{site}"}, "without {run}"),
        ({"publish": "predictions/*/{run}"}, "is 'predictions/*/{run}'; a template has no wildcards"),
        ({"take": "'{container}/a.csv'"}, "write CONTAINER/PATH"),
        ({"contract": "missing.yaml"}, "is not a file"),
        ({"group": "{window: {quiet: 10m, longest: 1m}}"}, "above longest"),
        ({"group": "{window: {}, marker: {}}"}, "write `each`, or one of"),
        ({"group": "sometimes"}, "write `each`, or one of"),
        ({"take": "signalbox-staging/{site}/x.csv"}, "in Signalbox's own container"),
        ({"publish": "quarantine/{run}"}, "in Signalbox's own container"),
    ],
)
def test_a_wrong_field_is_refused_by_name(write, changes, problem):
    with pytest.raises(ConfigurationError, match=r"routes\.nightly") as refused:
        load(write(route(**changes)))

    assert problem in str(refused.value)


def test_ignoring_all_failures_is_allowed_and_warned_about(write):
    path = write(route(overrides="{error_threshold: -1}"))

    assert load(path).routes[0].overrides.error_threshold == -1
    assert [finding.level for finding in check(path)] == ["warning"]


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "routes: 7\n"])
def test_what_is_no_configuration_is_said_plainly(write, text):
    with pytest.raises(ConfigurationError):
        load(write(head=text))


def test_a_field_given_twice_is_refused(write):
    with pytest.raises(ConfigurationError, match="is there twice"):
        load(write(route(), route()))


def test_a_route_whose_output_feeds_itself_is_refused(write):
    path = write(route(take="landing/{site}/**", publish="landing/{site}/{run}"))

    with pytest.raises(ConfigurationError, match="nightly -> nightly"):
        load(path)


def test_a_loop_through_other_routes_is_printed_with_a_path_that_proves_it(write):
    path = write(
        route("one", take="aaa/{x}/{file}.csv", publish="bbb/{run}"),
        route("two", take="bbb/{x}/{file}.csv", publish="ccc/{run}"),
        route("three", take="ccc/**", publish="aaa/{run}"),
    )

    with pytest.raises(ConfigurationError, match="one -> two -> three -> one") as refused:
        load(path)

    assert len(refused.value.findings) == 1


def test_a_chain_that_ends_is_fine(write):
    path = write(
        route("one", take="aaa/{x}/{file}.csv", publish="bbb/{run}"),
        route("two", take="bbb/{x}/{file}.csv", publish="ccc/{run}"),
    )

    assert [each.name for each in load(path).routes] == ["one", "two"]


def test_two_routes_for_the_same_files_are_refused(write):
    with pytest.raises(ConfigurationError, match="is the same as that of one"):
        load(write(route("one"), route("two")))
