"""`signalbox.yaml`: every error at once, with line, field, value and remedy; loops are refused with their proof."""

import re
from pathlib import Path

import pytest

from shared.config import ConfigurationError, check, load
from shared.config.__main__ import main
from shared.domain.inference.routes import Grouping

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
    (tmp_path / "contract.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")

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


def test_the_limits_of_single_runs_are_read_and_refused_online(write):
    limits = "{instance_count: 4, timeout: 2m, computes: [cpu-large], node_hour: 0.29}"

    read = load(write(route(limits=limits))).routes[0].limits

    assert (read.instance_count, read.timeout_s, read.computes, read.node_hour) == (4, 120, ("cpu-large",), 0.29)
    online = '{environment: dev, endpoint: e, kind: online, deployment: blue, model: "m:1"}'
    with pytest.raises(ConfigurationError, match=r"limits: is set for a route that scores online"):
        load(write(route(limits=limits, score=online)))


def test_a_route_names_the_data_asset_of_what_arrives(write):
    assert load(write(route(register="{asset: ward-reports}"))).routes[0].input_asset == "ward-reports"
    for wrong in ("{asset: ward reports}", "{asset: ''}", "{}"):
        with pytest.raises(ConfigurationError, match=r"register\.asset"):
            load(write(route(register=wrong)))


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
        ({"group": "{window: {}, marker: {}}"}, "write `each`, `schedule`, or one of"),
        ({"group": "sometimes"}, "write `each`, `schedule`, or one of"),
        ({"take": "signalbox-staging/{site}/x.csv"}, "in Signalbox's own container"),
        ({"publish": "quarantine/{run}"}, "in Signalbox's own container"),
        ({"take": "landing/{site}-{site}/{name}.csv"}, "{site} repeats"),
        ({"take": "landing/{site}-{site}/{site}"}, "'landing/{site}-{site}/' has no folder that is {site} alone"),
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


def test_a_route_that_feeds_another_is_refused_even_where_the_chain_ends(write):
    path = write(
        route("one", take="aaa/{x}/{file}.csv", publish="bbb/{run}"),
        route("two", take="bbb/{x}/{file}.csv", publish="ccc/{run}"),
    )

    with pytest.raises(ConfigurationError) as refused:
        load(path)

    (finding,) = refused.value.findings
    assert (finding.level, finding.field) == ("error", "routes.one.publish")
    assert "feeds route two (publish 'bbb/{run}' and take 'bbb/{x}/{file}.csv' both match" in finding.problem


def test_a_model_that_publishes_beside_another_is_no_loop(write):
    take = "shared/predictions/other/{batch}/{name}.csv"

    assert load(write(route(take=take, publish="shared/predictions/{model}/{run}"))).routes


def test_a_route_that_could_write_its_own_marker_is_a_loop(write):
    with pytest.raises(ConfigurationError, match="nightly -> nightly"):
        load(write(route(publish="landing/{run}", group="{marker: {name: _manifest.json}}")))


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("take", "2026-99-99", "is '2026-99-99'"),
        ("take", "!!python/object:os.system x", "has the tag"),
        ("take", "landing/{site/{name}.csv", "with a brace that names nothing"),
        ("take", "landing/../{name}.csv", "with an empty or dotted segment"),
        ("take", "Landing_1/{site}/{name}.csv", "write CONTAINER/PATH"),
        ("take", "landing/{site}/a**.csv", "with ** inside a name"),
        ("take", "landing/{site}/{run}.csv", "captures {run}, which publish fills itself"),
        ("publish", "predictions/?/{run}", "a template has no wildcards"),
        ("publish", "predictions/../{run}", "with an empty or dotted segment"),
        ("give_up_after", "1:30", "is '1:30'"),
        ("give_up_after", "99999999d", "is '99999999d'"),
        ("overrides", "{output_file_name: _manifest.json}", "the manifest's own name"),
        ("overrides", "{output_file_name: a/b}", "is not a plain name"),
        ("overrides", "{retries: true}", "is True; use a whole number"),
        ("contract", "/contract.yaml", "outside the configuration's folder"),
        ("contract", "../contract.yaml", "outside the configuration's folder"),
        ("group", "{marker: {name: a/b}}", "is not a plain name"),
        ("group", "&a {marker: *a}", "contains itself"),
        ("score", '{environment: dev, endpoint: e, deployment: b, model: "m:^1"}', "write NAME:VERSION"),
    ],
)
def test_what_would_surprise_its_author_is_refused(write, field, value, problem):
    with pytest.raises(ConfigurationError) as refused:
        load(write(route(**{field: f"'{value}'" if field in ("take", "publish") and "!!" not in value else value})))

    assert problem in str(refused.value)


@pytest.mark.parametrize("version", ["1", "2024.1-rc1", "v3"])
def test_any_exact_version_will_do(write, version):
    path = write(route(score=f'{{environment: dev, endpoint: MyScorer, deployment: Blue, model: "m:{version}"}}'))

    assert load(path).routes[0].score.version == version


def test_a_window_needs_a_folder_to_group_by(write):
    with pytest.raises(ConfigurationError, match="has no folder to group by"):
        load(write(route(take="'landing/{site}/**'", publish="predictions/{run}", group="{window: {}}")))


def test_what_yaml_itself_refuses_is_a_finding_with_its_line(write):
    with pytest.raises(ConfigurationError, match=r"signalbox\.yaml: file: is not YAML \(unacceptable character"):
        load(write(head="a: '\x01'\n"))


@pytest.mark.parametrize("name", ["Nightly", "a/b", "'a b'"])
def test_a_routes_name_is_fit_for_ids(write, name):
    with pytest.raises(ConfigurationError, match="is not a route's name"):
        load(write(route(name)))


@pytest.mark.parametrize(
    ("hub", "problem"),
    [
        ("{account: data-hub}", "use a storage account's name"),
        ("{account: datahub, quarantine: signalbox}", "uses one container twice"),
    ],
)
def test_the_hubs_names_are_checked(write, hub, problem):
    with pytest.raises(ConfigurationError, match=problem):
        load(write(route(), head=HEAD.replace("{account: datahub}", hub)))


def test_two_routes_for_the_same_files_are_refused(write):
    with pytest.raises(ConfigurationError, match="is the same as that of one"):
        load(write(route("one"), route("two", take="landing/{a}/{b}.csv", publish="predictions/{run}")))


def test_a_role_that_is_named_twice_is_refused(write):
    people = "roles: {owner: {people: [ada]}}\nbreak_glass: {roles: [owner, owner]}\n"
    stage = "ladder: {up: {from: dev, environment: dev, serve: {online: e}, approvals: {roles: [owner, owner]}}}\n"

    found = [str(each) for each in check(write(route(), head=people + stage + HEAD))]

    said = "roles: names 'owner' twice; name it once: a role decides once, by one person"
    assert [each.endswith(said) for each in found] == [True, True], found


def test_the_command_says_everything_and_ends_in_failure_only_for_errors(write, capsys):
    warned = main([str(write(route(overrides="{error_threshold: -1}")))])
    refused = main([str(write(route(give_up_after="soon")))])

    assert (warned, refused) == (0, 1)
    said = capsys.readouterr().out
    assert "signalbox.yaml: 0 errors, 1 warning\n" in said
    assert "signalbox.yaml:10: routes.nightly.give_up_after: is 'soon'" in said


def test_a_model_needs_no_contract_where_its_routes_name_their_own(write):
    models = "models: {m: {owner: o}}\n"

    assert load(write(route(), head=models + HEAD)).routes[0].contract == "contract.yaml"


def test_a_model_without_a_contract_lends_none(write):
    models = "models: {m: {owner: o}}\n"
    without = "".join(line for line in route().splitlines(keepends=True) if "contract" not in line)

    (finding,) = check(write(without, head=models + HEAD))

    assert (finding.field, finding.remedy) == (
        "routes.nightly.contract",
        "name a data contract here, or under models.m",
    )


def test_the_example_in_the_docs_is_valid(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", (PROJECT / "docs/configuration.md").read_text(), re.DOTALL)
    (tmp_path / "examples/diabetes").mkdir(parents=True)
    (tmp_path / "examples/diabetes/contract.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
    (tmp_path / "signalbox.yaml").write_text(example)

    assert check(tmp_path / "signalbox.yaml") == ()


def test_a_route_without_a_pin_follows_its_endpoint(write):
    followed = load(write(route(score="{environment: dev, endpoint: e, model: m}"))).routes[0].score
    pinned = load(write(route())).routes[0].score

    assert (followed.deployment, followed.version, followed.follows) == ("", "", True)
    assert (pinned.deployment, pinned.version, pinned.follows) == ("blue", "1", False)


@pytest.mark.parametrize(
    ("score", "problem"),
    [
        ('{environment: dev, endpoint: e, model: "m:1"}', "is 'm:1' with no deployment"),
        ("{environment: dev, endpoint: e, deployment: blue, model: m}", "is 'm' with no version"),
    ],
)
def test_half_a_pin_is_refused(write, score, problem):
    with pytest.raises(ConfigurationError, match=r"routes\.nightly\.score\.model") as refused:
        load(write(route(score=score)))

    assert f"{problem}; name the deployment and the exact version to pin both, or neither" in str(refused.value)


def test_the_output_of_a_route_that_follows_feeds_whatever_takes_any_version(write):
    path = write(
        route("one", score="{environment: dev, endpoint: e, model: m}", publish="out/{model}/{version}/{run}"),
        route("two", take="out/m/7/{run}/{name}.csv", publish="predictions/{run}"),
    )

    with pytest.raises(ConfigurationError, match="feeds route two"):
        load(path)


def test_a_version_may_have_a_data_contract_of_its_own(write, tmp_path):
    (tmp_path / "wide.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
    models = 'models: {m: {contract: contract.yaml, contracts: {"2": wide.yaml, 3: wide.yaml}}}\n'
    own = route(contract="")
    pinned = load(write(own.replace("m:1", "m:2"), head=models + HEAD)).routes[0]
    followed = load(write(own.replace('deployment: blue, model: "m:1"', "model: m"), head=models + HEAD)).routes[0]
    named = load(write(route(), head=models + HEAD)).routes[0]

    assert (pinned.contract, followed.contract, named.contract) == ("wide.yaml", "contract.yaml", "contract.yaml")
    assert [own.version for own in followed.contracts] == ["2", "3"]
    assert not named.contracts


@pytest.mark.parametrize(
    ("contracts", "problem"), [("{latest: contract.yaml}", "is no exact"), ("{1: x}", "not a file")]
)
def test_the_contract_of_a_version_is_checked(write, contracts, problem):
    models = f"models: {{m: {{contract: contract.yaml, contracts: {contracts}}}}}\n"

    with pytest.raises(ConfigurationError, match=rf"models\.m\.contracts\.(latest|1): .*{problem}"):
        load(write(route(), head=models + HEAD))


def test_a_model_whose_name_is_mistyped_is_named_with_what_is_near(write):
    models = "models: {churn: {contract: contract.yaml}}\n"

    (finding,) = check(write(route(contract="").replace("m:1", "churm:1"), head=models + HEAD))

    assert finding.problem == "is missing, and no model is called churm"
    assert finding.remedy == "did you mean 'churn'? Or name a data contract here"


def test_a_route_may_send_rows_of_csv_to_an_online_endpoint_and_no_other_files(write, tmp_path):
    online = write(route(score="{environment: dev, endpoint: e, kind: online, model: m}"))
    assert load(online).routes[0].score.online
    (tmp_path / "contract.yaml").write_text("format: parquet\ncolumns: [{name: id, type: integer}]\n")

    with pytest.raises(ConfigurationError, match=r"score\.kind: is online, and the files of contract.yaml are parq"):
        load(online)
    headless = "format: csv\ncsv: {header: false}\ncolumns: [{name: id, type: integer, field: 1}]\n"
    (tmp_path / "contract.yaml").write_text(headless)

    with pytest.raises(ConfigurationError, match=r"score\.kind: is online, and contract.yaml says csv.header: false"):
        load(online)
