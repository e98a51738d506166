"""The API's document: valid, fresh, served, and about every route."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.domain.access.permissions import Action
from tests.http_api.conftest import ask
from tests.inference.conftest import InferenceApp
from triggers.http.api_route import ApiRoute
from triggers.http.dispatch import signature
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.openapi import document, text
from triggers.http.retraining.requests import Considered
from triggers.http.routes import ROUTES


@cache
def whole() -> dict[str, Any]:
    return document()


def test_the_committed_document_is_fresh() -> None:
    committed = Path("docs/openapi.json").read_text(encoding="utf-8")

    assert committed == text(), "run `make documents`"


def test_it_is_valid_openapi_3_1() -> None:
    assert not list(OpenAPIV31SpecValidator(json.loads(text())).iter_errors())


async def test_it_is_served_to_everybody(app: InferenceApp) -> None:
    status, _, served = await ask(app, "GET", "openapi.json", headers={"x-functions-key": ""})

    assert status == 200
    assert served == json.loads(text())


def test_it_has_every_route_and_nothing_else() -> None:
    described = {(method.upper(), path) for path, methods in whole()["paths"].items() for method in methods}

    assert described == {(route.method, f"/api/v1/{route.path}") for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_says_whom_it_wants_what_it_takes_and_what_it_gives(route: ApiRoute) -> None:
    described = whole()["paths"][f"/api/v1/{route.path}"][route.method.lower()]
    handler = signature(route.handler)

    assert bool(described["security"]) == (route.may is not Action.ANYONE)
    assert described.get("x-permission", Action.ANYONE.value) == route.may.value
    assert described["responses"][str(route.status)]["content"]["application/json"]["schema"]
    assert ("requestBody" in described) == (handler.body is not None)
    keyed = "Idempotency-Key" in {each["name"] for each in described.get("parameters", ())}
    assert keyed == (handler.response in (RequestedStart, Considered))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_gives_a_type_of_its_own(route: ApiRoute) -> None:
    given = signature(route.handler).response

    assert route.name == "openapi" or given.__module__.startswith("triggers."), "a plain mapping describes nothing"


def test_no_object_that_is_sent_takes_an_unknown_field() -> None:
    bodies = [
        described["requestBody"]["content"]["application/json"]["schema"]
        for methods in whole()["paths"].values()
        for described in methods.values()
        if "requestBody" in described
    ]
    named = whole()["components"]["schemas"]

    def sent(schema: Any) -> Any:
        return named[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    assert all(sent(schema)["additionalProperties"] is False for schema in bodies if schema)
