"""Every door of the HTTP API says who may call it, and its function says what it takes and gives."""

import re

import pytest

from shared.domain.access.permissions import Action
from triggers.http.dispatch import signature
from triggers.http.door import WHOLE_APP, Door
from triggers.http.places import WAYS
from triggers.http.routes import DOORS

ROWS = [(module, door) for module, rows in DOORS.items() for door in rows]
NAMES = [door.name for _, door in ROWS]
PUBLIC = {"health", "openapi"}


def test_a_row_that_does_not_say_who_may_call_is_an_error_at_import() -> None:
    with pytest.raises(TypeError, match="may"):
        Door(route="runs", method="GET", name="list_runs", place=WHOLE_APP)  # type: ignore[call-arg]


def test_a_row_that_does_not_say_where_it_acts_is_an_error_at_import() -> None:
    with pytest.raises(TypeError, match="place"):
        Door(route="runs", method="GET", name="list_runs", may=Action.READ)  # type: ignore[call-arg]


def test_only_the_listed_doors_change_something_in_no_place_of_its_own() -> None:
    """A door that is not on this list must say where it acts, so that the limits of permissions hold there."""
    changing = {door.name for _, door in ROWS if door.place == WHOLE_APP and door.method != "GET"}

    assert changing == {"receive_events", "receive_alert", "take_hook", "replay_dead_letter"}


def test_no_two_functions_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize(("module", "door"), ROWS, ids=NAMES)
def test_every_door_has_a_function_that_takes_what_its_route_names(module: str, door: Door) -> None:
    taken = signature(module, door.name)

    assert set(taken.parameters) == set(re.findall(r"\{(\w+)\}", door.route))
    assert (taken.body is not None) == (door.method == "POST")
    assert door.place in {WHOLE_APP, *WAYS}


def test_only_the_listed_doors_ask_for_no_identity() -> None:
    assert {door.name for _, door in ROWS if door.may is Action.ANYONE} == PUBLIC
