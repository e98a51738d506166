"""Every route of the HTTP API says who may call it, and its handler says what it takes and gives."""

import re

import pytest

from shared.domain.access.permissions import Action
from triggers.http.api_route import WHOLE_APP, ApiRoute
from triggers.http.dispatch import signature
from triggers.http.places import WAYS
from triggers.http.routes import ROUTES

NAMES = [route.name for route in ROUTES]
PUBLIC = {"health", "openapi"}


def test_a_row_that_does_not_say_who_may_call_is_an_error_at_import() -> None:
    with pytest.raises(TypeError, match="may"):
        ApiRoute(path="runs", method="GET", handler=list, place=WHOLE_APP)  # type: ignore[call-arg]


def test_a_row_that_does_not_say_where_it_acts_is_an_error_at_import() -> None:
    with pytest.raises(TypeError, match="place"):
        ApiRoute(path="runs", method="GET", handler=list, may=Action.READ)  # type: ignore[call-arg]


def test_only_the_listed_routes_change_something_in_no_place_of_its_own() -> None:
    """A route that is not on this list must say where it acts, so that the limits of permissions hold there."""
    changing = {route.name for route in ROUTES if route.place == WHOLE_APP and route.method != "GET"}

    # What provisioning makes are the places themselves.
    provisioning = {"provision_step", "resume_order", "look_for_drift", "tear_down_step", "keep_step"}
    assert changing == {"receive_events", "receive_alert", "take_hook", "replay_dead_letter", *provisioning}


def test_no_two_functions_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("route", ROUTES, ids=NAMES)
def test_every_route_has_a_handler_that_takes_what_its_path_names(route: ApiRoute) -> None:
    handler = signature(route.handler)

    assert set(handler.parameters) == set(re.findall(r"\{(\w+)\}", route.path))
    assert (handler.body is not None) == (route.method == "POST")
    assert route.place in {WHOLE_APP, *WAYS}


def test_only_the_listed_routes_ask_for_no_identity() -> None:
    assert {route.name for route in ROUTES if route.may is Action.ANYONE} == PUBLIC
