"""The API's document: valid, fresh, served, and about every door."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.domain.access.permissions import Action
from tests.http_api.conftest import ask
from tests.inference.conftest import InferenceApp
from triggers.http.dispatch import signature
from triggers.http.door import Door
from triggers.http.idempotency import Starting
from triggers.http.openapi import document, text
from triggers.http.responses.models import Considered
from triggers.http.routes import DOORS

ROWS = [(module, door) for module, rows in DOORS.items() for door in rows]
DOCUMENT = document()


def test_the_committed_document_is_fresh() -> None:
    committed = Path("docs/openapi.json").read_text(encoding="utf-8")

    assert committed == text(), "run `make documents`"


def test_it_is_valid_openapi_3_1() -> None:
    assert not list(OpenAPIV31SpecValidator(json.loads(text())).iter_errors())


async def test_it_is_served_to_everybody(app: InferenceApp) -> None:
    status, _, served = await ask(app, "GET", "openapi.json", headers={"x-functions-key": ""})

    assert status == 200
    assert served == json.loads(text())


def test_it_has_every_door_and_nothing_else() -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}

    assert described == {(door.method, f"/api/v1/{door.route}") for _, door in ROWS}


@pytest.mark.parametrize(("module", "door"), ROWS, ids=[door.name for _, door in ROWS])
def test_every_door_says_whom_it_wants_what_it_takes_and_what_it_gives(module: str, door: Door) -> None:
    described = DOCUMENT["paths"][f"/api/v1/{door.route}"][door.method.lower()]
    taken = signature(module, door.name)

    assert bool(described["security"]) == (door.may is not Action.ANYONE)
    assert described.get("x-permission", Action.ANYONE.value) == door.may.value
    assert described["responses"][str(door.status)]["content"]["application/json"]["schema"]
    assert ("requestBody" in described) == (taken.body is not None)
    keyed = "Idempotency-Key" in {each["name"] for each in described.get("parameters", ())}
    assert keyed == (taken.gives in (Starting, Considered))


@pytest.mark.parametrize(("module", "door"), ROWS, ids=[door.name for _, door in ROWS])
def test_every_door_gives_a_type_of_its_own(module: str, door: Door) -> None:
    given = signature(module, door.name).gives

    assert door.name == "openapi" or given.__module__.startswith("triggers."), "a plain mapping describes nothing"


def test_no_object_that_is_sent_takes_an_unknown_field() -> None:
    bodies = [
        described["requestBody"]["content"]["application/json"]["schema"]
        for methods in DOCUMENT["paths"].values()
        for described in methods.values()
        if "requestBody" in described
    ]
    named = DOCUMENT["components"]["schemas"]

    def sent(schema: Any) -> Any:
        return named[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    assert all(sent(schema)["additionalProperties"] is False for schema in bodies if schema)
