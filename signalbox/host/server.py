"""The host: one app, one state folder, one port. It puts the parts together and takes them apart again."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web
from azure.functions import FunctionRegister
from azure.functions.meta import Datum

from signalbox.host.azure_storage.accounts import StorageClients
from signalbox.host.azure_storage.blob_trigger import PATH as BLOBS_PATH
from signalbox.host.azure_storage.blob_trigger import BlobTriggers
from signalbox.host.azure_storage.triggers import StorageTriggers, blob_queue
from signalbox.host.clock import Clock, RealClock
from signalbox.host.data_bindings.bound_calls import BoundCalls
from signalbox.host.durable.api import Address, DurableApi, Handler
from signalbox.host.durable.attempts import Attempts
from signalbox.host.durable.client import HubClient
from signalbox.host.durable.engine import Engine
from signalbox.host.durable.functions import app_orchestrators, durable_functions
from signalbox.host.durable.orchestrations.replay import Orchestrator
from signalbox.host.durable.payloads import client_binding
from signalbox.host.durable.sdk import close_client_session, spare_repetition
from signalbox.host.durable.storage.database import Storage, Synchronous
from signalbox.host.errors import HostError
from signalbox.host.functions import Function, index, load_app
from signalbox.host.invocation import Invoker
from signalbox.host.service_bus.binding import source
from signalbox.host.service_bus.listener import ServiceBusTriggers
from signalbox.host.settings import apply_local_settings, load_cross_origin, load_host_settings
from signalbox.host.state_folder.keys import load_keys
from signalbox.host.state_folder.last_words import LastWords
from signalbox.host.state_folder.lockfile import StateLock
from signalbox.host.streaming.extension import uses_streams
from signalbox.host.triggers.event_grid import PATH as EVENTGRID_PATH
from signalbox.host.triggers.event_grid import EventGridWebhook
from signalbox.host.triggers.http import HttpTriggers, endpoint
from signalbox.host.triggers.kinds import sort_by_kind
from signalbox.host.triggers.timers import TimerTriggers, timer
from signalbox.host.triggers.warmups import warm_up, warmup
from signalbox.host.web.access import Access
from signalbox.host.web.administration import Administration
from signalbox.host.web.headers import add_headers
from signalbox.host.workers.crew import Crew, RemoteOrchestrator
from signalbox.host.workers.microsoft.crew import LibraryCrew
from signalbox.host.workers.microsoft.spawner import Spawner
from signalbox.host.workers.nursery import Nursery
from signalbox.host.workers.worker import Worker
from signalbox.listening import ListeningSite
from signalbox.private_files import private_folder

_LARGEST_BODY = 100 * 1024 * 1024
_LONGEST_LINE = 64 * 1024  # A name of a thousand characters is twelve times that once it is encoded.
_GRACE_SECONDS = 5.0
_EVERY_PATH = r"/{path:[\s\S]*}"  # Names may hold an encoded end of line.
_NO_HOME_PAGE = "AzureWebJobsDisableHomepage"  # An app setting of the real host.
_WEBHOOK = "/runtime/webhooks/durabletask"
# The routes are the same text for every host, so that `re` compiles their patterns once a process.
_WEBHOOK_ROUTE = f"/{{webhook:(?i:{_WEBHOOK[1:]})}}"
_RPC_ROUTE = "/durabletask/{secret}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """Where the app and its state are, and how the host runs. Port 0 takes a free one.

    *owns_process* says that the process is only this host, so that it may watch how the process ends; *auth*, that
    callers must show keys. The app's code runs in *workers* processes, or in this one if there are none; with
    *worker_python*, in Microsoft's worker library, which that Python has.
    *allow_unserved* leaves functions out that cannot be served, where one of them would otherwise stop the host.
    With *strict_replay* an orchestration that calls a function with another input at its replay fails.
    """

    app: Path
    state: Path
    port: int = 0
    synchronous: Synchronous = "FULL"
    owns_process: bool = False
    workers: int = 0
    worker_python: Path | None = None
    allow_unserved: bool = False
    strict_replay: bool = False
    auth: bool = True


class FunctionsHost:
    """Serves a function app on 127.0.0.1 between `start` and `stop`."""

    def __init__(
        self, options: HostOptions, *, clock: Clock | None = None, app: FunctionRegister | None = None
    ) -> None:
        """*app* is used instead of importing `function_app.py`, for tests."""
        self._options = options
        self._clock = clock or RealClock()
        self._state = options.state
        private_folder(self._state)
        self._lock = StateLock(self._state)
        apply_local_settings(options.app, os.environ)
        self.settings = load_host_settings(options.app, os.environ)
        self.keys = load_keys(self._state)
        self._access = Access(keys=self.keys, required=options.auth)
        self._spawner = Spawner(options.worker_python, options.app) if options.worker_python else None
        all_functions = self._spawner.functions if self._spawner else index(app or load_app(options.app), options.app)
        enabled = [function for name, function in all_functions.items() if _is_enabled(name)]
        self._kinds = sort_by_kind(enabled, leave_out=options.allow_unserved)
        self._warmup = warmup(self._kinds["warmupTrigger"])
        self.functions = {function.name: function for functions in self._kinds.values() for function in functions}
        self._are_streams = self._spawner.is_streaming if self._spawner else uses_streams(self._kinds["httpTrigger"])
        self._orchestrators: Mapping[str, Orchestrator] = app_orchestrators(self.functions.values())
        spare_repetition()
        self._nursery = Nursery(self._be_worker) if options.workers and not self._spawner else None
        self._sources = [source(function, os.environ) for function in self._kinds["serviceBusTrigger"]]
        # The SDK's client sends no key on this path, here as on Azure. Its random name keeps out other users of the
        # machine.
        self._rpc_secret = secrets.token_urlsafe(16)
        self.url = ""

    async def start(self) -> None:
        """Open the state, take up what was left, listen. Raises HostError when the state or the port is taken."""
        self._lock.acquire()
        try:
            listener = _bind(self._options.port)
        except HostError:
            self._lock.release()
            raise
        # Bound before anything is taken up: what `recover` runs may need a client binding, whose links hold the port.
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._binding = self._client_binding()
        await self._open()
        if self._warmup is not None:
            await warm_up(self._warmup, self.calls)
        self.engine.recover()  # Before the first request, so that nothing is taken up twice.
        self._runner = web.AppRunner(
            self._web_app(),
            access_log=None,
            shutdown_timeout=_GRACE_SECONDS,
            max_line_size=_LONGEST_LINE,
            auto_decompress=False,  # The real host hands a compressed body to the function as it is.
        )
        await self._runner.setup()
        await ListeningSite(self._runner, listener).start()
        await self.timers.start()
        self.service_bus.start()
        self.storage.start()

    def _be_worker(self, connection: socket.socket, binding: str) -> None:
        Worker(self.functions, self._orchestrators, self.settings.timeout, binding).run(connection)

    async def _open(self) -> None:
        orchestrators = self._orchestrators
        crew = self._crew()
        if crew is None:
            self.invoker: Invoker | Crew = Invoker(self.client_binding, self.settings.timeout)
        else:
            await crew.start()
            orchestrators = {name: RemoteOrchestrator(crew, name) for name in orchestrators}
            self.invoker = crew
        self._storage = Storage(self._state, self._options.synchronous)
        self._attempts = Attempts(self._state)
        words = LastWords(self._state)
        self._attempts.recover(words.take())
        if self._options.owns_process:
            words.listen()
        self._clients = StorageClients(os.environ)
        base64 = self.settings.queues.base64
        self.calls = BoundCalls(self.invoker, self._clients, os.environ, queues_hold_base64=base64)
        durable = durable_functions(self.functions.values(), self.calls, orchestrators)
        settings = replace(self.settings.durable, strict_replay=self._options.strict_replay)
        self.engine = Engine(
            self._storage, self._clock, durable, settings, lambda: self.invoker.crowded, self._attempts
        )
        self.client = HubClient(self._storage, self.engine, self._clock, durable.catalogue, settings)
        timers = [timer(function) for function in self._kinds["timerTrigger"]]
        self.timers = TimerTriggers(timers, self._clock, self._storage, self.calls)
        self.service_bus = ServiceBusTriggers(self._sources, self.calls, self.settings.service_bus)
        blob_functions = {function.name: function for function in self._kinds["blobTrigger"]}
        queue = blob_queue(self._options.app, os.environ)
        self._blobs = BlobTriggers(blob_functions, self._access, self._clients, self.calls, queue)
        blobs = self._blobs if blob_functions else None
        queued = self._kinds["queueTrigger"]
        self.storage = StorageTriggers(queued, blobs, self._clients, self.calls, self.settings.queues)

    def _crew(self) -> Crew | None:
        """The worker processes, if the app's code runs in such."""
        size, timeout = self._options.workers, self.settings.timeout
        if self._spawner is not None:
            return LibraryCrew(self._spawner, self.client_binding, timeout, size or 1)
        return None if self._nursery is None else Crew(self._nursery, self.client_binding, timeout, size)

    async def stop(self) -> None:
        """Stop listening, let what is in progress end, close the state."""
        await self.service_bus.stop(_GRACE_SECONDS)
        await self.storage.stop(_GRACE_SECONDS)
        await self.timers.stop()
        self._administration.stop()
        await self.engine.wind_down(_GRACE_SECONDS)
        # HTTP is served until the activities have ended, since they call this host through the SDK's client.
        await self._runner.cleanup()
        await close_client_session()
        await self.calls.close()
        await self._clients.close()
        await self.engine.stop()
        self.invoker.stop()
        await asyncio.to_thread(self._storage.close)
        self._attempts.close()
        self._lock.release()

    @property
    def idle(self) -> bool:
        """Whether nothing will happen before the clock moves or somebody calls."""
        return self.engine.idle and self.timers.idle and self.service_bus.idle and self.storage.idle

    def _web_app(self) -> web.Application:
        application = web.Application(client_max_size=_LARGEST_BODY)
        add_headers(application, self.settings.headers, load_cross_origin(self._options.app))
        endpoints = {
            function.name: endpoint(function, self.settings.route_prefix) for function in self._kinds["httpTrigger"]
        }
        self._administration = Administration(
            self.functions, endpoints, self._access, self._run_by_hand, self.settings.durable.hub_name
        )
        is_home_shown = os.environ.get(_NO_HOME_PAGE, "").lower() != "true"
        application.add_routes(self._administration.routes(home=is_home_shown))
        eventgrid = EventGridWebhook({f.name: f for f in self._kinds["eventGridTrigger"]}, self._access, self.calls)
        for method in ("POST", "OPTIONS"):
            application.router.add_route(method, EVENTGRID_PATH, eventgrid.handle)
            if self._kinds["blobTrigger"]:
                application.router.add_route(method, BLOBS_PATH, self._blobs.handle)
        address = Address(hub=self.settings.durable.hub_name, key=self.keys.durabletask_extension)
        api = DurableApi(self.client, address)
        application.add_routes(api.routes(_WEBHOOK_ROUTE, self._require_key))
        application.add_routes(api.routes(_RPC_ROUTE, self._require_secret))
        triggers = HttpTriggers(endpoints.values(), self._access, self.calls, are_streams=self._are_streams)
        application.router.add_route("*", _EVERY_PATH, triggers.handle)
        return application

    async def _run_by_hand(self, function: Function, text: str | None) -> object:
        if function.kind == "timerTrigger":
            await self.timers.run_now(function)
            return None
        if function.kind == "blobTrigger":
            container, _, name = (text or "").partition("/")
            await self._blobs.call(function, container, name)
            return None
        kind = "json" if function.kind == "eventGridTrigger" else "string"
        return await self.calls.answer(function, Datum(text, kind))

    def _require_key(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self._access.admits(request, self.keys.durabletask_extension):
                return web.Response(status=401)
            return await handler(request)

        return guarded

    def _require_secret(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not secrets.compare_digest(request.match_info["secret"].encode(), self._rpc_secret.encode()):
                return web.Response(status=404)
            return await handler(request)

        return guarded

    def client_binding(self) -> str:
        """The JSON text a durableClient binding receives."""
        return self._binding

    def _client_binding(self) -> str:
        hub, key = self.settings.durable.hub_name, self.keys.durabletask_extension
        return client_binding(f"{self.url}{_WEBHOOK}", f"{self.url}/durabletask/{self._rpc_secret}/", hub, key)


def _bind(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise HostError(f"port {port} cannot be used ({error.strerror}): choose another --port") from None
    return listener


def _is_enabled(name: str) -> bool:
    """`AzureWebJobs.NAME.Disabled` set to true or 1 takes a function out, as on Azure."""
    return os.environ.get(f"AzureWebJobs.{name}.Disabled", "").lower() not in ("true", "1")
