"""Decisions by message count by the rules of the HTTP door, and their tokens are nowhere afterwards."""

import json
from typing import Any

import azure.durable_functions as df
import pytest
from azure.functions.servicebus import ServiceBusMessage

from tests.promotion.conftest import PromotionApp, app  # noqa: F401 (a fixture)
from triggers.queues.bindings import queue_blueprint
from triggers.queues.decisions import receive_decision


async def send(app: PromotionApp, body: Any) -> str:  # noqa: F811
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = ServiceBusMessage(body=content, message_id="d-1", application_properties={}, user_properties={})
    return await receive_decision(df.DurableOrchestrationClient(app.host.client_binding()), app.clients, message)


def letters(app: PromotionApp) -> list[dict[str, Any]]:  # noqa: F811
    blobs = app.hub.blobs.items()
    return [json.loads(data) for (container, _), (_, data) in blobs if container == "dead-letters"]


async def asked(app: PromotionApp) -> dict[str, Any]:  # noqa: F811
    """A decision that counts, of a promotion that waits for it."""
    app.register("1", error=0.1)
    promotion = await app.promote("churn:1")
    evidence = await app.evidence(promotion)
    said = {"promotion": promotion, "approved": True, "evidence": evidence, "reason": "seen"}
    return {**said, "role": "data-scientist", "token": "ada"}


async def test_two_people_release_a_promotion_by_messages(app: PromotionApp):  # noqa: F811
    decision = await asked(app)

    said = [await send(app, decision), await send(app, decision)]
    await send(app, {**decision, "role": "product-owner", "token": "grace"})
    result = await app.finish(decision["promotion"])

    assert said == ["approved by ada as data-scientist at central", "ada has decided so as data-scientist already"]
    assert result.reached == "central"
    assert app.chain().count("decision approved") == 2
    assert letters(app) == []


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


async def test_what_the_door_would_refuse_is_refused_and_recorded_without_the_token(app: PromotionApp):  # noqa: F811
    decision = await asked(app)
    for change, because in REFUSED:
        before = app.chain()
        said = await send(app, {**decision, **change})
        assert because in said, (change, said)
        assert app.chain() == before
    for body in (b"{", b"[" * 50_000, b'"eyJ-canary"', json.dumps({**decision, "reason": "x" * 70_000}).encode()):
        assert (await send(app, body)).startswith("the body is no JSON")

    assert letters(app)
    assert all("token" not in (letter["event"]["data"] or {}) for letter in letters(app))
    assert b"eyJ-forged" not in b"".join(data for _, data in app.hub.blobs.values())


async def test_a_withdrawn_decision_does_not_come_back_by_redelivery(app: PromotionApp):  # noqa: F811
    decision = await asked(app)
    await send(app, decision)
    await app.ask("POST", f"promotions/{decision['promotion']}/withdraw", {"role": "data-scientist"}, "ada")

    assert "already" in await send(app, decision)
    assert app.chain()[-1] == "decision withdrawn"


def test_a_door_is_there_where_its_queue_and_the_connection_are_set_and_only_there(monkeypatch: pytest.MonkeyPatch):
    def doors() -> set[str]:
        function_app = df.DFApp()
        function_app.register_functions(queue_blueprint(lambda: None))  # type: ignore[arg-type,return-value]
        return {function.get_function_name() for function in function_app.get_functions()}

    for name in ("MESSAGES", "APPROVALS", "HOOKS", "EVENTS"):
        monkeypatch.setenv(f"SIGNALBOX_{name}_QUEUE", "queue")
    assert doors() == set()
    monkeypatch.setenv("SERVICE_BUS__fullyQualifiedNamespace", "n.servicebus.windows.net")
    assert doors() == {"receive_hub_message", "receive_sent_decision", "receive_devops_hook", "receive_queued_event"}
    monkeypatch.setenv("SIGNALBOX_HOOKS_QUEUE", "")
    assert doors() == {"receive_hub_message", "receive_sent_decision", "receive_queued_event"}
