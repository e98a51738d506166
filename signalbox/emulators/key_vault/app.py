"""Assembles the Key Vault emulator: one vault, its keys, and the control doors of tests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from signalbox.emulators.key_vault.access import Claims, Gatehouse, Handler, Permissions, Refusal, refusal_middleware
from signalbox.emulators.key_vault.doors import KeyDoors
from signalbox.emulators.key_vault.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVaultOptions:
    """*claims* gives a living token's claims for one of several audiences; *permissions* as `Gatehouse` reads them."""

    state: Path
    tenant: str
    claims: Claims
    permissions: Permissions = field(default_factory=dict)


def create_app(options: KeyVaultOptions) -> web.Application:
    store = Store(options.state / "emulators" / "key_vault.db")
    gatehouse = Gatehouse(store, options.claims, options.tenant, options.permissions)
    throttle = Throttle()
    app = web.Application(middlewares=[refusal_middleware, throttle.middleware, gatehouse.middleware])
    app.router.add_post("/_control/throttle", throttle.order)
    app.router.add_post("/_control/permissions", _permitting(store))
    app.router.add_get("/_control/effects", _effects(store))
    KeyDoors(gatehouse, store).add_to(app)
    return app


class Throttle:
    """Refuses the next requests with 429, as many as were ordered. In memory only: a restart ends it."""

    def __init__(self) -> None:
        self._requests, self._retry_after = 0, ""

    async def order(self, request: web.Request) -> web.Response:
        """`{requests, retry_after}`: how many to refuse, and the header they get, which Key Vault may leave out."""
        body = await request.json()
        self._requests, self._retry_after = int(body["requests"]), str(body.get("retry_after", ""))
        return web.json_response(body)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def throttling(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self._requests or request.path.startswith("/_control/"):
                return await handler(request)
            self._requests -= 1
            message = "Request was not processed because too many requests were received."
            response = Refusal(429, "Throttled", message).response()
            if self._retry_after:
                response.headers["Retry-After"] = self._retry_after
            return response

        return throttling


def _permitting(store: Store) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def permit(request: web.Request) -> web.Response:
        """`{oid, permissions}`: what an identity may do from now on, instead of what the settings say."""
        body = await request.json()
        store.permit(body["oid"], body["permissions"])
        return web.json_response(body)

    return permit


def _effects(store: Store) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def effects(request: web.Request) -> web.Response:
        """How often each operation was admitted."""
        del request
        return web.json_response(store.effects())

    return effects
