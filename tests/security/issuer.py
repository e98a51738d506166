"""The local tenant's issuer on loopback: real discovery, real keys, real signatures, and every request is counted."""

import secrets
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from signalbox.emulators.identity import Directory, IdentityDoors
from signalbox.emulators.tokens import LIFE_S, TokenIssuer
from signalbox.listening import ListeningSite

AUDIENCE, TENANT = "00000000-0000-0000-0000-0000000000a9", "tenant"


KEY = RSAKey.generate_key(2048, {"kid": "local"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "local"})


def signed(
    address: str, key: RSAKey = KEY, header: dict[str, Any] | None = None, without: str = "", **changes: Any
) -> str:
    """A token of the issuer at *address* for a person without roles, unless *changes* to its claims say otherwise."""
    at = int(time.time())
    claims = {
        "iss": address,
        "aud": AUDIENCE,
        "oid": "1",
        "ver": "2.0",
        "scp": "access_as_user",
        "azp": "app",
        "jti": secrets.token_hex(8),
    }
    claims |= {"preferred_username": "eve@example.org", "iat": at, "nbf": at - 60, "exp": at + LIFE_S} | changes
    claims.pop(without, None)
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": "local"} | (header or {}), claims, key, ["RS256", "PS256"])


class Issuer:
    def __init__(self, folder: Path, authority: str) -> None:
        (folder / "certs").mkdir(parents=True)
        (folder / "certs" / "tokens.pem").write_bytes(KEY.as_pem(private=True))
        self.tokens = TokenIssuer(folder, TENANT, authority)
        self.address = self.tokens.issuer
        self.asked: Counter[str] = Counter()

    def token(self, key: RSAKey = KEY, header: dict[str, Any] | None = None, without: str = "", **changes: Any) -> str:
        return signed(self.address, key, header, without, **changes)


@asynccontextmanager
async def issuing(folder: Path) -> AsyncIterator[Issuer]:
    listener = socket.create_server(("127.0.0.1", 0))
    made = Issuer(folder, f"http://127.0.0.1:{listener.getsockname()[1]}")

    @web.middleware
    async def counted(request: web.Request, handler: Any) -> web.StreamResponse:
        made.asked[request.path.rpartition("/")[2]] += 1
        return await handler(request)

    app = IdentityDoors(made.tokens, Directory(identities={}, persons={}), "s").app()
    app.middlewares.append(counted)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await ListeningSite(runner, listener).start()
    try:
        yield made
    finally:
        await runner.cleanup()
