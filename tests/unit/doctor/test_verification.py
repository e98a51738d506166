"""What keeps an environment from being verified: what is broken or hidden in it, and nothing that lies elsewhere."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from shared.domain.azure import resources
from shared.domain.azure.inspection import Grant, Hidden
from shared.domain.inference.routes import Workspace
from shared.operations.doctor.verification import verify
from tests.unit.doctor.test_doctor import CONFIGURATION, Control, site

GROUPS = {"nobody": "a group of no persona"}  # What people may do has tests of its own.
WORKSPACES = {workspace.name: resources.workspace(workspace) for workspace in CONFIGURATION.workspaces}


@dataclass
class Uneven(Control):
    """A Resource Manager that gives the app nothing on *lacking*, and shows nothing of *hidden*."""

    lacking: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def grants(self, resource: str) -> tuple[Grant, ...]:
        if resource in self.hidden:
            raise Hidden("may not look")
        return () if resource in self.lacking else super().grants(resource)


def problems(control: Control, *environments: str) -> tuple[str, ...]:
    made: SimpleNamespace = site()
    made.control = control
    return verify(made, environments, GROUPS).problems


def test_an_environment_where_all_is_well_is_verified() -> None:
    assert problems(Uneven(), *WORKSPACES) == ()


@pytest.mark.parametrize("name", list(WORKSPACES))
def test_what_the_app_may_not_do_in_an_environment_keeps_it_from_being_ready(name: str) -> None:
    control = Uneven(lacking={WORKSPACES[name]})

    assert any(problem.startswith("permissions: ") for problem in problems(control, name))
    assert problems(control, *(WORKSPACES.keys() - {name})) == ()


def test_what_is_lacking_outside_of_the_environments_is_the_doctors_to_say() -> None:
    account, hub = resources.account(CONFIGURATION), CONFIGURATION.hub
    containers = {resources.container(CONFIGURATION, name) for name in (hub.state, hub.staging, hub.quarantine)}

    assert problems(Uneven(lacking={account, *containers}), *WORKSPACES) == ()


def test_what_cannot_be_seen_is_not_verified_and_more_than_is_needed_is() -> None:
    (problem, *_) = problems(Uneven(hidden={WORKSPACES["dev"]}), "dev")
    assert "may not look" in problem
    control = Uneven()
    control.granted = (Grant(actions=("*",), data_actions=("*",)),)
    assert problems(control, "dev") == ()


def test_a_workspace_that_is_not_there_and_a_datastore_of_another_account_are_named() -> None:
    control, dev = Uneven(), next(each for each in CONFIGURATION.workspaces if each.name == "dev")
    control.gone, control.store = {_suffix(dev)}, None

    found = problems(control, "dev")
    assert len([problem for problem in found if problem.startswith("workspaces: ")]) == 2
    assert not any(problem.startswith("workspaces: ") for problem in problems(Uneven(), "dev"))


def _suffix(workspace: Workspace) -> str:
    return f"/workspaces/{workspace.workspace}"
