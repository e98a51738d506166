"""All emulators in one process: `python -m signalbox.emulators --settings FILE.json`."""

import argparse
import asyncio
import json
import secrets
import signal
import sqlite3
import ssl
from pathlib import Path
from typing import Any

from aiohttp import web

from signalbox.emulators.authority import Authority, ensure_authority
from signalbox.emulators.azure_ml.app import AzureMlOptions, create_app
from signalbox.emulators.azure_ml.estate import Scope
from signalbox.emulators.database import open_database
from signalbox.emulators.event_grid.delivery import Deliverer
from signalbox.emulators.event_grid.store import EventStore
from signalbox.emulators.event_grid.subscriptions import read_subscription
from signalbox.emulators.event_grid.topic import TopicDoors
from signalbox.emulators.identity import directory_app, identity_app
from signalbox.emulators.storage.access import Gate
from signalbox.emulators.storage.azurite import Azurite
from signalbox.emulators.storage.front import StorageFront
from signalbox.emulators.storage.outbox import Outbox
from signalbox.emulators.tokens import TokenIssuer

_STORAGE_AUDIENCE = "https://storage.azure.com"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--settings", type=Path, required=True)
    asyncio.run(serve(json.loads(arguments.parse_args().settings.read_text())))


async def serve(settings: dict[str, Any]) -> None:
    """Serve until SIGTERM or SIGINT."""
    state, ports = Path(settings["state"]), settings["ports"]
    authority, issuer = ensure_authority(state), TokenIssuer(state, settings["tenant"])
    database = open_database(state / "emulators" / "events.db")
    store = EventStore(database)
    subscriptions = {raw["name"]: read_subscription(raw) for raw in settings["subscriptions"]}
    deliverer = Deliverer(store, subscriptions, settings.get("time_scale", 1.0))
    outbox = _outbox(settings, database, deliverer)
    front = _storage(settings, authority, issuer, outbox)
    azure_ml = create_app(_azure_ml_options(settings, authority, issuer, deliverer))
    grid = web.Application()
    key = settings.get("topic_key") or secrets.token_urlsafe(24)
    doors = TopicDoors(
        store,
        deliverer,
        issuer.check,
        key,
        lambda: {"writes": outbox.counts(settings["account"]), **azure_ml["effects"]()},
    )
    doors.add_to(grid)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.cert, authority.key)
    runners = [
        await _listen(identity_app(issuer, settings["identity_secret"]), ports["identity"], None),
        await _listen(_directory(settings, issuer), ports["authority"], tls),
        await _listen(front.app(), ports["storage"], tls),
        await _listen(grid, ports["eventgrid"], tls),
        await _listen(azure_ml, ports["azureml"], tls),
    ]
    delivering = asyncio.create_task(deliverer.run())
    print("ready", flush=True)
    await _until_told()
    delivering.cancel()
    for runner in runners:
        await runner.cleanup()


def _storage(settings: dict[str, Any], authority: Authority, issuer: TokenIssuer, outbox: Outbox) -> StorageFront:
    azurite = Azurite(settings["azurite"], authority.ca, lambda: issuer.issue(_STORAGE_AUDIENCE))
    gate = Gate(settings["account_keys"], issuer.accepts, settings["tenant"])
    return StorageFront(azurite, gate, outbox)


def _outbox(settings: dict[str, Any], database: sqlite3.Connection, deliverer: Deliverer) -> Outbox:
    """Every account has its topic; the hub's is called `hub`."""

    def publish(account: str, event: dict[str, Any]) -> None:
        deliverer.accept("hub" if account == settings["account"] else account, event)

    group = settings["storage_topic"].rpartition("/")[0]
    topics = {account: f"{group}/{account}" for account in settings["account_keys"]}
    return Outbox(database, topics, publish)


def _directory(settings: dict[str, Any], issuer: TokenIssuer) -> web.Application:
    secret, persons = settings["identity_secret"], settings["persons"]
    return directory_app(issuer, settings["issuer"], secret, settings["audience"], persons)


def _azure_ml_options(
    settings: dict[str, Any], authority: Authority, issuer: TokenIssuer, deliverer: Deliverer
) -> AzureMlOptions:
    ports, estate = settings["ports"], settings["machine_learning"]

    def publish(event: dict[str, Any]) -> None:
        deliverer.accept("ml", event)

    return AzureMlOptions(
        state=Path(settings["state"]),
        base_url=f"https://localhost:{ports['azureml']}",
        tenant=settings["tenant"],
        storage=f"https://localhost:{ports['storage']}",
        keys=settings["account_keys"],
        ca=authority.ca,
        scopes=[Scope(**scope) for scope in estate["scopes"]],
        datastores={name: (account, container) for name, (account, container) in estate["datastores"].items()},
        token_for=issuer.issue,
        check=issuer.check,
        publish=publish,
    )


async def _listen(app: web.Application, port: int, tls: ssl.SSLContext | None) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    return runner


async def _until_told() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()


if __name__ == "__main__":
    main()
