"""Decisions by message count by the rules of the HTTP door, and their tokens are nowhere afterwards."""

import json
from typing import Any

import azure.durable_functions as df
import pytest
from azure.functions.servicebus import ServiceBusMessage

from tests.promotion.conftest import Railway, railway  # noqa: F401 (a fixture)
from triggers.queues.bindings import queue_blueprint
from triggers.queues.decisions import receive_decision


async def send(railway: Railway, body: Any) -> str:  # noqa: F811
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = ServiceBusMessage(body=content, message_id="d-1", application_properties={}, user_properties={})
    return await receive_decision(
        df.DurableOrchestrationClient(railway.host.client_binding()), railway.clients, message
    )


def letters(railway: Railway) -> list[dict[str, Any]]:  # noqa: F811
    blobs = railway.hub.blobs.items()
    return [json.loads(data) for (container, _), (_, data) in blobs if container == "dead-letters"]


async def asked(railway: Railway) -> dict[str, Any]:  # noqa: F811
    """A decision that counts, of a promotion that waits for it."""
    railway.register("1", error=0.1)
    promotion = await railway.promote("churn:1")
    evidence = await railway.evidence(promotion)
    said = {"promotion": promotion, "approved": True, "evidence": evidence, "reason": "seen"}
    return {**said, "role": "data-scientist", "token": "ada"}


async def test_two_people_release_a_promotion_by_messages(railway: Railway):  # noqa: F811
    decision = await asked(railway)

    said = [await send(railway, decision), await send(railway, decision)]
    await send(railway, {**decision, "role": "product-owner", "token": "grace"})
    result = await railway.finish(decision["promotion"])

    assert said == ["approved by ada as data-scientist at central", "ada has decided so as data-scientist already"]
    assert result.reached == "central"
    assert railway.chain().count("decision approved") == 2
    assert letters(railway) == []


REFUSED = [
    ({"token": "eyJ-forged"}, "not accepted"),
    ({"token": None}, "field 'token' is missing"),
    ({"token": "linus"}, "does not hold role"),
    ({"evidence": "sha256:0"}, "the evidence now is"),
    ({"promotion": "../promotions"}, "field 'promotion'"),
    ({"promotion": "promotion-none-1"}, "is not known"),
    ({"approved": "yes"}, "field 'approved'"),
    ({"also": 1}, "not known here"),
    ({"reason": ""}, "field 'reason'"),
]


async def test_what_the_door_would_refuse_is_refused_and_recorded_without_the_token(railway: Railway):  # noqa: F811
    decision = await asked(railway)
    for change, because in REFUSED:
        before = railway.chain()
        said = await send(railway, {**decision, **change})
        assert because in said, (change, said)
        assert railway.chain() == before
    for body in (b"{", b"[" * 50_000, b'"eyJ-canary"', json.dumps({**decision, "reason": "x" * 70_000}).encode()):
        assert (await send(railway, body)).startswith("the body is no JSON")

    assert letters(railway)
    assert all("token" not in (letter["event"]["data"] or {}) for letter in letters(railway))
    assert b"eyJ-forged" not in b"".join(data for _, data in railway.hub.blobs.values())


async def test_a_withdrawn_decision_does_not_come_back_by_redelivery(railway: Railway):  # noqa: F811
    decision = await asked(railway)
    await send(railway, decision)
    await railway.ask("POST", f"promotions/{decision['promotion']}/withdraw", {"role": "data-scientist"}, "ada")

    assert "already" in await send(railway, decision)
    assert railway.chain()[-1] == "decision withdrawn"


def test_a_door_is_there_where_its_queue_and_the_connection_are_set_and_only_there(monkeypatch: pytest.MonkeyPatch):
    def doors() -> set[str]:
        app = df.DFApp()
        app.register_functions(queue_blueprint(lambda: None))  # type: ignore[arg-type,return-value]
        return {function.get_function_name() for function in app.get_functions()}

    for name in ("MESSAGES", "APPROVALS", "HOOKS", "EVENTS"):
        monkeypatch.setenv(f"SIGNALBOX_{name}_QUEUE", "queue")
    assert doors() == set()
    monkeypatch.setenv("SERVICE_BUS__fullyQualifiedNamespace", "n.servicebus.windows.net")
    assert doors() == {"receive_hub_message", "receive_sent_decision", "receive_devops_hook", "receive_queued_event"}
    monkeypatch.setenv("SIGNALBOX_HOOKS_QUEUE", "")
    assert doors() == {"receive_hub_message", "receive_sent_decision", "receive_queued_event"}
