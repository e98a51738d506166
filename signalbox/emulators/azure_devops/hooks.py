"""Service hooks: subscriptions, and the delivery of events to webhooks, at least once, with what the subscription says.

Consumers: webHooks/httpRequest is delivered here; azureServiceBus is kept and not delivered.
"""

import asyncio
import contextlib
import uuid
from base64 import b64encode
from typing import Any

import aiohttp
from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse, Refusal
from signalbox.emulators.azure_devops.shapes import list_shape, now
from signalbox.emulators.azure_devops.store import Document, Store

_CONFIDENTIAL = ("basicAuthPassword", "httpHeaders")
_SUBSCRIPTIONS = "/{organisation}/_apis/hooks/subscriptions"
_RETRY_S = (1, 2, 5, 10, 30, 60, 120)


class Hooks:
    def __init__(self, store: Store, account: str, time_scale: float) -> None:
        self._store, self._account, self._time_scale = store, account, time_scale
        self._tasks = set[asyncio.Task[None]]()

    def announce(self, kind: str, project: str, resource: dict[str, Any]) -> None:
        """Keep the event for every subscription that wants it, and deliver it soon."""
        for subscription in self._store.all("subscription"):
            if subscription["eventType"] == kind and _wants(subscription, project):
                number = self._store.next_number("notification")
                event = self._event(subscription, kind, project, resource, number)
                delivery = {"id": number, "subscription": subscription["id"], "event": event, "state": "queued"}
                self._store.put("delivery", number, delivery | {"attempts": 0, "status": 0})
                self._spawn(number)

    def resume(self) -> None:
        for delivery in self._store.all("delivery"):
            if delivery["state"] == "queued":
                self._spawn(delivery["id"])

    async def stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, number: int) -> None:
        with contextlib.suppress(RuntimeError):  # Before the loop runs: `resume` will find it.
            task = asyncio.get_running_loop().create_task(self._deliver(number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, number: int) -> None:
        for wait in (*_RETRY_S, 0):
            delivery = self._store.get("delivery", number)
            subscription = self._store.get("subscription", delivery["subscription"]) if delivery else None
            if delivery is None or subscription is None or subscription["consumerId"] != "webHooks":
                return
            status = await _post(subscription["consumerInputs"], delivery["event"])
            is_final = 200 <= status < 300 or status in (400, 401, 403, 404, 410)
            state = ("succeeded" if status < 300 else "failed") if is_final else "queued"
            attempt = {"attempts": delivery["attempts"] + 1, "status": status, "state": state}
            self._store.put("delivery", number, delivery | attempt)
            if is_final:
                return
            await asyncio.sleep(wait * self._time_scale)

    def _event(
        self, subscription: Document, kind: str, project: str, resource: dict[str, Any], number: int
    ) -> dict[str, Any]:
        text = {"text": kind, "html": kind, "markdown": kind}
        containers = {"collection": {"id": self._account}, "account": {"id": self._account}, "project": {"id": project}}
        return {
            "subscriptionId": subscription["id"],
            "notificationId": number,
            "id": str(uuid.uuid4()),
            "eventType": kind,
            "publisherId": subscription["publisherId"],
            "message": text,
            "detailedMessage": text,
            "resource": resource,
            "resourceVersion": subscription.get("resourceVersion", "5.1-preview.1"),
            "resourceContainers": containers,
            "createdDate": now(),
        }


class HookDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store) -> None:
        self._gatehouse, self._store = gatehouse, store

    def add_to(self, app: web.Application) -> None:
        app.router.add_post(_SUBSCRIPTIONS, self._create)
        app.router.add_get(_SUBSCRIPTIONS, self._list)
        app.router.add_delete(f"{_SUBSCRIPTIONS}/{{subscription}}", self._delete)

    async def _create(self, request: web.Request) -> web.Response:
        member, body = self._gatehouse.person(request), await request.json()
        missing_fields = {"publisherId", "eventType", "consumerId", "consumerActionId", "consumerInputs"} - set(body)
        if missing_fields:
            raise Refusal(
                400, f"The subscription lacks {', '.join(sorted(missing_fields))}.", "SubscriptionInputException"
            )
        name = str(uuid.uuid4())
        subscription = {
            "id": name,
            "url": f"{self._gatehouse.organisation.base}/_apis/hooks/subscriptions/{name}",
            "publisherId": body["publisherId"],
            "eventType": body["eventType"],
            "resourceVersion": body.get("resourceVersion", "1.0"),
            "eventDescription": body["eventType"],
            "consumerId": body["consumerId"],
            "consumerActionId": body["consumerActionId"],
            "actionDescription": "To host " + str(body["consumerInputs"].get("url", ""))[:60].partition("?")[0],
            "createdBy": {"id": member.id},
            "createdDate": now(),
            "modifiedBy": {"id": member.id},
            "modifiedDate": now(),
            "status": "enabled",
            "publisherInputs": body.get("publisherInputs", {}),
            "consumerInputs": body["consumerInputs"],
        }
        self._store.put("subscription", name, subscription)
        return web.json_response(_without_secrets(subscription))

    async def _list(self, request: web.Request) -> web.Response:
        self._gatehouse.person(request)
        return web.json_response(
            list_shape([_without_secrets(subscription) for subscription in self._store.all("subscription")])
        )

    async def _delete(self, request: web.Request) -> web.Response:
        self._gatehouse.person(request)
        self._store.delete("subscription", request.match_info["subscription"])
        return web.Response(status=204)


def _wants(subscription: Document, project: str) -> bool:
    """Azure DevOps knows an approval's project even where the event says zeros."""
    project_id = subscription["publisherInputs"].get("projectId", "")
    return not project_id or project_id == project or set(project) == {"0", "-"}


def _without_secrets(subscription: Document) -> Document:
    inputs = {name: "********" if name in _CONFIDENTIAL else value for name, value in _inputs(subscription)}
    return subscription | {"consumerInputs": inputs}


def _inputs(subscription: Document) -> list[tuple[str, Any]]:
    return list(subscription["consumerInputs"].items())


async def _post(inputs: dict[str, Any], event: dict[str, Any]) -> int:
    """The status, 0 where nobody answered."""
    headers = {}
    if inputs.get("basicAuthPassword"):
        secret = f"{inputs.get('basicAuthUsername', '')}:{inputs['basicAuthPassword']}"
        headers["Authorization"] = f"Basic {b64encode(secret.encode()).decode()}"
    for line in str(inputs.get("httpHeaders", "")).splitlines():
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    limit = aiohttp.ClientTimeout(total=30)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.post(inputs["url"], json=event, headers=headers) as answer,
        ):
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        return 0
