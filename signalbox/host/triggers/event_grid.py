"""The Event Grid webhook, as the Functions extension serves it.

Source: EventGridExtensionConfigProvider and HttpRequestProcessor of azure-functions-eventgrid-extension. A batch is
all or nothing: one failed event answers 500 and the whole batch comes again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from signalbox.host.functions import Function
from signalbox.host.invocation import Calls
from signalbox.host.log import LOGGER
from signalbox.host.web.access import Access

PATH = "/{runtime:(?i:runtime/webhooks/eventgrid)}"  # Azure's own documents write it in several ways.


class EventGridWebhook:
    """Validation handshakes and deliveries for every eventGridTrigger function."""

    def __init__(self, functions: Mapping[str, Function], access: Access, invoker: Calls) -> None:
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._access = access
        self._invoker = invoker

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request; see the module for what is answered when."""
        if not self._access.admits(request, self._access.keys.eventgrid_extension):
            return web.Response(status=401)
        name = request.query.get("functionName", "")
        function = self._functions.get(name.lower())
        if function is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        return await answer_event_grid(request, lambda body: self._deliver(function, body))

    async def _deliver(self, function: Function, body: Any) -> web.Response:
        events = body if isinstance(body, list) else [body]
        if not all(isinstance(event, dict) for event in events):
            return web.Response(status=400, text="an event must be a JSON object")
        calls = (self._invoker.answer(function, Datum(json.dumps(event), "json")) for event in events)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures:
            LOGGER.error("function=%s failed for %d of %d events", function.name, len(failures), len(events))
            return web.Response(status=500, text=str(failures[0]))
        return web.Response(status=202)


async def answer_event_grid(request: web.Request, deliver: Callable[[Any], Awaitable[web.Response]]) -> web.Response:
    """Answer a request of Event Grid: its handshakes here, and by *deliver* one that brings events."""
    if request.method == "OPTIONS":
        return _cloud_handshake(request)
    try:
        body = json.loads(await request.read())
    except ValueError:
        return web.Response(status=400, text="the body is not JSON")
    kind = request.headers.get("aeg-event-type", "")
    if kind == "SubscriptionValidation":
        return _validation(body)
    if kind == "Unsubscribe":
        return web.Response(status=202)
    if kind == "Notification" or _is_cloud(request):
        return await deliver(body)
    return web.Response(status=400, text=f"aeg-event-type {kind!r} is not known: send Notification")


def _is_cloud(request: web.Request) -> bool:
    return request.content_type in ("application/cloudevents+json", "application/cloudevents-batch+json")


def _validation(body: Any) -> web.Response:
    try:
        code = body[0]["data"]["validationCode"]
    except (LookupError, TypeError):
        return web.Response(status=400, text="a validation event must carry data.validationCode")
    return web.json_response({"validationResponse": code})


def _cloud_handshake(request: web.Request) -> web.Response:
    """CloudEvents HTTP Web Hooks 1.0, section 4."""
    origin = request.headers.get("WebHook-Request-Origin")
    if origin is None:
        return web.Response(status=400, text="WebHook-Request-Origin is missing")
    headers = {"Webhook-Allowed-Origin": origin}
    if "WebHook-Request-Rate" in request.headers:
        headers["WebHook-Allowed-Rate"] = request.headers["WebHook-Request-Rate"]
    return web.Response(status=200, headers=headers)
