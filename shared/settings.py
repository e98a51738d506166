"""The environment, read once and checked whole: the only module that knows a variable's name.

`local.settings.sample.json` lists the same settings; a test compares the two.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from shared.domain.access.callers import audience_problem
from shared.domain.notices.addresses import is_service_address, read_mail_server, read_webhooks
from shared.domain.trust.keys import Purpose

_HOME = Path(__file__).parent.parent
_UNRESOLVED = "@Microsoft.KeyVault("

BLOB_SERVICE = "DATA_HUB__blobServiceUri"
TOPIC = "EVENT_GRID_TOPIC__topicEndpointUri"
RESOURCE_MANAGER = "AZURE_RESOURCE_MANAGER_URL"
ML_AUDIENCE = "AZURE_ML_AUDIENCE"
ML_HOSTS = "AZURE_ML_INFERENCE_HOSTS"
ML_API_HOSTS = "AZURE_ML_API_HOSTS"
CONFIG = "SIGNALBOX_CONFIG"
IDENTITY = "AZURE_CLIENT_ID"
STORAGE_ACCOUNTS = "STORAGE_ACCOUNTS_URL"
SIGNING_KEYS = "SIGNALBOX_SIGNING_KEYS"
TRUSTED_KEYS = "SIGNALBOX_TRUSTED_KEYS"
KEY_VAULT_HOSTS = "AZURE_KEY_VAULT_HOSTS"
LOG_ANALYTICS = "AZURE_LOG_ANALYTICS_URL"
LOG_WORKSPACES = "AZURE_LOG_ANALYTICS_WORKSPACES"
TREE_HEADS = "SIGNALBOX_TREE_HEADS"
LEDGER_IDENTITY = "AZURE_CONFIDENTIAL_LEDGER_IDENTITY_URL"
TOKEN_ISSUER = "SIGNALBOX_TOKEN_ISSUER"
TOKEN_AUDIENCE = "SIGNALBOX_TOKEN_AUDIENCE"
SECRETS_KEY = "SIGNALBOX_SECRETS_KEY"
CONSOLE_URL = "SIGNALBOX_CONSOLE_URL"
SMTP_SERVER = "SIGNALBOX_SMTP_SERVER"
MAIL_SERVICE = "SIGNALBOX_MAIL_SERVICE"
TEAMS_WEBHOOKS = "SIGNALBOX_TEAMS_WEBHOOKS"
SESSION_KEYS = "SIGNALBOX_SESSION_KEYS"
DEVOPS = "AZURE_DEVOPS_URL"
DEVOPS_GRAPH = "AZURE_DEVOPS_GRAPH_URL"
SERVICE_NOW = "SERVICE_NOW_URL"
SERVICE_NOW_CLIENT = "SERVICE_NOW_CLIENT_ID"
SERVICE_NOW_SECRET = "SERVICE_NOW_CLIENT_SECRET"
CALLER_KEYS = "SIGNALBOX_CALLER_KEYS"
PLATFORM_SIGN_IN = "SIGNALBOX_PLATFORM_SIGN_IN"
SITE_NAME, SITE_HOST = "WEBSITE_SITE_NAME", "WEBSITE_HOSTNAME"  # The platform's own, which nobody sets.
SERVICE_BUS = "SERVICE_BUS"  # A connection string; or else, with the app's identity:
SERVICE_BUS_NAMESPACE = "SERVICE_BUS__fullyQualifiedNamespace"
RESULTS_TOPIC = "SIGNALBOX_RESULTS_TOPIC"
MESSAGES_QUEUE = "SIGNALBOX_MESSAGES_QUEUE"  # Read by the host, for the triggers; a door without a queue is not there.
RECORDS_QUEUE = "SIGNALBOX_RECORDS_QUEUE"
APPROVALS_QUEUE = "SIGNALBOX_APPROVALS_QUEUE"
HOOKS_QUEUE = "SIGNALBOX_HOOKS_QUEUE"
EVENTS_QUEUE = "SIGNALBOX_EVENTS_QUEUE"
QUEUES = (MESSAGES_QUEUE, RECORDS_QUEUE, APPROVALS_QUEUE, HOOKS_QUEUE, EVENTS_QUEUE)
SCHEDULE = "SIGNALBOX_RECONCILE_SCHEDULE"  # Read by the host, for the timer.
SCRUB_SCHEDULE = "SIGNALBOX_SCRUB_SCHEDULE"  # Likewise.
TICK_SCHEDULE = "SIGNALBOX_TICK_SCHEDULE"  # Likewise: how often `schedules` are looked at.

DEFAULTS = {
    BLOB_SERVICE: "",
    TOPIC: "",
    RESOURCE_MANAGER: "https://management.azure.com",
    ML_AUDIENCE: "https://ml.azure.com",
    ML_HOSTS: "*.inference.ml.azure.com",
    ML_API_HOSTS: "*.api.azureml.ms",
    CONFIG: "signalbox.yaml",
    IDENTITY: "",
    STORAGE_ACCOUNTS: "https://{account}.blob.core.windows.net",
    SIGNING_KEYS: "",
    TRUSTED_KEYS: "",
    KEY_VAULT_HOSTS: "*.vault.azure.net",
    LOG_ANALYTICS: "https://api.loganalytics.io",
    LOG_WORKSPACES: "",
    TREE_HEADS: "",
    LEDGER_IDENTITY: "https://identity.confidential-ledger.core.azure.com",
    TOKEN_ISSUER: "",
    TOKEN_AUDIENCE: "",
    SECRETS_KEY: "",
    CONSOLE_URL: "",
    SESSION_KEYS: "",
    SMTP_SERVER: "",
    MAIL_SERVICE: "",
    TEAMS_WEBHOOKS: "",
    DEVOPS: "https://dev.azure.com",
    DEVOPS_GRAPH: "https://vssps.dev.azure.com",
    SERVICE_NOW: "",
    SERVICE_NOW_CLIENT: "",
    SERVICE_NOW_SECRET: "",
    CALLER_KEYS: "",
    PLATFORM_SIGN_IN: "false",
    SERVICE_BUS: "",
    SERVICE_BUS_NAMESPACE: "",
    RESULTS_TOPIC: "",
    MESSAGES_QUEUE: "",
    RECORDS_QUEUE: "",
    APPROVALS_QUEUE: "",
    HOOKS_QUEUE: "",
    EVENTS_QUEUE: "",
    SCHEDULE: "0 * * * * *",
    SCRUB_SCHEDULE: "0 0 3 * * *",
    TICK_SCHEDULE: "0 * * * * *",
}
_URLS = (
    BLOB_SERVICE,
    TOPIC,
    RESOURCE_MANAGER,
    ML_AUDIENCE,
    STORAGE_ACCOUNTS,
    DEVOPS,
    DEVOPS_GRAPH,
    LOG_ANALYTICS,
    LEDGER_IDENTITY,
)
_NOTICES = {
    SMTP_SERVER: "write smtps://USER:PASSWORD@HOST:465, or smtp://... for STARTTLS on port 587, kept in Key Vault",
    MAIL_SERVICE: "write https://NAME.REGION.communication.azure.com",
    TEAMS_WEBHOOKS: "write NAME=https://..., with a comma between webhooks, kept in Key Vault",
}
_NAMESPACE = re.compile(r"Endpoint=sb://([^./:;]+)", re.IGNORECASE)
_KEY_LENGTH = 32
# The first form leaves out the hosts of ledgers: one whose `ledger:` was forgotten would pass for a container.
_TREE_HEADS = re.compile(
    r"https://(?![^/]*\.confidential-ledger\.)[^/?#\s]+(/[a-z0-9]+)?/[a-z0-9](-?[a-z0-9])*"
    r"|file:/\S.*|ledger:https://[^/@?#\s]+/[a-z0-9](-?[a-z0-9])*"
)
# Browsers keep `__Host-` cookies for https, and for this machine.
_CONSOLE = re.compile(
    r"(https://[^/?#\s@]+|http://(127\.0\.0\.1|localhost)(:\d+)?)(/[A-Za-z0-9][\w.~-]*)*/console", re.A
)
_INSTANCE = re.compile(r"https://[^/?#\s@]+")
_VAULT_KEY = re.compile(r"https://[^/@?#\s]+/keys/[0-9A-Za-z-]{1,127}/[0-9a-f]{32}")
_LOG_WORKSPACE = re.compile(r"([a-z0-9][a-z0-9-]*=)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SIGNING_KEY = re.compile(rf"({'|'.join(Purpose)})=[A-Za-z0-9][A-Za-z0-9._-]*@(https://\S+|file:\S+)")
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}=sha256:[0-9a-f]{64}")


class SettingsError(ValueError):
    """One or more settings are missing or wrong; the message has a line for each, with its remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """URLs are https; *ml_inference_hosts* are the patterns of hosts that may get a scoring token, *ml_api_hosts* of
    those of the workspaces' regional services.

    *storage_accounts* makes a storage account's address of its name. *signing_keys* are `KEYID@ADDRESS` by purpose, and
    *trusted_keys* is the file of the public keys: without them nothing is promoted. *key_vault_hosts* are the patterns
    of vaults that may be asked to sign. Without *token_issuer* nobody can approve; without *secrets_key* no pipeline's
    task is taken.
    *tree_heads* is the address of the container, the `file:` folder or the `ledger:` and collections, where heads of
    the audit log are published; *ledger_identity* knows the certificates of ledgers.
    *service_now_client* is an instance of ServiceNow, and the id and the secret of the app as its client; without them
    nothing is provisioned.
    *console_url* is the console as a browser reaches it, and *session_keys* seal its sessions: the first seals, all
    open. Without either nobody signs in there.
    Notices go to *smtp_server* or *mail_service* (Communication Services) and to *teams_webhooks*; the first and the
    last have secrets in them.
    *caller_keys* are the sha256 digests of the machines' keys by name;
    *platform_sign_in* says that App Service signs callers in, so that its header is true.
    """

    blob_service: str
    topic_endpoint: str
    resource_manager: str
    ml_audience: str
    ml_inference_hosts: tuple[str, ...]
    ml_api_hosts: tuple[str, ...]
    config_path: Path
    identity_client_id: str
    storage_accounts: str
    signing_keys: tuple[tuple[Purpose, str], ...]
    trusted_keys: Path | None
    token_issuer: str
    token_audience: str
    secrets_key: str
    devops_url: str
    devops_graph_url: str
    caller_keys: tuple[tuple[str, str], ...]
    platform_sign_in: bool
    service_bus: str = ""
    service_bus_namespace: str = ""
    results_topic: str = ""
    queues: tuple[tuple[str, str], ...] = ()  # By setting: those that messages are received from.
    key_vault_hosts: tuple[str, ...] = ()
    tree_heads: str = ""
    ledger_identity: str = DEFAULTS[LEDGER_IDENTITY]
    log_analytics: str = ""
    log_workspaces: tuple[tuple[str, str], ...] = ()  # By environment; that of "" is for all others.
    console_url: str = ""
    session_keys: tuple[str, ...] = ()
    service_now_client: tuple[str, str, str] = ("", "", "")
    smtp_server: str = field(default="", repr=False)
    mail_service: str = ""
    teams_webhooks: str = field(default="", repr=False)
    site_name: str = ""
    site_host: str = ""

    @property
    def bus_name(self) -> str:
        """The name of the Service Bus namespace, empty where there is none."""
        match = _NAMESPACE.search(self.service_bus)
        return match[1] if match else self.service_bus_namespace.partition(".")[0]

    @property
    def queue_doors(self) -> dict[str, str]:
        """The queues by what comes by them, as in SIGNALBOX_MESSAGES_QUEUE; none where there is no namespace."""
        if not self.bus_name:
            return {}
        return {name.removeprefix("SIGNALBOX_").removesuffix("_QUEUE").lower(): queue for name, queue in self.queues}

    @property
    def bus_by_key(self) -> bool:
        """Whether the namespace is opened by a key, and not by the app's identity."""
        return bool(self.service_bus)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in *environment*. Raises SettingsError with every problem at once."""
    values = {name: environment.get(name, default).strip() for name, default in DEFAULTS.items()}
    problems = [problem for name, value in values.items() if (problem := _problem(name, value))]
    problems += _problems_together(values)
    if problems:
        raise SettingsError("\n".join(problems))
    return Settings(
        blob_service=values[BLOB_SERVICE].rstrip("/"),
        topic_endpoint=values[TOPIC],
        resource_manager=values[RESOURCE_MANAGER].rstrip("/"),
        ml_audience=values[ML_AUDIENCE].rstrip("/"),
        ml_inference_hosts=_hosts(values[ML_HOSTS]),
        ml_api_hosts=_hosts(values[ML_API_HOSTS]),
        config_path=_HOME / values[CONFIG],
        identity_client_id=values[IDENTITY],
        storage_accounts=values[STORAGE_ACCOUNTS].rstrip("/"),
        signing_keys=tuple(_signing_key(entry) for entry in _entries(values[SIGNING_KEYS])),
        trusted_keys=_HOME / values[TRUSTED_KEYS] if values[TRUSTED_KEYS] else None,
        token_issuer=values[TOKEN_ISSUER].rstrip("/"),
        token_audience=values[TOKEN_AUDIENCE],
        secrets_key=values[SECRETS_KEY],
        devops_url=values[DEVOPS].rstrip("/"),
        devops_graph_url=values[DEVOPS_GRAPH].rstrip("/"),
        caller_keys=tuple(_key(entry) for entry in _entries(values[CALLER_KEYS])),
        platform_sign_in=values[PLATFORM_SIGN_IN].lower() == "true",
        service_bus=values[SERVICE_BUS],
        results_topic=values[RESULTS_TOPIC],
        service_bus_namespace=values[SERVICE_BUS_NAMESPACE],
        queues=tuple((name, values[name]) for name in QUEUES if values[name]),
        key_vault_hosts=_hosts(values[KEY_VAULT_HOSTS]),
        log_analytics=values[LOG_ANALYTICS].rstrip("/"),
        log_workspaces=tuple(_log_workspace(entry) for entry in _entries(values[LOG_WORKSPACES])),
        console_url=values[CONSOLE_URL].rstrip("/"),
        session_keys=tuple(_entries(values[SESSION_KEYS])),
        service_now_client=(values[SERVICE_NOW].rstrip("/"), values[SERVICE_NOW_CLIENT], values[SERVICE_NOW_SECRET]),
        smtp_server=values[SMTP_SERVER],
        mail_service=values[MAIL_SERVICE].rstrip("/"),
        teams_webhooks=values[TEAMS_WEBHOOKS],
        tree_heads=values[TREE_HEADS].rstrip("/"),
        ledger_identity=values[LEDGER_IDENTITY].rstrip("/"),
        site_name=environment.get(SITE_NAME, ""),
        site_host=environment.get(SITE_HOST, ""),
    )


def _problems_together(values: Mapping[str, str]) -> list[str]:
    """What is wrong with settings that need one another."""
    problems = list[str]()
    if values[RESULTS_TOPIC] and not values[SERVICE_BUS] and not values[SERVICE_BUS_NAMESPACE]:
        problems.append(f"{RESULTS_TOPIC} is {values[RESULTS_TOPIC]!r}, on no namespace; set {SERVICE_BUS_NAMESPACE}")
    if values[SIGNING_KEYS] and not values[TRUSTED_KEYS]:
        problems.append(f"{TRUSTED_KEYS} is not set, so nothing that {SIGNING_KEYS} sign is believed; name their set")
    if values[SERVICE_NOW] and not (values[SERVICE_NOW_CLIENT] and values[SERVICE_NOW_SECRET]):
        problems.append(f"{SERVICE_NOW} is set without {SERVICE_NOW_CLIENT} and {SERVICE_NOW_SECRET}; set all three")
    issuer, audience = values[TOKEN_ISSUER], values[TOKEN_AUDIENCE]
    if issuer and (problem := audience_problem(issuer, audience)):
        problems.append(f"{TOKEN_AUDIENCE} is {audience!r}, {problem}")
    return problems


def has_queue(setting: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the app is to receive from the queue that *setting* names: it does where there is a connection too."""
    return bool(environment.get(setting)) and any(
        environment.get(name) for name in (SERVICE_BUS, SERVICE_BUS_NAMESPACE)
    )


def _hosts(patterns: str) -> tuple[str, ...]:
    return tuple(host.strip() for host in patterns.split(",") if host.strip())


def _problem(name: str, value: str) -> str | None:
    # App Service leaves the reference's own text in a setting that it cannot resolve.
    if value.startswith(_UNRESOLVED):
        return f"{name} is an unresolved Key Vault reference; give the app's identity Key Vault Secrets User"
    if name in _URLS and not value:
        return f"{name} is not set; set it as local.settings.sample.json shows"
    if name in _URLS and urlsplit(value).scheme != "https":
        return f"{name} is {value!r}; use an https:// address, since tokens are sent there"
    if name == SIGNING_KEYS and (problem := _signing_problem(_entries(value))):
        return f"{name} {problem}"
    if name == TREE_HEADS and value and not _TREE_HEADS.fullmatch(value.rstrip("/")):
        return (
            f"{name} is {value!r}; use the https:// address of a container in another account, "
            "ledger:https://NAME.confidential-ledger.azure.com/COLLECTIONS, or file:/FOLDER"
        )
    if name == TRUSTED_KEYS and value and not (_HOME / value).is_file():
        return f"{name} is {value!r}, which is not a file; name the JSON Web Key Set of the trusted keys"
    if name == SECRETS_KEY and 0 < len(value) < _KEY_LENGTH:
        return f"{name} has {len(value)} characters; use at least {_KEY_LENGTH} random ones, kept in Key Vault"
    if name == SESSION_KEYS and not all(len(key) >= _KEY_LENGTH for key in _entries(value)):
        return f"{name} has a key of less than {_KEY_LENGTH} characters; use random ones, kept in Key Vault"
    if name == CONSOLE_URL and value and not _CONSOLE.fullmatch(value.rstrip("/")):
        return f"{name} is {value!r}; use https://HOST/console, or https://HOST/PATH/console, as browsers reach the app"
    if name == SERVICE_NOW and value and not _INSTANCE.fullmatch(value.rstrip("/")):
        return f"{name} is {value!r}; use https://INSTANCE.service-now.com, since a secret is sent there"
    if name in _NOTICES and value and (problem := _notice_problem(name, value)):
        return f"{name} {problem}"
    if name == TOKEN_ISSUER and value and urlsplit(value).scheme != "https":
        return f"{name} is {value!r}; use https://login.microsoftonline.com/TENANT/v2.0"
    if name == LOG_WORKSPACES and not all(_LOG_WORKSPACE.fullmatch(entry) for entry in _entries(value)):
        return f"{name} is {value!r}; write the id (a GUID) of the Log Analytics workspace, or ENVIRONMENT=ID for each"
    if name == CALLER_KEYS and not all(_KEY.fullmatch(entry) for entry in _entries(value)):
        return f"{name} is not a list of NAME=sha256:DIGEST (64 hexadecimal digits)"
    if name == PLATFORM_SIGN_IN and value.lower() not in ("true", "false"):
        return f"{name} is {value!r}; use true only where App Service authentication is on, or else false"
    if name == CONFIG and not (_HOME / value).is_file():
        return f"{name} is {value!r}, which is not a file below the app; name the configuration's file"
    return None


def _notice_problem(name: str, value: str) -> str:
    """What is wrong with where notices go; empty where nothing is. The value has secrets, and is not repeated."""
    try:
        if name == SMTP_SERVER:
            read_mail_server(value)
        elif name == TEAMS_WEBHOOKS:
            read_webhooks(value)
        elif not is_service_address(value):
            raise ValueError("is no https:// address of a host")
    except ValueError as error:
        return f"{error}; {_NOTICES[name]}"
    return ""


def _entries(value: str) -> list[str]:
    return [entry.strip() for entry in value.split(",") if entry.strip()]


def _log_workspace(entry: str) -> tuple[str, str]:
    environment, _, workspace = entry.rpartition("=")
    return environment, workspace


def _key(entry: str) -> tuple[str, str]:
    name, _, digest = entry.partition("=sha256:")
    return name, digest


def _signing_problem(entries: list[str]) -> str:
    """What is wrong with the signing keys; empty where nothing is."""
    wrong = next((entry for entry in entries if not _SIGNING_KEY.fullmatch(entry)), None)
    purposes = [entry.partition("=")[0] for entry in entries]
    names = ", ".join(Purpose)
    if wrong is not None:
        return (
            f"has {wrong!r}; write PURPOSE=KEYID@https://VAULT/keys/NAME/VERSION or PURPOSE=KEYID@file:PATH ({names})"
        )
    if len(set(purposes)) < len(purposes):
        return f"names two keys for one purpose; one key signs for each of {names}"
    identities = [entry.partition("=")[2].partition("@") for entry in entries]
    keyids, addresses = [keyid for keyid, _, _ in identities], [address for _, _, address in identities]
    loose_address = next((url for url in addresses if url.startswith("https:") and not _VAULT_KEY.fullmatch(url)), None)
    if loose_address is not None:
        return (
            f"has {loose_address!r}, which is not https://VAULT/keys/NAME/VERSION; name the version, so that nobody "
            "can put another key under the name"
        )
    if len(set(addresses)) < len(addresses) or len(set(keyids)) < len(keyids):
        return "gives two purposes one key; each purpose has a key of its own, so that one stolen key cannot do all"
    return ""


def _signing_key(entry: str) -> tuple[Purpose, str]:
    purpose, _, key = entry.partition("=")
    return Purpose(purpose), key
