"""The generated data: current, packed as Event Grid takes it, and, once deployed, a platform that the doctor likes."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.check.evaluation import Files, evaluate
from infra.check.installation import GENERATED, Installed, install
from infra.check.judgement import EXAMPLES, committed_files, judge
from infra.check.rules.access import role_of, scopes
from infra.check.values import Deployment
from shared.config import load
from shared.domain.configuration import Configuration
from shared.domain.paths.patterns import fixed_prefix
from shared.operations.doctor.examine import examine
from shared.operations.doctor.findings import Grade
from shared.operations.doctor.verification import verify
from shared.operations.infrastructure.__main__ import infrastructure, main
from shared.operations.infrastructure.app_settings import FORBIDDEN_ON_FLEX, Source, app_settings
from shared.operations.infrastructure.filters import MOST_VALUES, file_subscriptions, subject
from shared.operations.roles.__main__ import page
from shared.operations.roles.assignments import assignments
from shared.operations.roles.catalogue import TEMPLATE_ROLES
from shared.settings import DEFAULTS
from signalbox.emulators.event_grid.filters import read_filters
from tests.infra.installations import DeployedControl
from tests.unit.doctor.test_doctor import site

PROJECT = Path(__file__).parents[2]
CONFIGURATION = load(PROJECT / "signalbox.yaml")
OPEN, _, SEALED = EXAMPLES
FOLDERS = st.text(alphabet="abAB-_0", min_size=1, max_size=6)


@cache
def committed() -> Files:
    return committed_files(PROJECT / "infra")


def test_the_committed_data_are_those_of_the_configuration():
    assert json.loads(committed().texts[GENERATED]) == infrastructure(CONFIGURATION)


def test_every_setting_of_the_app_has_one_source_and_none_is_forbidden_on_flex():
    rows = app_settings(CONFIGURATION)

    assert len({row.name for row in rows}) == len(rows)
    assert set(DEFAULTS) <= {row.name for row in rows}
    assert not {row.name for row in rows} & set(FORBIDDEN_ON_FLEX)
    assert [row.name for row in rows if row.source is Source.ABSENT][:1] == ["SERVICE_BUS"]


def test_an_upgrade_is_taken_back_by_a_setting_of_the_installation():
    strategy = "AzureFunctionsJobHost__extensions__durableTask__versionFailureStrategy"
    texts = dict(committed().texts)
    installation = json.loads(texts[EXAMPLES[0]])
    installation["platform"]["operatorSettings"][strategy] = "Fail"
    files = Files({**texts, EXAMPLES[0]: json.dumps(installation)})

    assert [str(finding) for finding in judge(files, [EXAMPLES[0]])] == []
    (settings_of_app,) = install(files, EXAMPLES[0]).of_type("Microsoft.Web/sites/config")
    assert settings_of_app.properties[strategy] == "Fail"
    assert settings_of_app.properties["AzureWebJobsDisableHomepage"] == "true"


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_writer_may_assign_every_role_that_the_templates_assign(path):
    """In Azure the condition of `docs/roles.md` refuses any other: the first apply would end there."""
    _, _, text = page(CONFIGURATION).partition("## What the writer may assign")
    assigned = {role_of(role) for role in install(committed(), path).of_type("Microsoft.Authorization/roleAssignments")}

    for condition in re.findall(r"GuidEquals \{(.*)\}", text):
        assert assigned <= set(condition.split(", "))
    assert len(re.findall("GuidEquals", text)) == 2


def test_the_writer_may_assign_every_role_that_a_template_names():
    text = "".join(text for path, text in committed().texts.items() if path.endswith(".bicep"))
    named = set(re.findall(r"'([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'", text))

    assert named <= set(re.findall(r"\| ([0-9a-f-]{36}) \|\n", page(CONFIGURATION)))
    assert {identifier for _, identifier, _ in TEMPLATE_ROLES} <= named


@pytest.mark.parametrize("stands", [False, True])
def test_staged_files_end_by_a_rule_that_replaces_none_of_somebody_elses_account(stands):
    """An account has one policy: whoever writes it takes away the rules that it had."""
    parameters, data = (json.loads(committed().texts[path]) for path in (OPEN, GENERATED))
    parameters["hub"]["accountStands"] = stands
    data["hub"]["staging"] = "own-staging"
    files = Files({**committed().texts, OPEN: json.dumps(parameters), GENERATED: json.dumps(data)})

    policies = install(files, OPEN).of_type("Microsoft.Storage/storageAccounts/managementPolicies")

    rules = [rule for policy in policies for rule in policy.properties["policy"]["rules"]]
    prefixes = [rule["definition"]["filters"]["prefixMatch"] for rule in rules]
    assert prefixes == ([] if stands else [["own-staging/runs/", "own-staging/imports/"]])


def test_every_assignment_of_the_role_table_has_a_row():
    rows = {(row["target"], row["role"]) for row in infrastructure(CONFIGURATION)["roles"]}

    assert {(a.target, role.name) for a in assignments(CONFIGURATION) for role in a.roles} <= rows


def test_a_sealed_profile_names_what_cannot_work(capsys):
    assert main([str(PROJECT / "signalbox.yaml"), "--profile", "sealed"]) == 1
    problems = capsys.readouterr().err
    assert "devops.organisations" in problems
    assert "ladder.production.rollout.alerts" in problems


@pytest.mark.parametrize("profile", ["open", "restricted"])
def test_other_profiles_close_no_door(profile):
    assert main([str(PROJECT / "signalbox.yaml"), "--profile", profile]) == 0


# Filters.


def routed(locations: list[str]) -> Configuration:
    """The example with a route for each of *locations*, and nothing that is trained."""
    each = next(route for route in CONFIGURATION.routes if route.name == "diabetes-each")
    routes = tuple(replace(each, name=f"r{number}", take=take) for number, take in enumerate(locations))
    return replace(CONFIGURATION, routes=routes, retraining=())


def event(location: str) -> dict[str, object]:
    return {
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": subject(location),
        "data": {"api": "PutBlob"},
    }


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(FOLDERS, min_size=1, max_size=3), min_size=1, max_size=60), FOLDERS)
def test_every_path_of_a_route_passes_exactly_one_subscription_and_staged_files_none(folders, name):
    takes = [f"landing/{'/'.join(parts)}/{{name}}.csv" for parts in folders]
    plans = file_subscriptions(routed(takes), "datahub")
    filters = [read_filters(plan.filters()) for plan in plans]  # As the Event Grid emulator honours them.

    def deliveries(location: str) -> int:
        return sum(all(rule.admits(event(location)) for rule in rules) for rules in filters)

    assert all(sum(len(rule["values"]) for rule in plan.filters()) <= MOST_VALUES for plan in plans)
    assert [deliveries(f"{fixed_prefix(take)}{name}.csv") for take in takes] == [1] * len(takes)
    hub = CONFIGURATION.hub
    for container in (hub.staging, hub.state, hub.dead_letters, hub.quarantine):
        assert deliveries(f"{container}/{name}.csv") == 0


def test_a_route_that_lies_inside_another_brings_no_second_delivery():
    (plan,) = file_subscriptions(routed(["landing/a/{x}.csv", "landing/a/b/{x}.csv", "landing/A/c/{x}.csv"]), "datahub")

    assert len(plan.prefixes) == 1


def test_a_fixed_part_beyond_the_limit_of_a_value_is_refused():
    with pytest.raises(ValueError, match="512 characters"):
        file_subscriptions(routed([f"landing/{'x' * 500}/{{name}}.csv"]), "datahub")


# The doctor.


@cache
def installation(path: str) -> Installed:
    return install(committed(), path)


def deployed_site(installed: Installed) -> SimpleNamespace:
    """What the doctor sees of the app that *installed* makes: its settings are those of the templates."""
    values = installed.of_type("Microsoft.Web/sites/config")[0].properties
    platform = installed.evaluations["platform"].outputs
    examined = site()
    examined.control = DeployedControl(installed)
    vars(examined.settings).update(
        queues=tuple((name, value) for name, value in values.items() if name.endswith("_QUEUE")),
        results_topic=values["SIGNALBOX_RESULTS_TOPIC"],
        bus_name=values["SERVICE_BUS__fullyQualifiedNamespace"].partition(".")[0],
        site_name=platform["appName"],
    )
    group = platform["busId"].split("/")
    resource_group = replace(CONFIGURATION.hub_group, subscription=group[2], name=group[4])
    examined.configuration = replace(CONFIGURATION, bus_group=resource_group)
    return examined


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_doctor_finds_nothing_in_what_the_templates_deploy(path):
    findings = examine(deployed_site(installation(path)))

    wrong = [finding for finding in findings if finding.grade is not Grade.OK]
    assert [f"{finding.check}: {finding.subject}: {finding.found}" for finding in wrong] == []


NAMES = tuple(workspace.name for workspace in CONFIGURATION.workspaces)
GROUPS = CONFIGURATION.provisioned().groups


@pytest.mark.parametrize("path", EXAMPLES)
def test_what_the_templates_deploy_is_verified_for_every_persona(path):
    verified = verify(deployed_site(installation(path)), NAMES, GROUPS)

    assert verified.problems == ()
    assert len(verified.proven) == len(GROUPS) * len(NAMES)
    assert "ml-engineer in mlw-dev may do what AzureML Data Scientist says, and nothing else" in verified.proven


def test_a_persona_whose_role_the_templates_leave_out_is_named():
    installed = variant(OPEN)
    parameters = {**installed.parameters, "groups": {**installed.parameters["groups"], "ml-engineer": "another"}}
    texts = {**committed().texts, OPEN: json.dumps(parameters)}
    problems = verify(deployed_site(install(Files(texts), OPEN)), NAMES, GROUPS).problems

    assert len(problems) == len(NAMES)
    assert all(problem.startswith("personas: ml-engineer in mlw-") for problem in problems)


# Coverage of the templates.


def test_the_role_on_what_sends_mail_is_given_on_both_of_its_resources():
    installed = variant(OPEN)
    given = {role.scope for role in installed.of_type("Microsoft.Authorization/roleAssignments")}
    home = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Communication"

    assert {f"{home}/communicationServices/acs", f"{home}/emailServices/mail"} <= given
    assert set(scopes(installed, "mail")) <= given
    assert scopes(installation(OPEN), "mail") == []


def variant(path: str, **changes: object) -> Installed:
    """An example with other values of its platform, zones of its hub, and a container of the audit log."""
    files = committed()
    parameters = json.loads(files.texts[path])
    parameters["hub"]["zoneIds"] = {"blob": "/zone", "dfs": "/zone"}
    parameters["platform"].update(changes)
    data = json.loads(files.texts[GENERATED])
    data["hub"].update(audit="audit", containers=[*data["hub"]["containers"], "audit"])
    parameters["platform"]["mail"] = {
        "subscription": "s",
        "resourceGroup": "g",
        "communication": "acs",
        "email": "mail",
    }
    data["roles"].append({"identity": "app", "target": "mail", "role": "Reader", "id": READER, "why": "mail"})
    data["roles"].append({"identity": "app", "target": "logs:prod", "role": "Reader", "id": READER, "why": "counts"})
    texts = {path: json.dumps(parameters), GENERATED: json.dumps(data)}
    return install(Files({**files.texts, **texts}), path)


def test_every_field_of_an_installation_is_explained_on_the_page_of_the_deployment():
    """Names that people choose (of teams, personas, settings, tags) are no fields."""
    text = (PROJECT / "docs" / "deploy.md").read_text()
    chosen = ("teams", "groups", "operatorSettings", "tags")

    def fields(value: object, is_chosen: bool) -> Iterator[str]:
        rows = value if isinstance(value, list) else []
        for row in rows:
            yield from fields(row, False)
        for name, inner in value.items() if isinstance(value, dict) else ():
            yield from () if is_chosen else (name,)
            yield from fields(inner, name in chosen)

    names = {name for path in EXAMPLES for name in fields(json.loads(committed().texts[path]), False)} - {
        "note",
        "name",
    }
    assert len(names) > 50
    assert [name for name in sorted(names) if not re.search(rf"[`.]{name}`", text)] == []


def test_every_condition_of_the_templates_is_met_both_ways():
    """So that no branch is committed that nothing has evaluated."""
    variants = (
        variant(OPEN, durableBackend="scheduler"),
        variant(
            SEALED,
            durableBackend="scheduler",
            hubNetworkId="",
            signingVault="",
            zoneIds=dict.fromkeys(ZONES, "/zone"),
            alwaysReady=0,
        ),
    )
    outcomes: dict[str, set[bool]] = {}
    for installed in (*(installation(path) for path in EXAMPLES), *variants):
        for evaluation in installed.evaluations.values():
            for place, values in evaluation.conditions.items():
                outcomes.setdefault(str(place), set()).update(values)

    assert [place for place, values in outcomes.items() if len(values) < 2] == []


def test_the_whole_platform_comes_with_its_resource_group():
    """`main.bicep` is what `azd` and a first deployment by hand use."""
    parameters = json.loads(committed().texts[OPEN])
    values = {**parameters["platform"], "tags": parameters["tags"], "profile": parameters["profile"]}
    arguments = {"resourceGroupName": "rg-signalbox-prod", "location": "westeurope", "settings": values}
    platform = evaluate(committed(), "main.bicep", arguments, Deployment(subscription=parameters["subscription"]))

    group, *resources = platform.resources
    assert group.type == "Microsoft.Resources/resourceGroups"
    assert {resource.id for resource in resources} == {
        resource.id for resource in installation(OPEN).evaluations["platform"].resources
    }


READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ZONES = ("blob", "queue", "table", "vault", "namespace", "topic", "sites")
