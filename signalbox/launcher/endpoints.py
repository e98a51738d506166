"""The addresses and secrets of the local cloud, in a file that the command line reads."""

import fcntl
import hashlib
import itertools
import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from signalbox.launcher.signing_keys import signing_settings
from signalbox.private_files import write_private

TENANT = "00000000-0000-0000-0000-00000000000a"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP, WORKSPACE, ACCOUNT = "rg-mlops-dev", "mlw-dev", "datahub"
REGISTRY = "mlr-central"
APP_URI = "api://signalbox"  # What the app is asked for by, and
AUDIENCE = "00000000-0000-0000-0000-0000000000a9"  # its client id, which is the audience of its v2.0 tokens.
SERVICE_NOW_CLIENT = "0000000000000000000000000000005e"
SERVICE_BUS_POLICY = "RootManageSharedAccessKey"
# Systems give an outgoing connection a port above these, so that it cannot take one between the choice and its use.
_SERVED_PORTS = range(15_000, 32_000)
_UNBOUND_FOR_S = 120.0  # As long as a service may take from the choice of its port until it listens there.
_turns = itertools.count(os.getpid() * 32)  # Processes that choose at once begin at different places.
ACCOUNTS = (ACCOUNT, "stexperiment", "stdev", "stpreprod", "stprod", "stregistry")


@dataclass(frozen=True, slots=True, kw_only=True)
class MlScope:
    """A workspace or a registry of the local cloud, the storage account that is its own, and whether it says that it is
    an *experiment*."""

    subscription: str
    resource_group: str
    name: str
    account: str
    experiment: bool = False

    def path(self, kind: str) -> str:
        """Its ARM id; *kind* is `workspaces` or `registries`."""
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.MachineLearningServices/{kind}/{self.name}"


WORKSPACES = tuple(
    MlScope(
        subscription=SUBSCRIPTION,
        resource_group=f"rg-mlops-{stage}",
        name=f"mlw-{stage}",
        account=f"st{stage}",
        experiment=stage in ("experiment", "dev"),
    )
    for stage in ("experiment", "dev", "preprod", "prod")
)
REGISTRIES = (
    MlScope(
        subscription="00000000-0000-0000-0000-000000000009",
        resource_group="rg-mlops-registry",
        name=REGISTRY,
        account="stregistry",
    ),
)
LOG_WORKSPACE = "00000000-0000-0000-0000-00000000106a"  # The id of the Log Analytics workspace of all environments.
BLOB_CONTAINER = "azureml-blobstore"  # Every workspace keeps its own files here, in its own account.
ARTIFACT_CONTAINER = "azureml"  # And here what its runs leave, their logs among it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Ports on loopback, and the secrets that open them; *state* is the folder that holds everything."""

    state: str
    host: int
    azurite: int
    queues: int
    identity: int
    identity_tls: int
    storage: int
    eventgrid: int
    azureml: int
    devops: int
    servicebus: int
    servicebus_tls: int
    servicebus_administration: int
    keyvault: int
    monitor: int
    ledger: int
    ledger_identity: int
    servicenow: int
    mail_services: int
    smtp: int
    mailbox: int
    identity_secret: str
    function_key: str
    eventgrid_key: str
    secrets_key: str
    devops_key: str
    servicebus_key: str
    session_key: str
    mail_key: str
    servicenow_key: str
    servicenow_secret: str

    @property
    def ports(self) -> tuple[int, ...]:
        services = (self.identity, self.identity_tls, self.storage, self.eventgrid, self.azureml, self.devops)
        newer = (self.keyvault, self.monitor, self.ledger, self.ledger_identity, self.servicenow)
        notices = (self.mail_services, self.smtp, self.mailbox)
        buses = (self.servicebus, self.servicebus_tls, self.servicebus_administration)
        return (self.host, self.azurite, self.queues, *buses, *newer, *notices, *services)

    @property
    def app(self) -> str:
        return f"http://127.0.0.1:{self.host}"

    @property
    def console(self) -> str:
        """The console, as a browser opens it."""
        return f"{self.app}/console"

    @property
    def hub(self) -> str:
        return self.account(ACCOUNT)

    @property
    def queue_service(self) -> str:
        """The queue service of the hub's account, which runs where an app has such bindings."""
        return f"https://localhost:{self.queues}/{ACCOUNT}"

    def account(self, name: str) -> str:
        """The blob service of the storage account *name*."""
        return f"https://localhost:{self.storage}/{name}"

    @property
    def authority(self) -> str:
        """Where the identity emulator answers over TLS, as login.microsoftonline.com does."""
        return f"https://localhost:{self.identity_tls}"

    @property
    def topic(self) -> str:
        return f"https://localhost:{self.eventgrid}/api/events"

    @property
    def resource_manager(self) -> str:
        return f"https://localhost:{self.azureml}"

    @property
    def azure_devops(self) -> str:
        """Azure DevOps, before an organisation's name."""
        return f"https://localhost:{self.devops}"

    @property
    def service_now(self) -> str:
        return f"https://localhost:{self.servicenow}"

    @property
    def vault(self) -> str:
        """Key Vault. Its clients take the tokens of a domain that the vault is below, which localhost is not."""
        return f"https://127.0.0.1:{self.keyvault}"

    @property
    def log_analytics(self) -> str:
        """The query API of Log Analytics, and the control doors of the emulated Azure Monitor."""
        return f"https://localhost:{self.monitor}"

    @property
    def confidential_ledger(self) -> str:
        """A ledger, whose certificate `ledger_identity_service` knows."""
        return f"https://localhost:{self.ledger}"

    @property
    def ledger_identity_service(self) -> str:
        return f"https://localhost:{self.ledger_identity}"

    @property
    def service_bus(self) -> str:
        """A connection string, as `az servicebus namespace authorization-rule keys list` prints one."""
        return (
            f"Endpoint=sb://localhost:{self.servicebus};SharedAccessKeyName={SERVICE_BUS_POLICY};"
            f"SharedAccessKey={self.servicebus_key};UseDevelopmentEmulator=true;"
        )

    @property
    def service_bus_administration(self) -> str:
        """A connection string for `ServiceBusAdministrationClient`, which knows no port beside the messages'."""
        return self.service_bus.replace(f":{self.servicebus};", f":{self.servicebus_administration};")

    @property
    def mailbox_page(self) -> str:
        """What has been sent by mail and to Teams, for a browser."""
        return f"http://127.0.0.1:{self.mailbox}/"

    def notice_settings(self) -> dict[str, str]:
        """Where notices go: a mail server, Communication Services, and a channel of Teams. All keep to this machine."""
        services, path = f"https://localhost:{self.mail_services}", "triggers/manual/paths/invoke"
        query = f"api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={self.mail_key}"
        return {
            "SIGNALBOX_SMTP_SERVER": f"smtp://signalbox:{self.mail_key}@localhost:{self.smtp}",
            "SIGNALBOX_MAIL_SERVICE": services,
            "SIGNALBOX_TEAMS_WEBHOOKS": f"operations={services}/workflows/operations/{path}?{query}",
        }

    @property
    def ca(self) -> Path:
        return Path(self.state) / "ca.pem"

    def environment(self) -> dict[str, str]:
        """What a process needs to reach the local cloud as it would reach Azure: addresses, identity, authority."""
        return {
            "DATA_HUB__blobServiceUri": self.hub,
            "EVENT_GRID_TOPIC__topicEndpointUri": self.topic,
            "AZURE_RESOURCE_MANAGER_URL": self.resource_manager,
            "AZURE_ML_AUDIENCE": "https://ml.azure.com",
            "AZURE_ML_INFERENCE_HOSTS": f"localhost:{self.azureml}",
            "AZURE_ML_API_HOSTS": f"localhost:{self.azureml}",
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.identity}/msi/token",
            "IDENTITY_HEADER": self.identity_secret,
            "SIGNALBOX_TOKEN_ISSUER": f"{self.authority}/{TENANT}/v2.0",
            "SIGNALBOX_TOKEN_AUDIENCE": AUDIENCE,
            **signing_settings(Path(self.state), self.vault),
            "AZURE_LOG_ANALYTICS_URL": self.log_analytics,
            "AZURE_LOG_ANALYTICS_WORKSPACES": LOG_WORKSPACE,
            "AZURE_CONFIDENTIAL_LEDGER_IDENTITY_URL": self.ledger_identity_service,
            "AZURE_KEY_VAULT_HOSTS": f"127.0.0.1:{self.keyvault}",
            "SIGNALBOX_TREE_HEADS": f"file:{Path(self.state) / 'tree-heads'}",  # Beside the storage emulator's files.
            "SIGNALBOX_SECRETS_KEY": self.secrets_key,
            "SIGNALBOX_CONSOLE_URL": self.console,
            "SIGNALBOX_SESSION_KEYS": self.session_key,
            **self.notice_settings(),
            "AZURE_DEVOPS_URL": self.azure_devops,
            "AZURE_DEVOPS_GRAPH_URL": self.azure_devops,
            "SIGNALBOX_CALLER_KEYS": ",".join(
                (
                    key_entry("command-line", self.function_key),
                    key_entry("azure-devops", self.devops_key),
                    key_entry("service-now", self.servicenow_key),
                )
            ),
            "SERVICE_NOW_URL": self.service_now,
            "SERVICE_NOW_CLIENT_ID": SERVICE_NOW_CLIENT,
            "SERVICE_NOW_CLIENT_SECRET": self.servicenow_secret,
            "STORAGE_ACCOUNTS_URL": self.account("{account}"),
            "WEBSITE_HOSTNAME": f"127.0.0.1:{self.host}",
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "REQUESTS_CA_BUNDLE": str(self.ca),
            "SSL_CERT_FILE": str(self.ca),
            "AZURE_FUNCTIONS_DURABLE_STRICT_TYPING": "1",
        }


def key_entry(name: str, key: str) -> str:
    """A named key as the app knows it: by its digest."""
    return f"{name}=sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def new_endpoints(state: Path, host_port: int = 0) -> Endpoints:
    """Free ports and fresh secrets. Raises OSError where *host_port* is taken."""
    ports = free_ports(19)
    return Endpoints(
        state=str(state),
        host=host_port or free_ports(1)[0],
        azurite=ports[0],
        identity=ports[1],
        identity_tls=ports[2],
        storage=ports[3],
        eventgrid=ports[4],
        azureml=ports[5],
        devops=ports[6],
        servicebus=ports[7],
        servicebus_tls=ports[8],
        keyvault=ports[9],
        monitor=ports[10],
        ledger=ports[11],
        ledger_identity=ports[12],
        servicenow=ports[13],
        mail_services=ports[14],
        smtp=ports[15],
        mailbox=ports[16],
        servicebus_administration=ports[17],
        queues=ports[18],
        identity_secret=secrets.token_hex(16),
        function_key=secrets.token_urlsafe(24),
        eventgrid_key=secrets.token_urlsafe(24),
        secrets_key=secrets.token_urlsafe(32),
        devops_key=secrets.token_urlsafe(24),
        servicebus_key=secrets.token_urlsafe(32),
        session_key=secrets.token_urlsafe(32),
        mail_key=secrets.token_urlsafe(24),
        servicenow_key=secrets.token_urlsafe(24),
        servicenow_secret=secrets.token_urlsafe(32),
    )


def same_endpoints(state: Path, host_port: int = 0) -> Endpoints | None:
    """The endpoints of an earlier start, if all their ports are still free: stored records contain these addresses."""
    earlier = read_endpoints(state)
    if earlier is None or (host_port and earlier.host != host_port) or earlier.state != str(state):
        return None
    try:
        for port in earlier.ports:
            refuse_taken(port)
    except OSError:
        return None
    return earlier


def write_endpoints(endpoints: Endpoints) -> None:
    path = Path(endpoints.state) / "endpoints.json"
    fresh = path.with_suffix(".tmp")
    write_private(fresh, json.dumps(asdict(endpoints), indent=2))  # The file holds the local keys.
    fresh.replace(path)


def read_endpoints(state: Path) -> Endpoints | None:
    """Where the local cloud of *state* runs, None where none of this version was started."""
    path = state / "endpoints.json"
    record = json.loads(path.read_text()) if path.is_file() else {}
    return Endpoints(**record) if record.keys() == {field.name for field in fields(Endpoints)} else None


def refuse_taken(port: int) -> None:
    """Raises OSError where something listens on *port*."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def listens(port: int) -> bool:
    """Whether something answers on *port* of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Ports of this machine on which nothing listens.

    The caller binds a port seconds after it was chosen. Until then no process of this user is given the same one.
    """
    free: list[int] = []
    with _chosen_ports() as chosen:
        while len(free) < count:
            port = _SERVED_PORTS[next(_turns) % len(_SERVED_PORTS)]
            if port in chosen:
                continue
            with suppress(OSError), socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
                free.append(port)
                chosen[port] = time.time()
    return free


@contextmanager
def _chosen_ports() -> Iterator[dict[int, float]]:
    """When each port was chosen that may not be bound yet. No other process of this user chooses meanwhile."""
    chosen = dict[int, float]()
    path = Path(tempfile.gettempdir()) / f"signalbox-ports-{os.getuid()}"
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for line in file:
            text, _, at = line.partition(" ")
            with suppress(ValueError):  # What a killed process has written half is no choice.
                if 0 <= time.time() - float(at) < _UNBOUND_FOR_S:
                    chosen[int(text)] = float(at)
        yield chosen
        file.seek(0)
        file.truncate()
        file.writelines(f"{port} {at}\n" for port, at in chosen.items())
