"""The emulated identity provider in a thread of the tests' process, for hosts that ask it for their own tokens."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from signalbox.emulators.identity import Directory, IdentityDoors
from signalbox.emulators.tokens import TokenIssuer

_SECRET = "of-the-tests"
_TENANT = "00000000-0000-0000-0000-0000000000ee"


@contextmanager
def identity_service(folder: Path) -> Iterator[dict[str, str]]:
    """The settings by which a process finds its managed identity, as App Service gives them."""
    loop = asyncio.new_event_loop()
    doors = IdentityDoors(
        TokenIssuer(folder, _TENANT, "http://127.0.0.1"), Directory(identities={}, persons={}), _SECRET
    )
    runner = web.AppRunner(doors.app(), access_log=None, shutdown_timeout=1)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{runner.addresses[0][1]}/msi/token",
            "IDENTITY_HEADER": _SECRET,
        }
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def claims(token: str) -> dict[str, Any]:
    """What *token* says, unverified."""
    body = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return read
