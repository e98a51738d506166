"""A team's own storage account on Azure: what the templates deploy for it, in each profile, and what the rules find."""

import json
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.check.evaluation import Files
from infra.check.installation import Installed, install
from infra.check.judgement import EXAMPLES, judge
from infra.check.rules.access import principal_of, role_of
from shared.domain.azure import resources
from shared.domain.configuration import Configuration, ResourceGroup, TeamHub
from shared.operations.doctor.examine import examine
from shared.operations.doctor.findings import Grade
from shared.operations.infrastructure.__main__ import infrastructure
from shared.operations.infrastructure.filters import file_subscriptions
from signalbox.emulators.event_grid.filters import read_filters
from tests.infra.test_generated import CONFIGURATION, GENERATED, committed, deployed_site, event

LAB = TeamHub(
    name="ward-lab",
    account="stwardlab",
    containers=("ward-lab", "ward-notes"),
    environments=("experiment", "dev"),
    group=ResourceGroup(subscription="00000000-0000-0000-0000-000000000001", name="rg-ward-lab"),
)
ACCOUNT = resources.hub_account(LAB)
WRITER = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


def with_lab(team: str = "") -> Configuration:
    each = next(route for route in CONFIGURATION.routes if route.name == "diabetes-each")
    tried = replace(each, name="tried", take="ward-lab/landing/{name}.csv", publish="ward-lab/predictions/{run}")
    return replace(CONFIGURATION, hubs=(replace(LAB, team=team),), routes=(*CONFIGURATION.routes, tried))


def files(path: str, stands: bool = False, **changes: str) -> Files:
    """The committed templates with the data of that configuration, and an installation that has the hub."""
    texts = {**committed().texts, **changes}
    parameters = json.loads(texts[path])
    parameters["teamHubs"] = {
        LAB.name: {
            "accountStands": stands,
            "customerKey": {},
            "endpointsSubnetId": parameters["hub"]["endpointsSubnetId"],
            "zoneIds": {"blob": "/zone", "dfs": "/zone"} if stands else {},
        }
    }
    return Files({**texts, path: json.dumps(parameters), GENERATED: json.dumps(infrastructure(with_lab()))})


@cache
def deployed(path: str, stands: bool = False) -> Installed:
    return install(files(path, stands), path)


@pytest.mark.parametrize("stands", [False, True])
@pytest.mark.parametrize("path", EXAMPLES)
def test_no_rule_finds_anything_in_an_installation_with_a_teams_hub(path: str, stands: bool) -> None:
    assert [str(finding) for finding in judge(files(path, stands), [path])] == []


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_doctor_finds_nothing_in_what_is_deployed(path: str) -> None:
    site = deployed_site(deployed(path))
    site.configuration = replace(with_lab(), bus_group=site.configuration.bus_group)
    findings = examine(site)

    wrong = [finding for finding in findings if finding.grade is not Grade.OK]
    assert [f"{finding.check}: {finding.subject}: {finding.found}" for finding in wrong] == []
    assert "route tried" in {finding.subject for finding in findings if finding.check == "events"}


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_people_and_computes_that_experiment_write_there_and_no_others(path: str) -> None:
    installed = deployed(path)
    writers = {
        principal_of(role)
        for role in installed.of_type("Microsoft.Authorization/roleAssignments")
        if role_of(role) == WRITER and str(role.scope).startswith(f"{ACCOUNT}/")
    }
    groups, app = installed.parameters["groups"], installed.evaluations["platform"].outputs["appPrincipalId"]
    kind = "Microsoft.MachineLearningServices/workspaces/computes"
    computes = {
        name: {
            f"<{each.id}#identity.principalId>"
            for each in installed.evaluations[f"team:{name}"].resources
            if each.type == kind
        }
        for name in ("dev", "prod")
    }

    assert {groups["data-scientist"], groups["ml-engineer"], app, *computes["dev"]} <= writers
    assert not {groups["product-owner"], groups["data-owner"], *computes["prod"]} & writers


@pytest.mark.parametrize("groups", [{}, {"data-scientist": "11111111-0000-0000-0000-000000000001"}])
def test_in_the_hub_of_one_team_the_groups_of_all_have_no_role(groups: dict[str, str]) -> None:
    """Where several teams share the app a persona is a group of each: `teamHubs` names those of the hub's team."""
    texts = files(EXAMPLES[0]).texts
    parameters = json.loads(texts[EXAMPLES[0]])
    parameters["teamHubs"][LAB.name] |= {"groups": groups} if groups else {}
    generated = json.dumps(infrastructure(with_lab("churn")))
    changed = Files({**texts, EXAMPLES[0]: json.dumps(parameters), GENERATED: generated})
    writers = {
        principal_of(role)
        for role in install(changed, EXAMPLES[0]).of_type("Microsoft.Authorization/roleAssignments")
        if role_of(role) == WRITER and str(role.scope).startswith(f"{ACCOUNT}/")
    }

    assert not set(parameters["groups"].values()) & writers
    assert set(groups.values()) <= writers
    assert [str(finding) for finding in judge(changed, [EXAMPLES[0]])] == []


@pytest.mark.parametrize("path", EXAMPLES)
def test_only_the_hubs_environments_have_a_way_to_it(path: str) -> None:
    rules = deployed(path).of_type("Microsoft.MachineLearningServices/workspaces/outboundRules")
    ways = {
        rule.name.partition("/")[0]
        for rule in rules
        if rule.properties.get("destination", {}) != {} and ACCOUNT in str(rule.properties["destination"])
    }

    assert ways == (set() if path == EXAMPLES[0] else {"mlw-experiment", "mlw-dev"})


def test_events_of_each_account_have_subscriptions_of_their_own_and_one_place_for_dead_letters() -> None:
    installed, central = deployed(EXAMPLES[2]), resources.account(CONFIGURATION)
    topics = {topic.id: topic.properties["source"] for topic in installed.of_type("Microsoft.EventGrid/systemTopics")}
    by_account: dict[str, list[str]] = {}
    for entry in installed.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions"):
        source = topics[entry.id.rpartition("/eventSubscriptions/")[0]]
        if "storageAccounts" in source:
            prefixes = entry.properties["filter"]["advancedFilters"][0]["values"]
            by_account.setdefault(source, []).extend(prefixes)
            letters = entry.properties["deadLetterWithResourceIdentity"]["deadLetterDestination"]["properties"]
            assert (letters["resourceId"], letters["blobContainerName"]) == (central, "dead-letters")

    assert set(by_account) == {central, ACCOUNT}
    assert all("/containers/ward-lab/" in prefix for prefix in by_account[ACCOUNT])
    assert not any("/containers/ward-lab/" in prefix for prefix in by_account[central])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("landing", "ward-lab", "ward-notes")), st.sampled_from("abc")), min_size=1))
def test_every_path_passes_one_subscription_of_its_own_account_and_none_of_the_other(takes) -> None:
    each = CONFIGURATION.routes[0]
    routes = tuple(
        replace(each, name=f"r{number}", take=f"{container}/{folder}/{{name}}.csv")
        for number, (container, folder) in enumerate(takes)
    )
    configuration = replace(CONFIGURATION, hubs=(LAB,), routes=routes, retraining=())

    def deliveries(account: str, location: str) -> int:
        plans = file_subscriptions(configuration, account)
        filters = [read_filters(plan.filters()) for plan in plans]
        return sum(all(rule.admits(event(location)) for rule in rules) for rules in filters)

    for container, folder in takes:
        own = configuration.account_of(container)
        (other,) = {"datahub", LAB.account} - {own}
        location = f"{container}/{folder}/x.csv"
        assert (deliveries(own, location), deliveries(other, location)) == (1, 0)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("(row.identity == 'app' && startsWith", "(row.identity == 'nobody' && startsWith", "team-container:ward-lab"),
        ("row.target == 'team-account:${hubName}'", "row.target == 'team-account'", "team-account:ward-lab"),
        ("row.target == 'events-queue'", "row.target == 'event-queue'", "evgst-stwardlab may not deliver"),
        ("public: isOpen", "public: true", "stwardlab"),
        ("lock: true", "lock: false", "stwardlab can be deleted by accident"),
        ("    principalType: 'Group'", "    principalType: 'ServicePrincipal'", "people have roles by their groups"),
        (
            "endpoints 'modules/private-endpoint.bicep' = [for service in ['blob', 'dfs']: if (!isOpen)",
            "endpoints 'modules/private-endpoint.bicep' = [for service in ['blob', 'dfs']: if (isOpen)",
            "stwardlab",
        ),
    ],
)
def test_a_mistake_in_the_template_is_found(before: str, after: str, problem: str) -> None:
    text = committed().texts["team-hub.bicep"]
    assert before in text
    findings = judge(files(EXAMPLES[2], **{"team-hub.bicep": text.replace(before, after)}), [EXAMPLES[2]])

    assert any(problem in str(finding) for finding in findings), findings


def test_a_container_of_the_data_hub_is_not_the_peoples() -> None:
    text = committed().texts["team-hub.bicep"]
    start = text.index("module personaRoles")
    changed = text[:start] + text[start:].replace("account: hub.account", "account: data.hub.account", 1)
    findings = judge(files(EXAMPLES[0], **{"team-hub.bicep": changed}), [EXAMPLES[0]])

    assert any("people have a role on" in str(finding) and "datahub" in str(finding) for finding in findings)


def test_every_condition_of_the_template_is_met_both_ways() -> None:
    outcomes: dict[str, set[bool]] = {}
    texts = files(EXAMPLES[0]).texts
    without_groups = {EXAMPLES[0]: json.dumps({**json.loads(texts[EXAMPLES[0]]), "groups": {}})}
    variants = (deployed(path, stands) for path in EXAMPLES for stands in (False, True))
    for installed in (*variants, install(Files({**texts, **without_groups}), EXAMPLES[0])):
        for evaluation in installed.evaluations.values():
            for place, values in evaluation.conditions.items():
                outcomes.setdefault(str(place), set()).update(values)

    ours = {place: values for place, values in outcomes.items() if place.startswith("team-hub.bicep")}
    assert len(ours) > 5
    assert [place for place, values in ours.items() if len(values) < 2] == []
