"""A message may ask for a data check: once for its id, by the HTTP door's rules, and its sender hears the verdict."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from azure.functions.servicebus import ServiceBusMessage

from shared.domain.messaging import Message
from tests.inference.conftest import InferenceApp, app, sweeps  # noqa: F401 (fixtures)
from tests.messaging.conftest import BLOBS
from tests.messaging.test_lag import client_of
from triggers.queues.hub_messages import receive_message
from triggers.queues.queue_messages import PoisonMessage

GOOD, BAD = b"id,x\n1,2\n", b"id,x\nbad,1\n"


@pytest.fixture
def heard(app: InferenceApp) -> dict[str, Message]:  # noqa: F811
    """What the results topic got."""
    made: Any = app.clients
    hub = replace(made.configuration.hub, results="results")
    vars(made).update(settings=SimpleNamespace(blob_service=BLOBS), configuration=replace(made.configuration, hub=hub))
    return made.messenger.sent  # type: ignore[no-any-return]


async def send(app: InferenceApp, data: Any, message_id: str = "m-1") -> str:  # noqa: F811
    message = ServiceBusMessage(
        body=json.dumps(data).encode(),
        message_id=message_id,
        session_id="oslo",
        correlation_id="case-1",
        application_properties={},
        user_properties={},
    )
    (said,) = await receive_message(client_of(app), app.clients, message)
    return said.split()[2]


@pytest.mark.parametrize(("content", "outcome"), [(GOOD, "passed"), (BAD, "failed")])
async def test_the_sender_hears_the_verdict_once_however_often_the_message_comes(
    app: InferenceApp,  # noqa: F811
    heard: dict[str, Message],
    content: bytes,
    outcome: str,
) -> None:
    app.land("landing/each/oslo/a.csv", content)
    asked = {"check": "landing/each/oslo/a.csv", "route": "each"}

    check = await send(app, asked)
    await app.host.advance_until_finished(check, timeout=30)
    again = await send(app, asked)
    await app.pass_time(60)

    (told,) = heard.values()
    assert again == check
    assert (told.session, told.correlation, told.subject) == (
        "oslo",
        "case-1",
        f"Signalbox.DataCheck.{outcome.capitalize()}",
    )
    assert (told.body["check"], told.body["outcome"], told.body["file"]) == (check, outcome, asked["check"])
    assert ("is bad" in str(told.body["because"])) is (outcome == "failed")
    status, report = await app.request("GET", f"data-checks/{check}")
    assert (status, report["verdict"]["outcome"], report["verdict"]["report"]) == (200, outcome, told.body["report"])
    assert app.jobs.created.total() == 0


async def test_a_file_that_changed_meanwhile_is_told_as_refused(
    app: InferenceApp,  # noqa: F811
    heard: dict[str, Message],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app.land("landing/each/oslo/a.csv", GOOD)
    find = app.hub.find
    looks = list[str]()

    def changed(container: str, path: str) -> Any:
        looks.append(path)
        found = find(container, path)
        return replace(found, etag="0xother") if found and looks.count(path) > 1 else found

    monkeypatch.setattr(app.hub, "find", changed)
    check = await send(app, {"check": "landing/each/oslo/a.csv", "route": "each"})
    await app.host.advance_until_finished(check, timeout=30)

    (told,) = heard.values()
    assert (told.subject, told.body["outcome"]) == ("Signalbox.DataCheck.Refused", "refused")
    assert "has changed since" in str(told.body["because"])


HOSTILE = [
    ({"check": "landing/each/oslo/ghost.csv", "route": "each"}, "is not in the hub"),
    ({"check": "landing/each/oslo/a.csv", "route": "none"}, "field 'route'"),
    ({"check": "landing/each/oslo/a.csv"}, "field 'route'"),
    ({"check": "signalbox/runs/x.csv", "route": "each"}, "Signalbox's own record"),
    ({"check": "landing/../signalbox/x.csv", "route": "each"}, "without . or .."),
    ({"check": "landing/each/oslo/a.csv", "route": "each", "paths": ["x"]}, "field 'paths'"),
    ({"check": 1, "route": "each"}, "field 'check'"),
]


@pytest.mark.parametrize(("data", "because"), HOSTILE)
async def test_what_the_door_would_refuse_is_poison(
    app: InferenceApp,  # noqa: F811
    heard: dict[str, Message],
    data: Any,
    because: str,
) -> None:
    app.land("landing/each/oslo/a.csv", GOOD)
    app.land("signalbox/runs/x.csv", GOOD)

    with pytest.raises(PoisonMessage) as poison:
        await send(app, data)

    assert because in str(poison.value)
    assert heard == {}
