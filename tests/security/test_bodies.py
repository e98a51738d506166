"""Bodies that are too large, too deep, twice the same, no text or of wrong types, at every door that takes one."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from shared.validation import shape_of
from tests.amounts import sample
from tests.security.conftest import AttackedApp
from tests.security.test_tokens import ENGINEER
from triggers.http.api_route import ApiRoute
from triggers.http.dispatch import signature
from triggers.http.routes import ROUTES

JSON = {"Content-Type": "application/json"}
ROLES = ["DataOwner", "DataScientist", "MLEngineer", "ProductOwner", "PlatformEngineer"]
TAKERS = [route for route in ROUTES if route.method == "POST"]
INJECTED = "landing/a\r\nX-Injected: yes"
BODIES: dict[str, tuple[bytes, dict[str, str], int]] = {
    "too large": (b'{"reason": "' + b"x" * 300_000 + b'"}', JSON, 413),
    "too deep": (b'{"reason": ' + b"[" * 33 + b"]" * 33 + b"}", JSON, 400),
    "deep without end": (b"[" * 200_000, JSON, 400),
    "objects without end": (b'{"a":' * 40_000, JSON, 400),
    "a field twice": (b'{"reason": "good", "reason": "bad"}', JSON, 400),
    "a field twice inside": (b'{"reason": {"a": 1, "a": 2}}', JSON, 400),
    "not a number": (b'{"reason": NaN}', JSON, 400),
    "infinite": (b'{"reason": Infinity}', JSON, 400),
    "negatively infinite": (b'{"reason": -Infinity}', JSON, 400),
    "too large a number": (b'{"reason": 1e999}', JSON, 400),
    "a number of 5,000 digits": (b'{"reason": ' + b"9" * 5000 + b"}", JSON, 400),
    "no UTF-8": (b'{"reason": "\xff\xfe"}', JSON, 400),
    "half a character": (b'{"reason": "\\ud800"}', JSON, 400),
    "no JSON": (b"reason=because", JSON, 400),
    "cut off": (b'{"reason": "because"', JSON, 400),
    "two documents": (b"{} {}", JSON, 400),
    "another type": (b'{"reason": "because"}', {"Content-Type": "text/plain"}, 415),
    "a form": (b"reason=because", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
}
NOT_AN_OBJECT = {
    name: (text.encode(), JSON, 400) for name, text in (("a list", "[]"), ("a text", '"x"'), ("null", "null"))
}
NOT_AN_OBJECT["fields without end"] = (json.dumps({f"f{n}": n for n in range(2_000)}).encode(), JSON, 400)


async def post(
    app: AttackedApp, route: ApiRoute, data: bytes, headers: dict[str, str]
) -> tuple[int, str, dict[str, str]]:
    token = app.issuer.token(oid="all", roles=ROLES)
    path = route.path.replace("{", "no-such-").replace("}", "")
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{app.host.url}/api/v1/{path}", data=data, headers={"Authorization": f"Bearer {token}", **headers}
        ) as answer,
    ):
        return answer.status, await answer.text(), dict(answer.headers)


@pytest.mark.long
async def test_no_route_takes_a_body_that_is_not_sane(app: AttackedApp) -> None:
    before, wrong = await app.settled(), []
    cases = [
        (route, name, *body)
        for route in TAKERS
        for name, body in (BODIES | ({} if signature(route.handler).body is Any else NOT_AN_OBJECT)).items()
    ]
    for route, name, data, headers, wanted in sample(cases, len(cases) // 5):  # Some at each route, and each at some.
        status, said, _ = await post(app, route, data, headers)
        if status != wanted or json.loads(said)["status"] != wanted or len(said) > 20_000:
            wrong.append(f"{route.name}, {name}: {status}, not {wanted}: {said[:200]}")

    assert wrong == []
    assert await app.settled() == before


def wrongly_typed(kind: Any) -> Iterator[dict[str, Any]]:
    """For each field a value of each type that it does not have, and a field that is not there."""
    for name, (hint, _) in shape_of(kind).items():
        for value in ({"a": 1}, [[]], 7.5, "\x00", "x" * 5000) if hint is not Any else ():
            yield {name: value}
    yield {"__class__": "x"}


@pytest.mark.long
async def test_no_route_takes_a_field_of_another_type(app: AttackedApp) -> None:
    before, taken = await app.settled(), []
    kinds = [(route, signature(route.handler).body) for route in TAKERS]
    cases = [(route, body) for route, kind in kinds if kind is not Any for body in wrongly_typed(kind)]
    for route, body in sample(cases, len(cases) // 3):
        status, said, _ = await post(app, route, json.dumps(body).encode(), JSON)
        if status != 400 or str(next(iter(body)))[:60] not in said:
            taken.append(f"{route.name} {str(body)[:80]}: {status} {said[:200]}")

    assert taken == []
    assert await app.settled() == before


async def test_events_that_are_none_start_nothing_and_are_kept_with_their_reason(app: AttackedApp) -> None:
    routes = {route.name: route for route in TAKERS}
    for body in (b"[]", b'"x"', b"null", b"7", b"{}", b'[[{"id": {}}]]', b'{"id": 1, "eventType": [], "data": "x"}'):
        for name in ("receive_events", "receive_alert", "take_hook"):
            status, said, _ = await post(app, routes[name], body, JSON)
            assert status < 300, (name, body, said)

    effects = await app.settled()
    assert {name: count for name, count in effects.items() if name != "written" and count} == {}
    assert any(container == "dead-letters" for container, _ in app.hub.blobs)


async def test_nothing_that_was_sent_becomes_a_header_or_a_line_of_the_log(
    app: AttackedApp, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    from signalbox.host.log import set_up_logging

    set_up_logging("INFO")
    reason = "because\r\nX-Injected: yes\r\n\r\n2026-01-01 00:00:00,000 ERROR forged"
    event = {"id": "1\r\n2026-01-01 00:00:00,000 ERROR forged", "eventType": INJECTED, "subject": INJECTED, "data": {}}
    for route in TAKERS:
        kind = signature(route.handler).body
        names = shape_of(kind) if kind is not Any else ()
        for body in (dict.fromkeys(names, INJECTED), dict.fromkeys(names, reason), event):
            status, _, headers = await post(app, route, json.dumps(body).encode(), {**JSON, "traceparent": reason[:7]})
            assert status < 500
            assert "X-Injected" not in headers
    token = {"Authorization": f"Bearer {app.issuer.token(**ENGINEER)}"}
    for path in (
        "runs/a%0d%0aX-Injected:%20yes",
        "promotions/%0d%0aX-Injected:yes",
        "runs?route=a%0d%0aX-Injected:yes",
    ):
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{app.host.url}/api/v1/{path}", headers=token) as answer,
        ):
            assert answer.status < 500
            assert "X-Injected" not in answer.headers

    logged = capsys.readouterr().err
    assert "ERROR forged" in logged  # It is told, inside the line of what was sent.
    assert not [line for line in logged.splitlines() if line.startswith(("X-Injected", "2026-01-01 00:00:00,000"))]
    logging.getLogger().handlers.clear()
