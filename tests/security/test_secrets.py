"""Secrets in what people write freely: a reason with a signature, a key or a token is kept, told and shown without it.

Every door, queue and foreign comment that takes a free text is given one, and everything stored or printed is searched.
"""

import json
import logging
import uuid
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest
from azure.functions.servicebus import ServiceBusMessage

from shared.config import load
from shared.domain.configuration import Configuration
from tests.messaging.test_decisions import send
from tests.promotion.conftest import PromotionApp
from tests.promotion.conftest import app as promotion_app  # noqa: F401 (a fixture)
from tests.recorder import recorder
from tests.secrecy import Place, base64_forms, files, leaks
from tests.security.conftest import AttackedApp
from tests.security.test_matrix import ASKED, PLACES, TASK, a_run_of
from triggers.queues.decisions import receive_decision
from triggers.queues.events import receive_events
from triggers.queues.hub_messages import receive_message
from triggers.queues.queue_messages import PoisonMessage
from triggers.queues.service_hooks import receive_hook
from triggers.queues.stream_records import receive_records

CANARIES = {
    name: f"canary{name}{uuid.uuid4().hex}" for name in ("signature", "token", "jwt", "account", "password", "code")
}
SECRET = (
    "see https://x.blob.core.windows.net/c/b.csv?sv=2024&sig={signature}%3D&se=2030 as Bearer {token} or "
    "eyJhbGciOiJSUzI1NiJ9.{jwt}.x with AccountKey={account}; or https://u:{password}@host/?code={code}"
).format(**CANARIES)


HOOK = {"eventType": "git.pullrequest.merged", "createdDate": SECRET, "id": SECRET, "subscriptionId": SECRET}
RECEIVED: dict[Any, dict[str, Any]] = {
    receive_message: {"paths": [f"landing/diabetes/each/oslo/{SECRET[:200]}"], "route": SECRET[200:]},
    receive_records: {"stream": SECRET, "records": [{"id": SECRET}]},
    receive_decision: {"promotion": SECRET, "approved": True, "role": SECRET, "evidence": SECRET, "reason": SECRET},
    receive_hook: HOOK | {"resource": {"pullRequestId": 7, "repository": {"name": SECRET[:40]}, "url": SECRET}},
    receive_events: {"id": SECRET, "eventType": "Microsoft.Storage.BlobCreated", "subject": SECRET, "topic": SECRET},
}


def client_of(app: AttackedApp) -> Any:
    return df.DurableOrchestrationClient(app.host.client_binding())


def message_of(content: Any) -> ServiceBusMessage:
    """Its names carry secrets too: its sender chooses them."""
    body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    named = {"message_id": f"m {SECRET}", "session_id": SECRET[:120], "correlation_id": SECRET}
    return ServiceBusMessage(body=body, application_properties={}, user_properties={}, **named)


def places(folder: Path, app: Any, said: list[str], log: str, told: Any) -> list[Place]:
    blobs = [(f"{c}/{path}", data + str(blob).encode()) for (c, path), (blob, data) in app.hub.blobs.items()]
    spans = [("span", span.to_json().encode()) for span in told.exporter.get_finished_spans()]
    assert len(spans) > 5
    return [*files(folder), *blobs, *spans, ("log", log.encode()), *(("answer", each.encode()) for each in said)]


def redacted_in(found: list[Place], what: str) -> int:
    """In how many places something was redacted; in base64 too, where a signed statement holds its payload."""
    forms = (b"REDACTED", *base64_forms("REDACTED"))
    return sum(1 for where, content in found if what in where and any(form in content for form in forms))


class TestDoors:
    @pytest.fixture
    def configuration(self, tmp_path: Path) -> Configuration:
        (tmp_path / "c.yaml").write_text("format: csv\ncolumns: [{name: id, type: integer}]\n")
        (tmp_path / "signalbox.yaml").write_text(PLACES)
        return load(tmp_path / "signalbox.yaml")

    async def test_none_is_kept_of_what_is_sent_to_a_door(
        self, app: AttackedApp, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        told, said = recorder(), list[str]()
        caplog.set_level(logging.DEBUG)
        runs = {name: await a_run_of(app, name) for name in ("here", "there")}
        token = app.issuer.token(oid="all", roles=["InDev", "InPreprod", "InRegistry"])
        for path, asked, _ in ASKED:
            body = asked or {}
            headers = {"Authorization": f"Bearer {token}", **(TASK if path == "devops/checks" else {})}
            secret = {"reason": SECRET} if "reason" in body or path == "devops/checks" else {}
            for sent in (body | secret, {**dict.fromkeys(body, SECRET), "token": SECRET}):
                said.append(str(await app.ask("POST", path.format(**runs), headers, sent)))
        for path in (f"runs?route={CANARIES['token']}", "promotions?model=x%26sig=" + CANARIES["signature"]):
            await app.ask("GET", path, {"Authorization": f"Bearer {token}"})
        await app.settled()

        found = places(tmp_path, app, said, caplog.text, told)
        assert redacted_in(found, "answer") > 5
        assert redacted_in(found, "host.db") > 0
        assert redacted_in(found, "signalbox/runs/") > 0
        assert leaks(CANARIES, found) == []

    @pytest.mark.parametrize("body", ["paths", "whole", "broken"])
    async def test_none_is_kept_of_what_comes_by_a_queue_or_as_an_alert(
        self,
        app: AttackedApp,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
        body: str,
    ) -> None:
        told, said = recorder(), list[str]()
        caplog.set_level(logging.DEBUG)
        await a_run_of(app, "here")
        vars(app.clients)["settings"] = SimpleNamespace(blob_service="https://datahub.blob.core.windows.net")
        for receive, content in RECEIVED.items():
            sent = {"paths": content, "whole": {**content, "token": SECRET}, "broken": f"{SECRET} {{"}[body]
            try:
                said.append(str(await receive(client_of(app), app.clients, message_of(sent))))
            except (PoisonMessage, ValueError) as error:
                said.append(str(error))
        alert = json.loads(Path("tests/payloads/common_alert.fired.json").read_text())
        alert["data"]["essentials"] |= {"description": SECRET, "alertRule": SECRET}
        headers = {"Authorization": f"Bearer {app.issuer.token(oid='f', roles=['PlatformEngineer'])}"}
        said.append(str(await app.ask("POST", "alerts", headers, alert)))
        await app.settled()

        found = places(tmp_path, app, said, caplog.text, told)
        assert redacted_in(found, "dead-letters/") > 0
        assert leaks(CANARIES, found) == []


async def test_none_is_kept_of_a_decision(
    promotion_app: PromotionApp,  # noqa: F811
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = recorder()
    caplog.set_level(logging.DEBUG)
    promotion_app.register("1", error=1.0)
    promotion = await promotion_app.promote("churn:1", reason=SECRET)
    evidence = await promotion_app.evidence(promotion)
    status, answer = await promotion_app.decide(promotion, "ada", "data-scientist", evidence=evidence, reason=SECRET)
    decision = {"promotion": promotion, "approved": True, "evidence": evidence, "reason": SECRET, "token": "grace"}
    said = [
        json.dumps(answer),
        await send(promotion_app, {**decision, "role": SECRET}),
        await send(promotion_app, {**decision, "also": SECRET}),
        await send(promotion_app, {**decision, "role": "product-owner"}),
    ]
    await promotion_app.pass_time(timedelta(minutes=1))

    found = places(tmp_path, promotion_app, said, caplog.text, told)
    assert status == 200
    assert said[-1].startswith("approved by grace")
    assert redacted_in(found, "promotions/") > 2
    assert redacted_in(found, "dead-letters/") == 1  # A body that is wrong is not kept at all.
    assert leaks(CANARIES, found) == []
