"""Who may do what where, and whom a token names, as tables."""

from typing import Any

import pytest

from shared.adapters.entra.token_claims import caller_of
from shared.domain.access.callers import Caller, CallerKind
from shared.domain.access.permissions import Action, Machine, Permissions, Persona
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Role

PERMISSIONS = Permissions(
    personas=(
        Persona(role=Role(name="limited", app_role="L"), allows={Action.DECIDE: ("dev",), Action.RETRAIN: ("dev",)}),
        Persona(role=Role(name="whole", app_role="W"), allows={Action.DECIDE: ("all",), Action.RETRAIN: ("all",)}),
    )
)


@pytest.mark.parametrize(
    ("role", "action", "place", "allowed"),
    [
        ("L", Action.DECIDE, "dev", True),
        ("L", Action.DECIDE, "registry", False),
        ("L", Action.DECIDE, "", False),
        ("L", Action.OPERATE, "dev", False),
        ("W", Action.DECIDE, "registry", True),
        ("W", Action.DECIDE, "", True),
    ],
)
def test_a_limited_permission_counts_in_its_places_alone(role: str, action: Action, place: str, allowed: bool) -> None:
    assert PERMISSIONS.allows(Caller(oid="1", name="x", roles=(role,)), action, place) is allowed


@pytest.mark.parametrize(
    ("action", "allowed"), [(Action.DECIDE, False), (Action.BREAK_GLASS, False), (Action.PROMOTE, True)]
)
def test_no_machine_decides(action: Action, allowed: bool) -> None:
    persona = Persona(role=Role(name="r", app_role="R"), allows={action: ("all",)})
    whole = Permissions(personas=(persona,), machines=(Machine(name="m", acts_as=("r",)),))
    machine = Caller(oid="1", name="m", roles=("R",), kind=CallerKind.MACHINE)

    assert (whole.allows(machine, action, "dev"), whole.allows_somewhere(machine, action)) == (allowed, allowed)


def test_a_place_of_a_teams_permission_names_the_team() -> None:
    role = Role(name="r", app_role="R")
    personas = (
        Persona(role=role, allows={Action.READ: ("all",)}, team="churn"),
        Persona(role=role, allows={Action.READ: ("prod", "dev")}),
    )
    caller = Caller(oid="1", name="x", roles=("R",))

    assert Permissions(personas=personas).places(caller, Action.READ) == ("churn:all", "dev", "prod")


ADA = {"oid": "1", "scp": "s", "azp": "app", "preferred_username": "Ada@Example.org", "tid": "T"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, CallerKind.PERSON),
        ({"tid": ""}, CallerKind.PERSON),
        ({"tid": "u"}, None),
        ({"azp": ""}, None),
        ({"azp": "", "appid": "app"}, CallerKind.PERSON),
        ({"idtyp": "app"}, CallerKind.MACHINE),
    ],
)
def test_whom_a_token_names(changes: dict[str, Any], kind: CallerKind | None) -> None:
    claims = {name: value for name, value in {**ADA, **changes}.items() if value}
    try:
        caller = caller_of(claims, "t")
    except Refused:
        assert kind is None
        return

    assert (caller.kind, caller.tenant, caller.upn) == (kind, "t", "Ada@Example.org")
    assert caller.mails == (("ada@example.org",) if kind is CallerKind.PERSON else ())
