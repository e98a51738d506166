"""What each method of each port does in Azure: the actions, on which kind of resource. A port's method without a row
fails a test. Sources: the permissions reference of each provider, and the REST operation's page.
"""

from dataclasses import dataclass
from enum import StrEnum


class ResourceKind(StrEnum):
    HUB = "Data Hub"  # The central storage account.
    STORE = "own storage"  # Of a workspace.
    WORKSPACE = "workspace"
    REGISTRY = "registry"
    TOPIC = "topic"
    BUS = "Service Bus"
    KEY = "Key Vault key"
    MAIL = "Communication Services"
    GROUP = "resource group"  # Of a workspace: alerts are listed there.
    LOGS = "Log Analytics workspace"
    DEVOPS = "Azure DevOps"  # Its permissions are its own, and no roles of Azure.


@dataclass(frozen=True, slots=True)
class Need:
    kind: ResourceKind
    actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


Needs = tuple[Need, ...]

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_ML = "Microsoft.MachineLearningServices"


def _blobs(kind: ResourceKind, *verbs: str) -> Need:
    return Need(kind, data_actions=tuple(f"{_BLOBS}/{verb}" for verb in verbs))


def _workspace(*actions: str) -> Need:
    return Need(ResourceKind.WORKSPACE, tuple(f"{_ML}/workspaces/{action}" for action in actions))


def _registry(*verbs: str) -> Need:
    return Need(
        ResourceKind.REGISTRY, (f"{_ML}/registries/read", *(f"{_ML}/registries/assets/{verb}" for verb in verbs))
    )


def _key(action: str) -> Need:
    return Need(ResourceKind.KEY, data_actions=(f"Microsoft.KeyVault/vaults/keys/{action}",))


def _metrics(action: str) -> Need:
    return Need(ResourceKind.WORKSPACE, (f"Microsoft.Insights/{action}/read",))


def _mail(*actions: str) -> Need:
    """What an identity needs to send mail by Communication Services."""
    return Need(ResourceKind.MAIL, tuple(f"Microsoft.Communication/{action}" for action in actions))


def _devops(permission: str) -> Needs:
    return (Need(ResourceKind.DEVOPS, (permission,)),)


_READ, _WRITE, _DELETE = (_blobs(ResourceKind.HUB, verb) for verb in ("read", "write", "delete"))
_ASSET = tuple(f"{kind}/versions" for kind in ("models", "codes", "environments"))
# To invoke a batch endpoint: https://learn.microsoft.com/azure/machine-learning/how-to-authenticate-batch-endpoint
_INVOKE = _workspace(
    "batchEndpoints/read",
    "batchEndpoints/write",
    "batchEndpoints/deployments/read",
    "batchEndpoints/deployments/write",
    "datastores/read",
    "datastores/listsecrets/action",
    "data/versions/write",
    "jobs/read",
    "jobs/write",
    "experiments/runs/read",
    "experiments/runs/write",
)
_JOB = _workspace("jobs/read")
_CANCEL = _workspace("jobs/read", "jobs/cancel/action")
_RUNS = _workspace("experiments/runs/read", "experiments/runs/write")
_FIND_ASSET = (_workspace(*(f"{asset}/read" for asset in _ASSET)), _registry("read"))

_LOGS = Need(
    ResourceKind.LOGS,
    tuple(
        f"Microsoft.OperationalInsights/workspaces/query/{part}read" for part in ("", "AmlOnlineEndpointTrafficLog/")
    ),
)
_SEND = Need(ResourceKind.BUS, data_actions=("Microsoft.ServiceBus/namespaces/messages/send/action",))
# What the host does for the triggers too, which no port shows.
RECEIVE = Need(ResourceKind.BUS, data_actions=("Microsoft.ServiceBus/namespaces/messages/receive/action",))

NEEDS: dict[str, dict[str, Needs]] = {
    "DataHub": {
        "list": (_READ,),
        "page": (_READ,),
        "look_into": (_READ,),
        "is_folder": (_READ,),
        "find": (_READ,),
        "read": (_READ,),
        "load": (_READ,),
        "open": (_READ,),
        "copy": (_READ, _WRITE),
        "create": (_WRITE,),
        "replace": (_WRITE,),
        "append": (_WRITE,),
        "delete": (_DELETE,),
    },
    "Ledger": {"find": (_READ,), "record": (_READ, _WRITE)},
    "AuditLog": {
        "append": (_READ, _WRITE),
        # They lay down what a process that died has left, and tiles that are missing.
        **dict.fromkeys(("head", "about", "verify", "look", "note_look", "prove", "publish"), (_READ, _WRITE)),
        **dict.fromkeys(("entries", "backwards", "filed", "since", "find"), (_READ,)),
    },
    # In the account of SIGNALBOX_TREE_HEADS, which the configuration does not name, or in a ledger, which has roles of
    # its own: see docs/audit-log.md.
    "TreeHeadPublisher": {"publish": (), "published": ()},
    "Secrets": {"keep": (_WRITE,), "recall": (_READ,), "drop": (_READ, _DELETE), "drop_expired": (_READ, _DELETE)},
    "DataChecks": {"contract": (), "check": (_READ,), "match": (_READ,), "faults": (), "written": ()},
    "DatasetFiles": dict.fromkeys(("table", "boxes"), (_READ,)),
    "RowFiles": dict.fromkeys(("cells", "images"), (_READ,)),
    "DriftFiles": dict.fromkeys(("count", "own_reference", "columns"), (_READ,)),
    "Jobs": {"submit": (_INVOKE,), "find": (_JOB,), "look": (_JOB,), "cancel": (_CANCEL,)},
    "JobLogs": {
        "files": (_blobs(ResourceKind.STORE, "read"), _workspace("datastores/read"), _RUNS),
        "tail": (_blobs(ResourceKind.STORE, "read"), _workspace("datastores/read")),
        "studio": (),
    },
    "Pipelines": {
        "submit": (_INVOKE, _RUNS),
        "find": (_JOB,),
        "look": (_JOB, _RUNS),
        "cancel": (_CANCEL, _RUNS),
        "root": (_RUNS,),
        "metrics": (_RUNS,),
        "tag": (_RUNS,),
    },
    "DataAssets": {
        "register": (_workspace("data/versions/read", "data/versions/write"),),
        "storage": (_workspace("datastores/read"),),
        "files": (_workspace("data/versions/read", "datastores/read"), _blobs(ResourceKind.STORE, "read")),
        "fetch": (_workspace("datastores/read"), _blobs(ResourceKind.STORE, "read")),
    },
    "InternetFiles": {"objection": (), "fetch": ()},
    "Announcer": {"announce": (Need(ResourceKind.TOPIC, data_actions=("Microsoft.EventGrid/events/send/action",)),)},
    # Of mail alone; SMTP and webhooks of Teams are opened by secrets, which no role gives.
    "NoticeChannel": {
        "look": (_mail("CommunicationServices/read"),),
        "send": (_mail("CommunicationServices/read", "CommunicationServices/write", "EmailServices/write"),),
        "reach": (_mail("CommunicationServices/read"),),
    },
    "Messenger": dict.fromkeys(("send", "reach"), (_SEND,)),
    "Queues": dict.fromkeys(("dead", "find_dead", "take_out"), (RECEIVE,)),
    "Models": {
        "find": _FIND_ASSET,
        "versions": _FIND_ASSET,
        "taken_versions": _FIND_ASSET,
        "has": _FIND_ASSET,
        "asset_id": (),
        "register": (_workspace("models/versions/write"), _registry("read", "write")),
        "tag": (_workspace("models/versions/read", "models/versions/write"), _registry("read", "write")),
        "remove": (_workspace(*(f"{asset}/delete" for asset in _ASSET)), _registry("delete")),
        "image_digest": (_workspace("environments/versions/read"),),
        "register_environment": (_workspace("environments/versions/read", "environments/versions/write"),),
        "register_code": (_workspace("codes/versions/read", "codes/versions/write"),),
    },
    "BundleStore": {
        "files": (_blobs(ResourceKind.STORE, "read"), _workspace("datastores/read"), _registry("read")),
        "digest": (_blobs(ResourceKind.STORE, "read"), _registry("read")),
        "read": (_blobs(ResourceKind.STORE, "read"), _registry("read")),
        "copy": (_blobs(ResourceKind.STORE, "read", "write"), _registry("read", "write")),
        "write": (_blobs(ResourceKind.STORE, "write"), _registry("read", "write")),
        "delete": (_blobs(ResourceKind.STORE, "delete"), _registry("read", "write")),
        "address": (_workspace("datastores/read"), _registry("read")),
    },
    "Endpoints": {
        "find": (_workspace("onlineEndpoints/read", "batchEndpoints/read"),),
        "ensure": (_workspace("onlineEndpoints/write", "batchEndpoints/write"),),
        "remove": (_workspace("onlineEndpoints/delete", "batchEndpoints/delete"),),
        "deployment": (_workspace("onlineEndpoints/deployments/read", "batchEndpoints/deployments/read"),),
        "deploy": (_workspace("onlineEndpoints/deployments/write", "batchEndpoints/deployments/write"),),
        "undeploy": (_workspace("onlineEndpoints/deployments/delete", "batchEndpoints/deployments/delete"),),
        "route": (_workspace("onlineEndpoints/read", "onlineEndpoints/write"),),
        "choose": (_workspace("batchEndpoints/read", "batchEndpoints/write"),),
        "invoke": (_workspace("onlineEndpoints/read", "onlineEndpoints/score/action"),),
    },
    "TrafficFigures": {"minutes": (_metrics("metrics"), _LOGS)},  # Of two adapters, of which each needs one.
    "ClientFigures": {"clients": (_LOGS,)},
    "OutputFigures": dict.fromkeys(
        ("outputs", "collected_through", "requests"),
        (_blobs(ResourceKind.STORE, "read"), _workspace("datastores/read")),
    ),
    "CollectedFiles": dict.fromkeys(
        ("deployments", "files", "lines"), (_blobs(ResourceKind.STORE, "read"), _workspace("datastores/read"))
    ),
    "Alerts": {"firing": (Need(ResourceKind.GROUP, ("Microsoft.AlertsManagement/alerts/read",)),)},
    "ServerTasks": {
        "plan": _devops("Build: read"),
        "say": _devops("the task's own token"),
        "keep_log": _devops("the task's own token"),
        "state": _devops("the task's own token"),
        "stage": _devops("Build: read"),
        "complete": _devops("Build: edit queue build configuration"),  # Once the task's token has expired.
    },
    "DevOpsPipelines": {
        "start": _devops("Build: queue"),
        "look": _devops("Build: read"),
        "cancel": _devops("Build: stop"),
    },
    "PipelineFiles": {"attached": _devops("Build: read")},
    "DevOpsSetUp": {
        "look": _devops("Environments, service connections, variable groups and repositories: read"),
        "ensure": (
            *_devops("Environments, service connections, variable groups and repositories: create"),
            *_devops("Code: contribute"),
        ),
    },
    # ServiceNow has roles of its own: docs/provisioning.md.
    "ServiceDesk": dict.fromkeys(
        ("approval", "note", "close", "open_change", "look_at_change", "note_change", "close_change"), ()
    ),
    "DevOpsApprovals": {
        "find": _devops("Approvals: read"),
        "of_run": _devops("Approvals: read"),
        "address": (),
        "decide": _devops("Approver of the environment's check"),
    },
    "DevOpsFacts": {
        "pull_request": _devops("Code: read"),
        "person": _devops("Graph: read"),
        "project_id": _devops("Project: view project-level information"),
        "hooks": _devops("Service hooks: view subscriptions"),
    },
    "ControlPlane": dict.fromkeys(("datastore", "issuer", "clock", "addresses", "answers", "own_principal"), ()),
    "Clock": {"now": ()},
    "ProjectFunctions": {"ask": (), "contributions": ()},
    "Signing": {"sign": (_key("sign/action"),), "objection": (), "revoked": (), "keys": ()},
    "SigningKeys": {"state": (_key("read"),), "trusted": ()},
    "Identities": {"verify": ()},
    # The directory trusts the app's identity by a federated credential of the registration, which is no role.
    "BrowserSignIn": {"address": (), "redeem": (), "sign_out_address": ()},
    "Sealer": {"seal": (), "unseal": (), "sign": (), "is_signed": ()},
}

# What only `signalbox doctor` reads: nothing else of the app stops working without it.
_LOOK = ("Microsoft.Authorization/permissions/read", "Microsoft.Authorization/locks/read")
_TOPICS = ("topics", "topics/subscriptions")
NEEDS["ControlPlane"] |= {
    "find": (Need(ResourceKind.HUB, ("Microsoft.Storage/storageAccounts/read",)), _workspace("read", "computes/read")),
    "queue": (Need(ResourceKind.BUS, ("Microsoft.ServiceBus/namespaces/queues/read",)),),
    "topic": (Need(ResourceKind.BUS, tuple(f"Microsoft.ServiceBus/namespaces/{entity}/read" for entity in _TOPICS)),),
    "grants": tuple(
        Need(kind, _LOOK[:1])
        for kind in (ResourceKind.HUB, ResourceKind.WORKSPACE, ResourceKind.REGISTRY, ResourceKind.BUS)
    ),
    "roles_given": (
        Need(
            ResourceKind.HUB,
            ("Microsoft.Authorization/roleAssignments/read", "Microsoft.Authorization/roleDefinitions/read"),
        ),
    ),
    "locks": tuple(Need(kind, _LOOK[1:]) for kind in (ResourceKind.HUB, ResourceKind.WORKSPACE, ResourceKind.REGISTRY)),
    "subscriptions": tuple(
        Need(kind, ("Microsoft.EventGrid/eventSubscriptions/read",))
        for kind in (ResourceKind.HUB, ResourceKind.WORKSPACE, ResourceKind.REGISTRY)
    ),
}
NEEDS["MonitoringSetUp"] = {
    "log_settings": (Need(ResourceKind.WORKSPACE, ("Microsoft.Insights/diagnosticSettings/read",)),),
    "alert_rule": (
        Need(
            ResourceKind.GROUP,
            tuple(
                f"Microsoft.Insights/{kind}/read" for kind in ("metricAlerts", "scheduledQueryRules", "actionGroups")
            ),
        ),
    ),
    "quota": (_workspace("read"),),  # And what anybody with a role in the subscription may read of its regions.
}


def needs_of(kind: ResourceKind, *ports: str) -> Need:
    """All that the methods of *ports* do on a resource of *kind*, each action once; `PORT.METHOD` is one of them."""
    matching = [need for port in ports for need in _needs(port) if need.kind is kind]
    return Need(
        kind,
        tuple(dict.fromkeys(action for need in matching for action in need.actions)),
        tuple(dict.fromkeys(action for need in matching for action in need.data_actions)),
    )


def _needs(name: str) -> Needs:
    port, _, method = name.partition(".")
    return tuple(need for own, needs in NEEDS[port].items() if method in ("", own) for need in needs)
