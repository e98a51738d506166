"""All emulators in one process: `python -m signalbox.emulators --settings FILE.json`."""

import argparse
import asyncio
import json
import signal
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from signalbox.emulators.authority import Authority, ensure_authority, ensure_ledger_identity
from signalbox.emulators.azure_devops import app as azure_devops
from signalbox.emulators.azure_devops.estate import Organisation, Project
from signalbox.emulators.azure_ml.app import AzureMlOptions, create_app
from signalbox.emulators.azure_ml.estate import Estate, Scope
from signalbox.emulators.azure_ml.online.traffic import RequestLog
from signalbox.emulators.azure_ml.resource_manager.inspection import Shown
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.azure_monitor.app import AzureMonitor, AzureMonitorOptions
from signalbox.emulators.clock import EmulatorClock
from signalbox.emulators.confidential_ledger import app as confidential_ledger
from signalbox.emulators.database import open_database
from signalbox.emulators.event_grid.arm_documents import Places, functions_of
from signalbox.emulators.event_grid.arm_subscriptions import KINDS, EventSubscriptions
from signalbox.emulators.event_grid.dead_letters import DeadLetters
from signalbox.emulators.event_grid.delivery import Deliverer
from signalbox.emulators.event_grid.hub_blobs import HubBlobs
from signalbox.emulators.event_grid.store import EventStore
from signalbox.emulators.event_grid.subscription_book import SubscriptionBook
from signalbox.emulators.event_grid.topic import TopicDoors
from signalbox.emulators.identity import IdentityDoors, read_applications, read_directory
from signalbox.emulators.key_vault import app as key_vault
from signalbox.emulators.mail.faults import MailFaults
from signalbox.emulators.mail.mailbox import Mailbox
from signalbox.emulators.mail.page import MailboxPages
from signalbox.emulators.mail.services import MailServices
from signalbox.emulators.public_names.certificates import session_certificate
from signalbox.emulators.public_names.hosts import LocalServices, PublicHosts
from signalbox.emulators.public_names.server import PublicNames
from signalbox.emulators.resource_manager.admission import Admission
from signalbox.emulators.resource_manager.manager import ManagerOptions, ResourceManager
from signalbox.emulators.resource_manager.role_book import RoleBook
from signalbox.emulators.service_bus import Bus, NoBus, is_available
from signalbox.emulators.service_bus.access import AUDIENCES
from signalbox.emulators.service_now import app as service_now
from signalbox.emulators.storage.access import AUDIENCE, StorageAccess
from signalbox.emulators.storage.azurite import Azurite
from signalbox.emulators.storage.front import StorageFront
from signalbox.emulators.storage.outbox import Outbox
from signalbox.emulators.tokens import TokenIssuer

_MANAGE = "Microsoft.ServiceBus/namespaces/manage/action"  # No role but the data's owner has it.
_LONGEST_LINE = 64 * 1024  # A name of 1,024 characters is up to twelve times that in an address.


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedTraffic:
    """What online endpoints and their monitoring share: one time, and the log of the requests."""

    clock: EmulatorClock
    requests: RequestLog
    monitor: AzureMonitor


@dataclass(frozen=True, slots=True)
class Grid:
    """Event Grid, as Resource Manager and the services that raise events know it."""

    deliverer: Deliverer
    subscriptions: SubscriptionBook


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--settings", type=Path, required=True)
    asyncio.run(serve(json.loads(arguments.parse_args().settings.read_text())))


async def serve(settings: dict[str, Any]) -> None:
    """Serve until SIGTERM or SIGINT."""
    state, ports = Path(settings["state"]), settings["ports"]
    authority, issuer = ensure_authority(state), _issuer(settings)
    store = EventStore(open_database(state / "emulators" / "events.db"))
    dead_letters = _dead_letters(settings, authority, issuer, store)
    subscriptions = SubscriptionBook(Resources(state / "emulators" / "subscriptions.db"), settings["subscriptions"])
    deliverer = Deliverer(store, subscriptions, dead_letters, settings["time_scale"])
    outbox = _outbox(settings, store, deliverer)
    front = _storage(settings, authority, issuer, outbox)
    requests = RequestLog(state / "emulators" / "requests.db")
    clock = EmulatorClock(state / "emulators" / "clock.json")
    monitor = AzureMonitor(_azure_monitor_options(settings, issuer, requests, clock))
    served = ServedTraffic(clock=clock, requests=requests, monitor=monitor)
    azure_ml = create_app(_azure_ml_options(settings, authority, issuer, Grid(deliverer, subscriptions), served))
    grid = web.Application()

    def effects() -> dict[str, Any]:
        return {"writes": outbox.counts(settings["account"]), **azure_ml["effects"]()}

    TopicDoors(store, deliverer, issuer.check, settings["topic_key"], effects).add_to(grid)
    tls = _tls(authority)
    directory, applications = read_directory(settings), read_applications(settings)
    browser, mailbox = (f"http://127.0.0.1:{ports[name]}" for name in ("identity", "mailbox"))  # Without TLS.
    identity = IdentityDoors(issuer, directory, settings["identity_secret"], applications, browser, mailbox)
    runners: list[web.AppRunner | PublicNames] = [
        await _listen(identity.app(), ports["identity"], None),
        await _listen(identity.app(), ports["identity_tls"], tls),
        await _listen(front.app(), ports["storage"], tls),
        await _listen(grid, ports["eventgrid"], tls),
        await _listen(azure_ml, ports["azureml"], tls),
        await _listen(azure_devops.create_app(_azure_devops_options(settings, issuer)), ports["devops"], tls),
        await _listen(monitor.app(), ports["monitor"], tls),
        await _listen(service_now.create_app(_service_now_options(settings)), ports["servicenow"], tls),
        await _listen(key_vault.create_app(_key_vault_options(settings, issuer)), ports["keyvault"], tls),
        *await _confidential_ledger(settings, issuer, tls),
        *await _mail_services(settings, issuer, tls),
    ]
    bus = await _service_bus(settings, issuer, tls)
    if "public_names" in settings:
        runners.append(await _public_names(settings, authority))
    loops = [
        asyncio.create_task(coroutine) for coroutine in (deliverer.run(), dead_letters.run(), bus.run(), monitor.run())
    ]
    print("ready", flush=True)
    await _until_told()
    for loop in loops:
        loop.cancel()
    await _close(runners)
    await bus.close()


async def _close(runners: Sequence[web.AppRunner | PublicNames]) -> None:
    """The last that was opened first: Azure ML writes what it has collected while storage still answers."""
    for runner in reversed(runners):
        await runner.cleanup()


async def _confidential_ledger(
    settings: dict[str, Any], issuer: TokenIssuer, tls: ssl.SSLContext
) -> tuple[web.AppRunner, web.AppRunner]:
    """The ledger, which has a certificate of its own, and the service that tells its clients which."""
    ports, own = settings["ports"], ensure_ledger_identity(Path(settings["state"]))
    ledger = confidential_ledger.create_app(_ledger_options(settings, issuer))
    identity = confidential_ledger.create_identity_app(own.ca.read_text())
    return await _listen(ledger, ports["ledger"], _tls(own)), await _listen(identity, ports["ledger_identity"], tls)


async def _mail_services(
    settings: dict[str, Any], issuer: TokenIssuer, tls: ssl.SSLContext
) -> tuple[web.AppRunner, ...]:
    """The mail server, which ends with the process, the services over HTTPS, and the page that shows the mailbox."""
    from signalbox.emulators.mail.smtp_server import MailDoor, MailServer

    ports, mail = settings["ports"], settings["mail"]
    mailbox, faults = Mailbox(Path(settings["state"]) / "emulators" / "mailbox.db"), MailFaults()
    await MailServer(MailDoor(mailbox, faults), mail["key"], tls).listen(ports["smtp"])
    services = MailServices(mailbox, faults, issuer.accepts, mail["domain"], mail["key"])
    return (
        await _listen(services.app(), ports["mail_services"], tls),
        await _listen(MailboxPages(mailbox).app(), ports["mailbox"], None),
    )


def _issuer(settings: dict[str, Any]) -> TokenIssuer:
    authority = f"https://localhost:{settings['ports']['identity_tls']}"
    return TokenIssuer(Path(settings["state"]), settings["tenant"], authority, read_applications(settings))


def _dead_letters(
    settings: dict[str, Any], authority: Authority, issuer: TokenIssuer, store: EventStore
) -> DeadLetters:
    hub = HubBlobs(_hub(settings), authority.ca, lambda: issuer.issue(AUDIENCE))
    return DeadLetters(store.database, hub.create, settings["time_scale"])


def _hub(settings: dict[str, Any]) -> str:
    return f"https://localhost:{settings['ports']['storage']}/{settings['account']}"


def _outbox(settings: dict[str, Any], store: EventStore, deliverer: Deliverer) -> Outbox:
    def publish(account: str, event: dict[str, Any]) -> None:
        deliverer.accept("hub" if account == settings["account"] else account, event)

    topics = {name: account["topic"] for name, account in settings["accounts"].items()}
    return Outbox(store.database, topics, publish)


def _storage(settings: dict[str, Any], authority: Authority, issuer: TokenIssuer, outbox: Outbox) -> StorageFront:
    azurite = Azurite(settings["azurite"], authority.ca, lambda: issuer.issue(AUDIENCE))
    access = StorageAccess(tuple(settings["accounts"]), issuer.accepts, settings["tenant"])
    return StorageFront(azurite, access, outbox)


def _azure_ml_options(
    settings: dict[str, Any], authority: Authority, issuer: TokenIssuer, grid: Grid, served: ServedTraffic
) -> AzureMlOptions:
    ports, address = settings["ports"], f"https://localhost:{settings['ports']['azureml']}"
    book = _role_book(settings)
    admission = Admission(book, issuer.claims, address)

    def publish(event: dict[str, Any]) -> None:
        grid.deliverer.accept("ml", event)

    return AzureMlOptions(
        state=Path(settings["state"]),
        base_url=address,
        tenant=settings["tenant"],
        estate=_estate(settings),
        blob_service=f"https://localhost:{ports['storage']}",
        account_keys={name: account["key"] for name, account in settings["accounts"].items()},
        ca=authority.ca,
        token_for=issuer.issue,
        check=issuer.check,
        publish=publish,
        clock=served.clock,
        requests=served.requests,
        inspection=Shown(
            accounts={name: account["topic"] for name, account in settings["accounts"].items()},
            subscriptions=lambda: grid.subscriptions.rows,
            computes=settings["computes"],
            hub=settings["account"],
            messaging=settings["service_bus"],
            roles=book,
        ),
        neighbours=(served.monitor,),
        manager=lambda locks: ResourceManager(_manager_options(settings, admission, grid), locks),
    )


def _role_book(settings: dict[str, Any]) -> RoleBook:
    return RoleBook(Resources(Path(settings["state"]) / "emulators" / "roles.db"), settings["roles_given"])


def _manager_options(settings: dict[str, Any], admission: Admission, grid: Grid) -> ManagerOptions:
    accounts = {name: account["topic"] for name, account in settings["accounts"].items()}
    hub, estate = settings["account"], _estate(settings)
    workspaces = [scope.id for scope in estate.scopes if scope.kind == "workspaces"]
    topics = {
        **{path: "hub" if name == hub else name for name, path in accounts.items()},
        **dict.fromkeys(workspaces, "ml"),
    }
    functions = functions_of([row["url"] for row in settings["subscriptions"]])
    places = Places(topics=topics, hub=accounts[hub], functions=functions)
    subscriptions = EventSubscriptions(grid.subscriptions, places, grid.deliverer.validate)
    return ManagerOptions(
        resources=Resources(Path(settings["state"]) / "emulators" / "resource_manager.db"),
        admission=admission,
        fixtures=[*accounts.values(), *(scope.id for scope in estate.scopes)],
        kinds=dict.fromkeys(KINDS, subscriptions),
    )


def _azure_monitor_options(
    settings: dict[str, Any], issuer: TokenIssuer, requests: RequestLog, clock: EmulatorClock
) -> AzureMonitorOptions:
    ports = settings["ports"]
    return AzureMonitorOptions(
        state=Path(settings["state"]),
        estate=_estate(settings),
        requests=requests,
        claims=issuer.claims,
        roles=settings["roles_given"],
        addresses=tuple(f"https://localhost:{ports[name]}" for name in ("azureml", "monitor")),
        log_workspaces=settings["log_workspaces"],
        clock=clock.now,
        time_scale=settings["time_scale"],
    )


def _azure_devops_options(settings: dict[str, Any], issuer: TokenIssuer) -> azure_devops.AzureDevOpsOptions:
    devops = settings["devops"]
    organisation = Organisation(
        name=devops["organisation"],
        base=f"https://localhost:{settings['ports']['devops']}/{devops['organisation']}",
        projects=tuple(Project(**raw) for raw in devops["projects"]),
        persons=read_directory(settings).persons,
        groups={name: tuple(members) for name, members in devops["groups"].items()},
    )
    return azure_devops.AzureDevOpsOptions(
        state=Path(settings["state"]),
        organisation=organisation,
        claims=issuer.claims,
        time_scale=settings["time_scale"],
    )


def _key_vault_options(settings: dict[str, Any], issuer: TokenIssuer) -> key_vault.KeyVaultOptions:
    return key_vault.KeyVaultOptions(
        state=Path(settings["state"]),
        tenant=settings["tenant"],
        claims=issuer.claims,
        permissions=settings["vault_permissions"],
    )


def _service_now_options(settings: dict[str, Any]) -> service_now.ServiceNowOptions:
    base = f"https://localhost:{settings['ports']['servicenow']}"
    return service_now.ServiceNowOptions(state=Path(settings["state"]), base=base, **settings["service_now"])


def _ledger_options(settings: dict[str, Any], issuer: TokenIssuer) -> confidential_ledger.LedgerOptions:
    return confidential_ledger.LedgerOptions(
        state=Path(settings["state"]),
        claims=issuer.claims,
        users=settings["ledger_users"],
        commit_s=settings["time_scale"],
    )


def _tls(authority: Authority) -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.cert, authority.key)
    return tls


async def _service_bus(settings: dict[str, Any], issuer: TokenIssuer, tls: ssl.SSLContext) -> Bus:
    if not is_available():
        return NoBus()
    from signalbox.emulators.service_bus.server import ServiceBus

    folder = Path(settings["state"]) / "emulators"
    own, ports, book = settings["service_bus"], settings["ports"], _role_book(settings)

    def manages(token: str) -> bool:
        claims = issuer.claims(token, AUDIENCES)
        return claims is not None and book.allows(claims["oid"], _MANAGE, own["id"], data=True)

    accepts = lambda *arguments: issuer.claims(*arguments) is not None  # noqa: E731
    bus = ServiceBus(folder, own, accepts, manages=manages)
    await bus.listen(ports["servicebus"])
    await bus.listen(ports["servicebus_tls"], tls)
    await bus.listen_for_administrators(ports["servicebus_administration"], tls)
    return bus


async def _public_names(settings: dict[str, Any], authority: Authority) -> PublicNames:
    names, ports = settings["public_names"], settings["ports"]
    services = LocalServices(
        ports=ports, accounts=tuple(settings["accounts"]), vault=names["vault"], namespace=names["namespace"]
    )
    public_names = PublicNames(PublicHosts(services), authority.ca, ports["servicebus"])
    await public_names.listen(names["port"], names["secret"], session_certificate(Path(names["folder"])))
    return public_names


def _estate(settings: dict[str, Any]) -> Estate:
    kinds = ("workspaces", "registries")
    scopes = tuple(Scope(kind=kind, **raw) for kind in kinds for raw in settings[kind])
    datastores = {
        name: (container["account"], container["container"]) for name, container in settings["datastores"].items()
    }
    return Estate(scopes=scopes, common_datastores=datastores)


async def _listen(app: web.Application, port: int, tls: ssl.SSLContext | None) -> web.AppRunner:
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=2, max_line_size=_LONGEST_LINE, max_field_size=_LONGEST_LINE
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    return runner


async def _until_told() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    main()
