"""The conditions by which what is trained on a hub ships by a person's request alone: without one, a test fails."""

from copy import copy

import pytest

from tests.mutation.removal import Guard, Lock, expect_failure, remove
from tests.retraining import test_team_hubs as trainings
from tests.retraining.conftest import RetrainingApp, app, sweeps, ticks  # noqa: F401 (fixtures)
from tests.retraining.test_team_hubs import lab  # noqa: F401 (a fixture)


def lock(symbol: str, condition: str, without: str, guard: Guard, **arguments: object) -> Lock:
    return Lock(symbol=symbol, condition=condition, without=without, guard=guard, arguments=arguments)


NAMED = trainings.test_nobody_names_files_of_the_hub_for_what_ships
SHIPS = {"changes": {}, "because": "lab/wards.csv is in hub lab, and what churn is trained on goes to preprod"}
LEARNS = [
    lock(
        "requests._refuse_strange_data",
        "problem := clients.configuration.closed_training(rules, data)",
        '""',
        NAMED,
        **SHIPS,
    ),
    lock(
        "training_sets._members",
        "problem := clients.configuration.closed_training(request.rules, container)",
        '""',
        NAMED,
        **SHIPS,
    ),
    lock(
        "Configuration.closed_training",
        "rules.pipeline.workspace.name not in hub.environments",
        "False",
        NAMED,
        changes={"promote_to": "", "candidate": "", "elsewhere": True},
        because="lab/wards.csv is in hub lab, and churn is trained in prod",
    ),
    lock(
        "Configuration.teaches",
        "(hub := self.hub_of(place)) is not None",
        "False",
        trainings.test_no_flag_of_a_model_that_learns_from_the_hub_is_followed,
    ),
    lock(
        "flags.flagged",
        "not model.author and isinstance(place, Workspace) and configuration.is_of_hubs(place)",
        "False",
        trainings.test_where_hubs_are_used_a_flag_is_followed_only_on_what_one_person_wrote,
    ),
]


@pytest.mark.parametrize("case", LEARNS, ids=str)
async def test_without_the_condition_a_training_ships_what_a_hub_has(
    case: Lock,
    lab: RetrainingApp,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, lab=lab, **{name: copy(value) for name, value in case.arguments.items()})
