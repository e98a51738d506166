"""The local cloud as one thing: start it, wait until it is ready, kill parts of it, stop it.

with LocalCloud(app_folder(), state) as cloud:
    print(cloud.endpoints.app)
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import requests

from signalbox.emulators.service_bus import is_available
from signalbox.launcher.client_session import close_session, open_session
from signalbox.launcher.emulator_settings import keys_of, write_settings
from signalbox.launcher.endpoints import (
    ACCOUNT,
    ACCOUNTS,
    ARTIFACT_CONTAINER,
    BLOB_CONTAINER,
    listens,
    new_endpoints,
    refuse_taken,
    same_endpoints,
    write_endpoints,
)
from signalbox.launcher.messaging import messaging_environment
from signalbox.launcher.processes import Child
from signalbox.launcher.signing_keys import ensure_signing_keys, ensure_vault_keys
from signalbox.launcher.storage.app_storage import NO_STORAGE, AppStorage
from signalbox.launcher.storage.azurite import AzuriteMissing, find_azurite
from signalbox.private_files import private_folder, write_private
from signalbox.product import example_folder, is_signalbox

CONTAINERS = (
    *("landing", "training", "evaluation", "predictions"),
    *("quarantine", "dead-letters", "signalbox", "signalbox-staging"),
)
_PRELOADED = ("without_unused.js", "patient_connections.js", "durable_loki.js")
_PATIENCE_S = 45.0
_RESTARTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HubContainers:
    """The containers of the hub, those of the accounts of *teams*, and those from which files are scored."""

    names: tuple[str, ...]
    arrivals: tuple[str, ...]
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def watched(self) -> tuple[str, ...]:
        """The arrivals, those in a team's account as ACCOUNT/CONTAINER."""
        accounts = {name: account for account, names in self.teams.items() for name in names}
        return tuple(f"{accounts[name]}/{name}" if name in accounts else name for name in self.arrivals)


EXAMPLE_HUB = HubContainers(names=CONTAINERS, arrivals=("landing",))


class StartError(RuntimeError):
    """The local cloud cannot start; the message says what is missing and the remedy."""


class LocalCloud:
    """*app* is the function app's folder; *state* holds everything that must survive a restart.

    The app has the example's configuration, unless *settings* name another, whose containers are then those of *hub*.
    With *vault* it signs with keys of the Key Vault emulator from then on, else with files. *storage* is what another
    app than Signalbox uses of Storage. The app's code runs in as many *workers*, or in the host's own process if there
    are none; FUNCTIONS_WORKER_PROCESS_COUNT of the environment says otherwise. With *deploys* the pipelines' identity
    may write the subscription, of which the doctor warns.
    """

    def __init__(
        self,
        app: Path,
        state: Path,
        *,
        host_port: int = 0,
        settings: Mapping[str, str] | None = None,
        time_scale: float = 1.0,
        vault: bool = False,
        hub: HubContainers = EXAMPLE_HUB,
        storage: AppStorage = NO_STORAGE,
        workers: int = 0,
        deploys: bool = False,
        tell: Callable[[str, str], None] | None = None,
    ) -> None:
        self.app, self.state = app.resolve(), state.resolve()
        self.endpoints = same_endpoints(self.state, host_port) or new_endpoints(self.state, host_port)
        self._keys = keys_of(self.state, hub.teams)
        self._settings, self._time_scale, self._vault = dict(settings or {}), time_scale, vault
        self._tell, self._hub, self._storage, self._deploys = tell or _say_nothing, hub, storage, deploys
        self._workers = os.environ.get("FUNCTIONS_WORKER_PROCESS_COUNT", str(workers))
        self._children: dict[str, Child] = {}
        self._lock = threading.Lock()
        self._host_wanted = False

    def __enter__(self) -> "LocalCloud":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Raises StartError."""
        self.start_services()
        self.start_host()

    def start_services(self) -> None:
        """Start every service except the host, and make the hub's containers. Raises StartError."""
        self._preflight()
        private_folder(self.state)
        self._write_keys()
        ensure_signing_keys(self.state)
        self._ensure_authority()
        write_endpoints(self.endpoints)
        self._session = open_session(self.endpoints)
        self._start_azurite()
        if self._storage.has_queues:
            self._start_queues()
        self._spawn_emulators()
        self._await("azurite", lambda: listens(self.endpoints.azurite))
        if self._storage.has_queues:
            self._await("queues", lambda: listens(self.endpoints.queues))
        self._await("emulators", self._emulators_ready)
        self._create_containers()
        if self._vault:
            self._make_vault_keys()

    def start_host(self, app: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Start the host with the cloud's function app or with *app*, and with *settings* beside the cloud's own."""
        command = [sys.executable, "-m", "signalbox.host", "start", "--port", str(self.endpoints.host)]
        command += ["--app", str(app or self.app), "--state", str(self.state / "host"), "--auth"]
        command += ["--workers", self._workers]
        with self._lock:
            self._children["host"] = self._child("host", command, {**self.environment(), **(settings or {})})
            self._host_wanted = True
        self._await("host", self._host_ready)

    @property
    def host_runs(self) -> bool:
        return self._children["host"].ended is None

    def kill_host(self) -> None:
        """Send SIGKILL to the host, as a crash would end it."""
        with self._lock:
            self._host_wanted = False
            self._children["host"].kill()

    def start_emulators(self) -> None:
        """Start the emulators again after `kill_emulators`."""
        self._spawn_emulators()
        self._await("emulators", self._emulators_ready)

    def kill_emulators(self) -> None:
        """Send SIGKILL to the emulators: data that they have not written is lost, as in a crash."""
        self._children["emulators"].kill()

    def kill(self) -> None:
        """Send SIGKILL to every part, as the kernel does when memory runs out."""
        with self._lock:
            self._host_wanted = False
            for child in self._children.values():
                child.kill()
            self._children.clear()

    def watch(self, stop: threading.Event) -> None:
        """Restart a host that dies, at most a few times, until *stop* is set. Raises StartError when others die."""
        restarts = 0
        while not stop.wait(0.3):
            for name, child in list(self._children.items()):
                if child.ended is None:
                    continue
                if name != "host" or not self._host_wanted or restarts >= _RESTARTS:
                    raise StartError(f"{name} ended with code {child.ended}; its log ends:\n{child.last_lines()}")
                restarts += 1
                self._tell("host", f"ended with code {child.ended}; started again ({restarts} of {_RESTARTS})")
                self.start_host()

    def stop(self) -> None:
        for name in ("host", "emulators", "queues", "azurite"):
            child = self._children.pop(name, None)
            if child is not None:
                child.stop()
        close_session(self.endpoints)

    def environment(self) -> dict[str, str]:
        """The environment variables of the host."""
        defaults = {
            "SIGNALBOX_RECONCILE_SCHEDULE": "*/10 * * * * *",
            "SIGNALBOX_SCRUB_SCHEDULE": "0 0 * * * *",
            "SIGNALBOX_TICK_SCHEDULE": "*/10 * * * * *",
            "SIGNALBOX_CONFIG": str(example_folder() / "signalbox.yaml"),
            "SIGNALBOX_HOST_SPANS": str(self.state / "spans.db"),
            "OTEL_SERVICE_NAME": "signalbox",
            "OPENBLAS_NUM_THREADS": "1",  # As the templates set it.
        }
        bus = messaging_environment(self.endpoints) if is_available() else {}
        storage = self._storage.settings(self.endpoints)
        return {**defaults, **self.endpoints.environment(), **bus, **storage, **self._settings}

    def control(self, path: str, door: str = "eventgrid") -> str:
        """The address of an emulator's own control doors, such as `/_effects`."""
        return f"https://localhost:{getattr(self.endpoints, door)}{path}"

    def _preflight(self) -> None:
        if not (self.app / "function_app.py").is_file():
            raise StartError(f"{self.app} has no function_app.py; name the app's folder")
        try:
            refuse_taken(self.endpoints.host)
        except OSError as error:
            raise StartError(f"port {self.endpoints.host} is taken; choose another with --port") from error
        try:
            self._azurite = find_azurite(self._tell)
        except AzuriteMissing as error:
            raise StartError(str(error)) from error

    def _write_keys(self) -> None:
        folder = private_folder(self.state / "host")
        events = dict.fromkeys(("eventgrid_extension", "blobs_extension"), self.endpoints.eventgrid_key)
        keys = {"default": self.endpoints.function_key, **events}
        write_private(folder / "keys.json", json.dumps(keys))

    def _ensure_authority(self) -> None:
        from signalbox.emulators.authority import ensure_authority

        self._authority = ensure_authority(self.state)

    def _start_azurite(self) -> None:
        self._start_storage("azurite", "blob", self._azurite, self.endpoints.azurite)

    def _start_queues(self) -> None:
        script = self._azurite.parents[1] / "queue" / self._azurite.name
        self._start_storage("queues", "queue", script, self.endpoints.queues)

    def _start_storage(self, name: str, service: str, script: Path, port: int) -> None:
        folder = Path(__file__).parent.parent / "emulators" / "storage"
        options = [word for preloaded in _PRELOADED for word in ("--require", str(folder / preloaded))]
        command = ["node", *options, str(script), "--location", str(self.state / "azurite")]
        command += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port)]
        command += ["--oauth", "basic", "--cert", str(self._authority.cert), "--key", str(self._authority.key)]
        command += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
        accounts = ";".join(f"{account}:{key}" for account, key in self._keys.accounts.items())
        self._children[name] = self._child(name, command, {"AZURITE_ACCOUNTS": accounts})

    def _spawn_emulators(self) -> None:
        triggers = self._storage.blob_triggers
        settings = write_settings(
            self.endpoints,
            self._keys,
            self._time_scale,
            self._hub.watched,
            self._session,
            triggers,
            deploys=self._deploys,
        )
        command = [sys.executable, "-m", "signalbox.emulators", "--settings", str(settings)]
        self._children["emulators"] = self._child("emulators", command, {})

    def _child(self, name: str, command: list[str], environment: Mapping[str, str]) -> Child:
        self._tell(name, "starting")
        path = os.pathsep.join([str(self.app), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        log = self.state / "logs" / f"{name}.log"
        return Child(name, command, log, {**environment, "PYTHONPATH": path}, self.app)

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        child = self._children[name]
        while not ready():
            if child.ended is not None:
                raise StartError(f"{name} ended with code {child.ended}; its log ends:\n{child.last_lines()}")
            if time.monotonic() > deadline:
                raise StartError(f"{name} was not ready after {_PATIENCE_S:.0f} s; its log ends:\n{child.last_lines()}")
            threading.Event().wait(0.05)
        self._tell(name, "ready")

    def _emulators_ready(self) -> bool:
        endpoints = self.endpoints
        other_ports = {endpoints.host, endpoints.azurite, endpoints.queues}
        if not is_available():
            other_ports |= {endpoints.servicebus, endpoints.servicebus_tls, endpoints.servicebus_administration}
        return all(listens(port) for port in {*endpoints.ports, self._session.port} - other_ports)

    def _host_ready(self) -> bool:
        try:
            path = "/api/v1/health" if is_signalbox(self.app) else "/admin/host/ping"
            answer = requests.get(f"{self.endpoints.app}{path}", timeout=5)
        except (
            requests.ConnectionError,
            requests.Timeout,
        ):  # The service has not started yet, or is too busy to answer.
            return False
        if answer.status_code >= 500:  # The health route needs only valid settings and a valid configuration.
            log = self._children["host"].last_lines()
            raise StartError(f"the app cannot start; mend what its log ends with, and start again:\n{log}")
        return answer.status_code == 200

    def _create_containers(self) -> None:
        from signalbox.launcher.hub import hub_client

        containers = dict.fromkeys(ACCOUNTS, (BLOB_CONTAINER, ARTIFACT_CONTAINER)) | {
            ACCOUNT: (*self._hub.names, *self._storage.blob_triggers.values()),
            **self._hub.teams,
        }
        for account, names in containers.items():
            with hub_client(self.endpoints, account) as client:
                existing = {container.name for container in client.list_containers()}
                for name in set(names) - existing:
                    client.create_container(name)

    def _make_vault_keys(self) -> None:
        from signalbox.launcher.people import VAULT_OFFICER, sign_in

        vault = self.endpoints.vault
        token = sign_in(self.endpoints, VAULT_OFFICER, "https://vault.azure.net")
        ensure_vault_keys(self.state, vault, token, self.endpoints.ca)


def _say_nothing(part: str, status: str) -> None:
    del part, status
