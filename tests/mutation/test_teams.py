"""Remove one condition that keeps teams apart, and a named test must fail."""

import pytest

from shared.domain.teams.ownership import PLATFORM
from tests.amounts import sample
from tests.mutation.removal import Lock, expect_failure, remove
from tests.security import test_teams as teams
from tests.security.test_teams import SharedApp, app  # noqa: F401 (a fixture)
from tests.unit.config import test_teams as configurations

ONE_ANSWER = teams.test_a_team_gets_what_is_its_own_and_one_answer_for_everything_else
BESIDE = teams.test_nothing_of_another_team_is_named_beside_what_is_its_own
LISTS = teams.test_a_list_shows_a_team_its_own_and_no_trace_of_another
AUDIT = teams.test_the_audit_log_is_filtered_by_team_as_far_as_its_people_may_see
PAGE = teams.test_a_page_of_the_console_offers_nothing_of_another_team
LOCKS = [
    Lock(
        symbol="owner_in_scope",
        condition="not scope.whole and (owner is None or not scope.covers(owner))",
        without="False",
        guard=ONE_ANSWER,
    ),
    Lock(
        symbol="owner_in_scope",
        condition="route.team == PLATFORM_ONLY and (not scope.whole)",
        without="False",
        guard=teams.test_what_concerns_every_team_is_for_the_platform,
    ),
    Lock(
        symbol="triggers.http.teams._of_model",
        condition="data and _of_place(clients, data, owner) != owner",
        without="False",
        guard=BESIDE,
    ),
    Lock(
        symbol="triggers.http.teams._of_model",
        condition="not is_stage or configuration.team_of(Belonging.STAGE, stage) == owner",
        without="True",
        guard=BESIDE,
    ),
    Lock(
        symbol="triggers.http.teams._of_model",
        condition="len(owners_of_models) == 1",
        without="owners_of_models",
        guard=BESIDE,
    ),
    Lock(
        symbol="triggers.http.teams._of_route",
        condition="all(_of_place(clients, file, owner) == owner for file in files)",
        without="True",
        guard=BESIDE,
    ),
    Lock(symbol="triggers.http.teams._of_dataset", condition="files_are_own", without="True", guard=BESIDE),
    Lock(symbol="triggers.http.teams._of_dataset", condition="runs_are_own", without="True", guard=BESIDE),
    Lock(symbol="triggers.http.teams._of_dataset", condition="versions_are_own", without="True", guard=BESIDE),
    Lock(
        symbol="triggers.http.teams._of_place",
        condition="place.startswith(f'{configuration.hub.staging}/{CHECK_FILES}{team}/')",
        without="place.startswith(f'{configuration.hub.staging}/{CHECK_FILES}')",
        guard=BESIDE,
    ),
    Lock(
        symbol="configuration_seen_by",
        condition="scope.covers(configuration.team_of(kind, name))",
        without="True",
        guard=LISTS,
    ),
    Lock(
        symbol="ApiRequest.sees",
        condition="self.scope.covers(self.clients.configuration.team_of(kind, name))",
        without="True",
        guard=LISTS,
    ),
    Lock(symbol="ignored_events.is_in_scope", condition="request.scope.covers(owner)", without="True", guard=LISTS),
    Lock(
        symbol="queue_letters.rows",
        condition="scope.covers(owner_of_dead(clients, dead))",
        without="True",
        guard=teams.test_letters_of_queues_are_those_of_the_team_that_they_name,
    ),
    Lock(
        symbol="owner_of_folder",
        condition="len(owners) == 1",
        without="owners",
        guard=configurations.TestWhatATeamSees().test_a_folder_belongs_to_the_one_team_whose_files_can_lie_in_it,
        arguments={"folder": "landing/", "owner": PLATFORM},
    ),
    Lock(symbol="audits._is_listed", condition="request.scope.covers(entry.team)", without="True", guard=AUDIT),
    Lock(symbol="audits._is_listed", condition='query.team in ("", entry.team)', without="True", guard=AUDIT),
    Lock(
        symbol="list_audit_entries",
        condition="query.team and (not request.scope.covers(query.team))",
        without="False",
        guard=AUDIT,
    ),
    Lock(
        symbol="audits._about",
        condition="request.scope.covers(entry.team)",
        without="True",
        guard=teams.test_the_history_of_a_model_has_no_data_set_of_another_team,
    ),
    Lock(
        symbol="serving.page_request",
        condition="clients_seen_by(clients, scope_of(clients, session.person, Action.READ))",
        without="clients",
        guard=PAGE,
    ),
    Lock(
        symbol="triggers.http.teams.is_open_to",
        condition="route.team != PLATFORM_ONLY or scope_of(clients, caller, route.may).whole",
        without="True",
        guard=PAGE,
    ),
    Lock(
        symbol="dispatch._within_scope",
        condition="teams.scope_of(clients, caller, route.may)",
        without="teams.WHOLE",
        guard=teams.test_the_console_calls_the_api_with_the_scope_of_its_person,
    ),
]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_condition_stands_where_it_is_named(lock: Lock) -> None:
    lock.changed()


@pytest.mark.long
@pytest.mark.parametrize("lock", sample(LOCKS, 5), ids=str)
async def test_a_removed_condition_is_noticed(
    app: SharedApp,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    lock: Lock,
) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, app=app, configuration=app.clients.configuration, **lock.arguments)
