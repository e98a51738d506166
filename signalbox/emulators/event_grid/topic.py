"""The custom topic's door for publishers, and the emulators' control doors for tests and demonstrations."""

import secrets
from collections.abc import Callable
from typing import Any

from aiohttp import web

from signalbox.emulators.event_grid.delivery import Deliverer, Faults
from signalbox.emulators.event_grid.publishing import MAX_BYTES, read_events
from signalbox.emulators.event_grid.store import EventStore
from signalbox.emulators.tokens import Check

AUDIENCE = "https://eventgrid.azure.net"


class TopicDoors:
    """*key* opens the topic as `aeg-sas-key` does on Azure; *effects* gives the other emulators' counts."""

    def __init__(
        self, store: EventStore, deliverer: Deliverer, check: Check, key: str, effects: Callable[[], dict[str, Any]]
    ) -> None:
        self._store, self._deliverer, self._check, self._key, self._effects = store, deliverer, check, key, effects

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/api/events", self._publish)
        app.router.add_get("/_events", self._events)
        app.router.add_get("/_dead_letters", self._dead)
        app.router.add_get("/_effects", self._count)
        app.router.add_post("/_faults", self._set_faults)
        app.router.add_post("/_deliver", self._deliver)
        app.router.add_post("/_accept", self._accept)

    async def _publish(self, request: web.Request) -> web.Response:
        if not secrets.compare_digest(request.headers.get("aeg-sas-key", ""), self._key):
            self._check(request, (AUDIENCE,))
        try:
            events = read_events(await request.read())
        except web.HTTPRequestEntityTooLarge:
            return _refusal(413, "PayloadTooLarge", f"The request exceeds the allowed {MAX_BYTES} bytes.")
        except ValueError as error:
            return _refusal(400, "BadRequest", f"The request is refused: {error}.")
        for event in events:
            self._deliverer.accept("signalbox", event)
        return web.Response(status=200)

    async def _events(self, request: web.Request) -> web.Response:
        query = request.query
        events = self._store.events(query.get("topic", ""), query.get("type", ""), int(query.get("since", 0)))
        return web.json_response(events)

    async def _dead(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self._store.deliveries("dead"))

    async def _count(self, request: web.Request) -> web.Response:
        del request
        events = {row["event"]["id"]: row["accepted"] for row in self._store.events("signalbox")}
        return web.json_response({"events": events, **self._effects()})

    async def _set_faults(self, request: web.Request) -> web.Response:
        self._deliverer.set_faults(Faults(**await request.json()))
        return web.json_response({})

    async def _accept(self, request: web.Request) -> web.Response:
        """`{"topic": name, "event": {}}`: what a service that is not emulated would raise under its topic."""
        body = await request.json()
        self._deliverer.accept(body["topic"], body["event"])
        return web.json_response({}, status=202)

    async def _deliver(self, request: web.Request) -> web.Response:
        """`{"event": id, "times": n}`: deliver a known event again, to every subscription that wanted it."""
        body = await request.json()
        number = self._store.find(body["event"])
        if number is None:
            return web.json_response({"error": f"no event {body['event']}"}, status=404)
        for name in body.get("subscriptions", ["hub-events"]):
            self._deliverer.schedule(number, name, int(body.get("times", 1)))
        return web.json_response({"scheduled": body.get("times", 1)}, status=202)


def _refusal(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
