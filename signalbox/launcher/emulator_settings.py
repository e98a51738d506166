"""The emulators' settings: accounts, identities, persons and subscriptions. They hold keys, so only the owner
may read the file it is written to."""

import json
import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from signalbox.emulators.tokens import PRINCIPAL
from signalbox.launcher.client_session import CLIENT_ID, CLIENT_PRINCIPAL, NAMESPACE, VAULT, ClientSession
from signalbox.launcher.endpoints import (
    ACCOUNT,
    ACCOUNTS,
    LOG_WORKSPACE,
    REGISTRIES,
    SERVICE_NOW_CLIENT,
    SUBSCRIPTION,
    TENANT,
    WORKSPACES,
    Endpoints,
)
from signalbox.launcher.messaging import namespace_id, namespace_settings
from signalbox.launcher.people import APPLICATION, DEVOPS, PERSONS, USER_ASSIGNED
from signalbox.private_files import write_private

# Operations after which a file is whole, over every protocol of the service; the last two rename one into its place.
COMMITTED = ("PutBlob", "PutBlockList", "CopyBlob", "FlushWithClose", "SftpCommit", "RenameFile", "SftpRename")
ML_EVENTS, RUN_EVENTS = ("ModelRegistered", "DatasetDriftDetected"), ("RunCompleted", "RunStatusChanged")
# As roles give them: Key Vault Crypto User with the keys, less what the app has no use for; Key Vault Crypto Officer.
_CRYPTO_OFFICER = {"*": ["get", "list", "create", "import", "update", "rotate", "sign", "verify"]}
VAULT_PERMISSIONS = {
    PRINCIPAL: {"*": ["get", "sign", "verify"]},
    str(PERSONS[3]["oid"]): _CRYPTO_OFFICER,
    CLIENT_PRINCIPAL: _CRYPTO_OFFICER,
}
# Those of the ledger: the app adds and reads, and an engineer says who may.
LEDGER_USERS = {PRINCIPAL: "Contributor", str(PERSONS[3]["oid"]): "Administrator"}
_LANDING = "landing"  # The example's files arrive here.
_BREACHED = "data.RunTags.azureml_modelmonitor_threshold_breached"  # Model monitors put it on their runs.


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalKeys:
    """*accounts*: base64 by name, as Azure Storage's are; *topic* opens the topic of the announcements."""

    accounts: Mapping[str, str]
    topic: str


def settings_file(state: Path) -> Path:
    return state / "emulators.json"


def keys_of(state: Path, more: Iterable[str] = ()) -> LocalKeys:
    """The keys of an earlier start in *state*, and fresh ones for new accounts, *more* than the cloud's own too."""
    path = settings_file(state)
    record = json.loads(path.read_text()) if path.is_file() else {}
    accounts = {name: account["key"] for name, account in record.get("accounts", {}).items()}
    fresh = {name: b64encode(secrets.token_bytes(64)).decode() for name in (*ACCOUNTS, *more)}
    return LocalKeys(accounts={**fresh, **accounts}, topic=record.get("topic_key") or secrets.token_urlsafe(24))


def write_settings(
    endpoints: Endpoints,
    keys: LocalKeys,
    time_scale: float,
    arrivals: Sequence[str] = (_LANDING,),
    session: ClientSession | None = None,
    blob_triggers: Mapping[str, str] | None = None,
    *,
    deploys: bool = False,
) -> Path:
    """Write the settings for one start, with a subscription to each container of *arrivals*; returns the file.

    A container of another account than the hub's is written as ACCOUNT/CONTAINER.
    Clients reach the public names of Azure by the proxy of *session*; without one there is no proxy. *blob_triggers*
    are functions of the app that want the blobs of a container. With *deploys* the pipelines may write Azure.
    """
    path = settings_file(Path(endpoints.state))
    settings = _settings(endpoints, keys, time_scale, arrivals)
    settings["subscriptions"] += [
        _blob_subscription(endpoints, function, container) for function, container in (blob_triggers or {}).items()
    ]
    if deploys:
        settings["roles_given"] += _pipeline_roles()
    if session is not None:
        settings |= _session_settings(session)
    write_private(path, json.dumps(settings, indent=2))
    return path


def storage_account_id(account: str) -> str:
    """Resource Manager's id of *account*, which is also the topic of its events."""
    return (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{account}"
        f"/providers/Microsoft.Storage/storageAccounts/{account}"
    )


def _settings(endpoints: Endpoints, keys: LocalKeys, time_scale: float, arrivals: Sequence[str]) -> dict[str, Any]:
    return {
        "state": endpoints.state,
        "account": ACCOUNT,
        "accounts": {name: {"key": key, "topic": storage_account_id(name)} for name, key in keys.accounts.items()},
        "tenant": TENANT,
        "ports": _ports(endpoints),
        "azurite": f"https://127.0.0.1:{endpoints.azurite}",
        "identity_secret": endpoints.identity_secret,
        "identities": [USER_ASSIGNED],
        "persons": list(PERSONS),
        "applications": [APPLICATION | {"redirects": [f"{endpoints.console}/signed-in"]}],
        "devops": DEVOPS,
        "service_now": {
            "client": SERVICE_NOW_CLIENT,
            "secret": endpoints.servicenow_secret,
            "door": f"{endpoints.app}/api/v1/provisioning/requests",
            "key": endpoints.servicenow_key,
        },
        "vault_permissions": VAULT_PERMISSIONS,
        "ledger_users": LEDGER_USERS,
        "roles_given": [
            {
                "principal": PRINCIPAL,
                "kind": "ServicePrincipal",
                "role": "Storage Blob Data Contributor",
                "scope": f"{storage_account_id(ACCOUNT)}/blobServices/default/containers/signalbox",
            },
            *_monitoring_roles(),
            *_messaging_roles(),
        ],
        "log_workspaces": {LOG_WORKSPACE: _log_workspace_id()},
        "mail": {"domain": "example.org", "key": endpoints.mail_key},
        "topic_key": keys.topic,
        "time_scale": time_scale,
        "workspaces": [asdict(workspace) for workspace in WORKSPACES],
        "registries": [asdict(registry) for registry in REGISTRIES],
        "computes": ["local", "cpu-cluster"],
        "datastores": {"hub_staging": {"account": ACCOUNT, "container": "signalbox-staging"}},
        "service_bus": namespace_settings(endpoints),
        "subscriptions": [
            *(_hub_subscription(endpoints, container) for container in arrivals),
            _model_subscription(endpoints),
            _monitor_subscription(endpoints),
        ],
    }


def _session_settings(session: ClientSession) -> dict[str, Any]:
    client = {"client_id": CLIENT_ID, "oid": CLIENT_PRINCIPAL, "secret": session.client_secret}
    return {
        "clients": [client],
        "public_names": {
            "port": session.port,
            "secret": session.proxy_secret,
            "folder": session.folder,
            "vault": VAULT,
            "namespace": NAMESPACE,
        },
    }


def _log_workspace_id() -> str:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlops-monitor"
    return f"{group}/providers/Microsoft.OperationalInsights/workspaces/log-mlops"


def _ports(endpoints: Endpoints) -> dict[str, int]:
    return {
        "identity": endpoints.identity,
        "identity_tls": endpoints.identity_tls,
        "storage": endpoints.storage,
        "eventgrid": endpoints.eventgrid,
        "azureml": endpoints.azureml,
        "devops": endpoints.devops,
        "servicebus": endpoints.servicebus,
        "servicebus_tls": endpoints.servicebus_tls,
        "servicebus_administration": endpoints.servicebus_administration,
        "keyvault": endpoints.keyvault,
        "monitor": endpoints.monitor,
        "ledger": endpoints.ledger,
        "ledger_identity": endpoints.ledger_identity,
        "servicenow": endpoints.servicenow,
        "mail_services": endpoints.mail_services,
        "smtp": endpoints.smtp,
        "mailbox": endpoints.mailbox,
    }


def _monitoring_roles() -> list[dict[str, str]]:
    """The app reads metrics, alerts and the log; a platform engineer also writes alert rules."""
    groups = [f"/subscriptions/{place.subscription}/resourceGroups/{place.resource_group}" for place in WORKSPACES]
    engineer = str(next(person["oid"] for person in PERSONS if person["name"] == "Barbara"))
    return [
        *(
            {"principal": PRINCIPAL, "kind": "ServicePrincipal", "role": "Monitoring Reader", "scope": g}
            for g in groups
        ),
        *({"principal": engineer, "kind": "User", "role": "Monitoring Contributor", "scope": g} for g in groups),
        {
            "principal": PRINCIPAL,
            "kind": "ServicePrincipal",
            "role": "Log Analytics Reader",
            "scope": _log_workspace_id(),
        },
    ]


def _messaging_roles() -> list[dict[str, str]]:
    """A platform engineer and the scripts of a session administer the namespace; the app does not."""
    role = {"role": "Azure Service Bus Data Owner", "scope": namespace_id()}
    principals = {str(PERSONS[3]["oid"]): "User", CLIENT_PRINCIPAL: "ServicePrincipal"}
    return [role | {"principal": principal, "kind": kind} for principal, kind in principals.items()]


def _pipeline_roles() -> list[dict[str, str]]:
    """The pipelines' own identity has what docs/deploy.md gives to the one that writes; the app has none of it."""
    row = {"kind": "ServicePrincipal", "principal": USER_ASSIGNED["oid"], "scope": f"/subscriptions/{SUBSCRIPTION}"}
    granting = ("Role Based Access Control Administrator", "Locks Contributor", "Azure Deployment Stack Owner")
    return [{**row, "role": role} for role in ("Contributor", *granting)]


def _hub_subscription(endpoints: Endpoints, arrivals: str) -> dict[str, Any]:
    account, _, container = arrivals.rpartition("/")
    return {
        "name": "hub-events" if container == _LANDING else f"hub-events-{container}",
        "topic": account or "hub",
        "url": _webhook(endpoints),
        "event_types": ["Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobRenamed"],
        "subject_begins_with": f"/blobServices/default/containers/{container}/",
        "filters": [{"operatorType": "StringIn", "key": "data.api", "values": COMMITTED}],
        "schema": "EventGridSchema",
        "dead_letter": "dead-letters/event-grid",
    }


def _blob_subscription(endpoints: Endpoints, function: str, container: str) -> dict[str, Any]:
    """The subscription that a blob trigger needs, as its documentation has one make it."""
    door = f"{endpoints.app}/runtime/webhooks/blobs?functionName=Host.Functions.{function}"
    return {
        "name": f"blobs-{function}",
        "topic": "hub",
        "url": f"{door}&code={endpoints.eventgrid_key}",
        "event_types": ["Microsoft.Storage.BlobCreated"],
        "subject_begins_with": f"/blobServices/default/containers/{container}/",
        "schema": "EventGridSchema",
    }


def _model_subscription(endpoints: Endpoints) -> dict[str, Any]:
    return {
        "name": "model-events",
        "topic": "ml",
        "url": _webhook(endpoints),
        "event_types": [
            *(f"Microsoft.MachineLearningServices.{kind}" for kind in ML_EVENTS),
            "Microsoft.Resources.ResourceWriteSuccess",  # Of the registry, which has no events of its own.
        ],
        "schema": "EventGridSchema",
    }


def _monitor_subscription(endpoints: Endpoints) -> dict[str, Any]:
    """The subscription to those runs of a workspace in which a model monitor reports drift."""
    return {
        "name": "monitor-events",
        "topic": "ml",
        "url": _webhook(endpoints),
        "event_types": [f"Microsoft.MachineLearningServices.{kind}" for kind in RUN_EVENTS],
        "filters": [{"operatorType": "IsNotNull", "key": _BREACHED}],
        "schema": "EventGridSchema",
    }


def _webhook(endpoints: Endpoints) -> str:
    return f"{endpoints.app}/runtime/webhooks/eventgrid?functionName=receive_hub_event&code={endpoints.eventgrid_key}"
