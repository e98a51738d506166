"""The conditions by which files of a team's hub reach no production: without one, a test fails."""

import inspect
from pathlib import Path

import pytest

from tests.mutation.removal import Guard, Lock, expect_failure, remove
from tests.unit import test_envelopes as envelopes
from tests.unit.config import test_hubs as rules


def lock(symbol: str, condition: str, without: str, guard: Guard, **arguments: object) -> Lock:
    return Lock(symbol=symbol, condition=condition, without=without, guard=guard, arguments=arguments)


REACHED = rules.test_files_of_a_teams_hub_reach_no_environment_but_the_hubs
REFUSED = rules.test_a_hub_that_cannot_be_is_refused
ALONE = envelopes.test_an_account_speaks_for_its_own_containers_alone
CASES = [
    lock(
        "_HubGuard._outside",
        "environment not in hub.environments",
        "False",
        REACHED,
        changes={"scored_in": "prod"},
        field="routes.tried.take",
    ),
    lock(
        "_HubGuard._shipped",
        "stages[target].place not in hub.environments",
        "False",
        REACHED,
        changes={"ships": "      promote_to: preprod"},
        field="models.churn.retraining.data.rows.take",
    ),
    lock(
        "_HubGuard._shipped",
        "stages[target].place not in hub.environments",
        "True",
        rules.test_a_better_model_may_go_where_the_hub_may_be_used,
    ),
    lock(
        "_HubGuard.judges",
        "if hub is not None",
        "False",
        REACHED,
        changes={"holdout": "ward-notes/churn.csv"},
        field="models.churn.promotion.holdout.path",
    ),
    lock(
        "Ladder.is_above_development",
        "stage.source in names",
        "False",
        REFUSED,
        before="[experiment, dev]",
        after="[dev, preprod]",
        said="hubs.ward-lab.environments: have 'preprod'",
    ),
    lock(
        "Ladder.is_above_development",
        "stage.name not in sources",
        "False",
        rules.test_what_ends_the_ladder_serves_production_however_short_it_is,
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


@pytest.mark.parametrize("case", CASES, ids=str)
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
