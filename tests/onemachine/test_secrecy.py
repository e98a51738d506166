"""On the running local cloud, no secret is found in history, hub, logs, spans, audit log or answers: neither the real
ones, of settings and of storage, nor canaries in headers, queries, bodies, events and hooks."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from tests.amounts import amount
from tests.onemachine.stored import hub_blobs, real_secrets, recorded_spans, written
from tests.onemachine.world import World
from tests.secrecy import leaks, tokens

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

SUBJECT = "/blobServices/default/containers/landing/blobs/elsewhere/a.csv"
ADDRESS = "https://datahub/landing/elsewhere/a.csv?sv=2024&sig={}&se=2030"
CANARIES = {
    name: f"canary-{name}-{uuid.uuid4().hex}"
    for name in ("token", "key", "code", "signature", "field", "hook", "password", "task")
}


def send(
    world: World, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: str
) -> requests.Response:
    url, method = f"{world.cloud.endpoints.app}/api/v1/{path}", "GET" if body is None else "POST"
    return requests.request(method, url, json=body, headers=headers, params=query, timeout=30)


def strangers(world: World) -> Iterator[requests.Response]:
    """Callers with a wrong token, key or code."""
    for path, body in (
        ("runs", None),
        ("doctor", None),
        ("events", []),
        ("devops/hooks", {}),
        ("promotions/none", None),
    ):
        yield send(world, path, body, {"Authorization": f"Bearer {CANARIES['token']}"})
        yield send(world, path, body, {"x-functions-key": CANARIES["key"]})
        yield send(world, path, body, code=CANARIES["code"])


def friends(world: World) -> Iterator[requests.Response]:
    """Those who may come, with secrets where none belong."""
    ends = world.cloud.endpoints
    event = {"id": "secret", "eventType": "Microsoft.Storage.BlobCreated", "subject": SUBJECT, "data": {}}
    told = {"url": ADDRESS.format(CANARIES["signature"]), "api": "PutBlob", "eTag": "0x1"}
    topic = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/datahub"
    for unreadable in (
        {**event, "subject": told["url"], "topic": topic, "data": told},
        {**event, "data": {"authToken": CANARIES["field"]}},
    ):
        yield send(world, "events", unreadable, code=ends.function_key)
    yield send(world, "dead-letters/replay", {"path": "x", "token": CANARIES["field"]}, code=ends.function_key)
    hook = {"eventType": "git.pullrequest.merged", "resource": {"url": f"https://x/?code={CANARIES['hook']}"}}
    yield send(world, "devops/hooks", hook, code=ends.devops_key)
    ids = {name: str(uuid.uuid4()) for name in ("ProjectId", "PlanId", "JobId", "TimelineId", "TaskInstanceId")}
    task = {**ids, "PlanUrl": f"{ends.azure_devops}/contoso/", "HubName": "checks", "AuthToken": CANARIES["task"]}
    yield send(world, "devops/checks", {"follow": "nothing"}, task, code=ends.devops_key)
    yield send(
        world,
        "devops/checks",
        {"follow": "nothing"},
        {**task, "PlanUrl": f"https://u:{CANARIES['password']}@x/"},
        code=ends.devops_key,
    )


@pytest.mark.long
def test_no_secret_is_in_anything_that_was_stored_logged_traced_or_answered(world: World) -> None:
    began = datetime.now(UTC).replace(microsecond=0)  # The storage's times have whole seconds.
    refused, heard = list(strangers(world)), list(friends(world))
    assert {answer.status_code for answer in refused} <= {401, 403}
    assert [answer.status_code for answer in heard] == [202, 202, 400, 202, 200, 403]
    task = heard[4].json()["task"]
    world.eventually(lambda: not any(hub_blobs(world, f"{task}.json")))

    own, spans = written(world), recorded_spans(world)
    said = [(answer.request.path_url.partition("?")[0], answer.content) for answer in (*refused, *heard)]
    blobs = list(hub_blobs(world, since=began, before=amount(10, 1)))
    assert any(where.startswith("dead-letters/events/") and b"REDACTED" in content for where, content in blobs)
    assert any(where.endswith("host.db") and task.encode() in content for where, content in own)
    assert all((spans, any(where.endswith("host.log") for where, _ in own), said))
    everything = (*own, *spans, *blobs, *said)
    assert leaks(real_secrets(world) | CANARIES, everything) == []
    assert tokens(everything) == []
