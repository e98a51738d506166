"""The conditions by which files of a team's hub reach no production: without one, a test fails."""

import inspect
from dataclasses import replace
from pathlib import Path

import pytest

from tests.inference import test_team_hubs as stories
from tests.inference.conftest import InferenceApp, app, sweeps  # noqa: F401 (fixtures)
from tests.inference.test_team_hubs import lab  # noqa: F401 (a fixture)
from tests.mutation.removal import Guard, Lock, expect_failure, remove
from tests.team_hubs import LAB_HUB
from tests.unit import test_envelopes as envelopes
from tests.unit.config import test_hubs as rules
from tests.unit.config import test_hubs_of_teams as owners


def lock(symbol: str, condition: str, without: str, guard: Guard, **arguments: object) -> Lock:
    return Lock(symbol=symbol, condition=condition, without=without, guard=guard, arguments=arguments)


REACHED = rules.test_files_of_a_teams_hub_reach_no_environment_but_the_hubs
MADE = rules.test_what_was_made_of_a_hubs_files_decides_about_nothing_that_ships
LED = rules.test_an_experiment_is_a_workspace_to_which_no_stage_leads
REFUSED = rules.test_a_hub_that_cannot_be_is_refused
ALONE = envelopes.test_an_account_speaks_for_its_own_containers_alone
CASES = [
    lock(
        "_HubGuard.places",
        "use.workspace.name not in hub.environments",
        "False",
        REACHED,
        changes={"answered_in": "prod"},
        field="answers.told.publish",
    ),
    lock(
        "_HubGuard.places",
        "use.workspace is None",
        "False",
        REACHED,
        changes={"holdout": "ward-notes/churn.csv"},
        field="models.churn.promotion.holdout.path",
    ),
    lock(
        "_HubGuard.results",
        "self._hub(use.route.publish) != hub",
        "False",
        REACHED,
        changes={"tried": "training/churn"},
        field="routes.tried.take",
    ),
    lock(
        "_HubGuard.retrainings",
        "hub is not None and target",
        "False",
        REACHED,
        changes={"ships": "      promote_to: preprod"},
        field="models.churn.retraining.data.rows.take",
    ),
    lock(
        "_HubGuard.datasets",
        "self._may_be_of_hub(reference.name)",
        "False",
        MADE,
        changes={"holdout": "labset@v1", "more": rules.OF_HUBS},
        field="models.churn.promotion.holdout.path",
    ),
    lock(
        "_HubGuard._is_central",
        "not any(meant)",
        "True",
        MADE,
        changes={"trains_on": "signalbox-staging/training-sets/churn"},
        field="ladder.preprod.train.churn.data.d.path",
    ),
    lock(
        "_HubGuard._is_central",
        "bool(meant)",
        "True",
        MADE,
        changes={"trains_on": "signalbox-staging/retraining/x"},
        field="ladder.preprod.train.churn.data.d.path",
    ),
    lock(
        "_HubGuard.trainings",
        "folder.datastore.lower().replace('-', '_') in names",
        "False",
        MADE,
        changes={"datastore": "Ward_Lab"},
        field="ladder.preprod.train.churn.data.d.datastore",
    ),
    lock(
        "TeamHub.may_fill",
        "places <= set(self.environments)",
        "True",
        rules.test_what_comes_from_the_data_hub_is_used_as_ever,
        changes={"holdout": "labset@v1", "more": rules.OF_THE_PLATFORM},
    ),
    lock(
        "section._check_environments",
        "not environments[name].experiment",
        "False",
        REFUSED,
        before="[experiment, dev]",
        after="[dev, preprod]",
        said="hubs.ward-lab.environments: have 'preprod'",
    ),
    lock(
        "section._reasons",
        "stage.environment.name in twins",
        "False",
        LED,
        environments=rules.SERVED,
        said="stage prod of the ladder places versions",
    ),
    lock(
        "section._reasons",
        "not environments[other].experiment",
        "False",
        LED,
        environments=rules.ALONE,
        said="lab is the same workspace and says otherwise",
    ),
    lock(
        "section._reasons",
        "twins.intersection(shipping).difference((stage.source for stage in ladder.stages))",
        "()",
        rules.test_what_productionisation_makes_is_no_experiment_unless_versions_begin_there,
        environment="scoring",
        step="productionisation",
        refused=True,
    ),
    lock(
        "section._reasons",
        "twin.identity == section.identity",
        "other == name",
        LED,
        environments=rules.SERVED,
        said="stage prod of the ladder places versions",
    ),
    lock(
        "hubs_of",
        "containers.setdefault(container, f'hub {name}')",
        "f'hub {name}'",
        rules.test_no_two_hubs_share_an_account_or_a_container_and_all_errors_come_at_once,
    ),
    lock(
        "_read_storage_event",
        "_sender(envelope) not in ('', own.lower())",
        "False",
        ALONE,
        topic=envelopes.TEAM,
        container="landing",
        reason="is not the account of container landing",
    ),
    lock(
        "envelopes._irrelevance",
        "_sender(envelope) not in accounts",
        "False",
        ALONE,
        topic=envelopes.ACCOUNT.replace("datahub", "stranger"),
        container="ward-lab",
        reason="stranger is not the hub's account",
    ),
]
TEAMS = [
    lock(
        "_Guard._areas",
        "configuration.hubs if configuration.teams else ()",
        "()",
        owners.test_no_other_team_names_a_place_in_a_hub,
        change=owners.PUBLISHED,
        team=owners.OWN,
        owner="team churn",
    ),
    lock(
        "section._check_team",
        "if team is None",
        "False",
        owners.test_a_hub_is_of_a_team_that_may_use_its_environments,
        team=", team: fraud",
        own=owners.PLATFORM,
        said="hubs.churn-lab.team: is 'fraud'; use churn, vision",
    ),
    lock(
        "owner_of_folder",
        "if hub is not None",
        "False",
        owners.test_its_own_team_uses_it_and_owns_what_nobody_takes,
    ),
]
ANSWERED = rules.test_answers_of_a_hubs_environment_lie_where_nothing_decides
TEAMS += [
    lock(
        "_HubGuard.answers",
        "if path is not None",
        "False",
        ANSWERED,
        answered="labels/churn/told",
        judge="models.churn.drift.labels.path",
    ),
    lock(
        "_HubGuard.assets",
        "hub is not None and others",
        "False",
        rules.test_no_data_asset_has_files_of_a_hub_and_others,
        served_in="dev",
        is_refused=True,
    ),
    lock(
        "_HubGuard.answers",
        "use.is_folder",
        "False",
        ANSWERED,
        answered="training/churn",
        judge="ladder.preprod.train.churn.data.d.path",
    ),
]
FILES = stories.test_the_files_decide_and_not_what_the_route_takes
RUNS = [
    lock(
        "Configuration._closed_to",
        "route.score.workspace.name in hub.environments",
        "True",
        stories.test_a_repetition_takes_no_file_of_the_hub_along_to_where_the_route_has_gone,
        publish="lab/predictions/{run}",
    ),
    lock(
        "Configuration._closed_to",
        "published == hub",
        "True",
        FILES,
        environment="dev",
    ),
    lock("find_members", "if problem", "False", FILES, environment="prod"),
    lock(
        "Configuration._closed_to",
        "if place.account",
        "False",
        stories.test_pinned_files_stay_the_teams_after_its_hub_was_removed,
        hubs=(replace(LAB_HUB, name="twin", account="sttwin"),),
        publish="lab/out/{run}",
    ),
    lock(
        "Configuration.closed_files",
        "not closed and self.hubs",
        "False",
        stories.test_files_of_which_no_record_says_whence_they_came_are_not_scored_again,
    ),
    lock("arrival_places", "inference = record.inference", "return frozenset()", FILES, environment="prod"),
    lock(
        "windows.is_watched",
        "_is_central(clients, inference)",
        "True",
        stories.test_rows_of_the_hub_count_for_no_drift_by_whatever_route,
    ),
]


@pytest.mark.parametrize("case", RUNS, ids=str)
async def test_without_the_condition_a_run_takes_a_file_along(
    case: Lock,
    lab: InferenceApp,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, lab=lab, **case.arguments)


@pytest.mark.parametrize("case", [*CASES, *TEAMS], ids=str)
async def test_without_the_condition_a_file_reaches_what_it_must_not(
    case: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _sound(case, tmp_path)
    remove(monkeypatch, case)
    await expect_failure(case.guard, tmp_path=tmp_path, **case.arguments)


async def _sound(case: Lock, tmp_path: Path) -> None:
    """The test passes with the condition, so that it is the condition that it fails without."""
    names = inspect.signature(case.guard).parameters
    case.guard(**{name: value for name, value in {"tmp_path": tmp_path, **case.arguments}.items() if name in names})
