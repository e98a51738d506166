"""What inspections ask of Resource Manager: accounts, computes, queues, event subscriptions, permissions and locks.

Shapes: Microsoft.Storage, Microsoft.EventGrid/eventSubscriptions, Microsoft.Authorization. Tests change what is shown
by PUT /_control/shown {path, body}: a body stands for the resource at the path, or its list; null takes it away.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import WORKSPACE, Entrance, arm_path, not_found
from signalbox.emulators.azure_ml.estate import PROVIDER
from signalbox.emulators.azure_ml.resource_manager import messaging, roles
from signalbox.emulators.azure_ml.resource_manager.locks import lock_document
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.event_grid import arm_documents

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_GRANTS = (  # Reader, AzureML Data Scientist, AzureML Registry User, Storage Blob Data Contributor.
    {"actions": ["*/read"]},
    {
        "actions": [f"{PROVIDER}/workspaces/*/{verb}" for verb in ("read", "action", "delete", "write")],
        "notActions": [f"{PROVIDER}/workspaces/delete", f"{PROVIDER}/workspaces/write"],
    },
    {"actions": [f"{PROVIDER}/registries/read", f"{PROVIDER}/registries/assets/*"]},
    {
        "actions": [f"{_BLOBS}/{verb}" for verb in ("read", "write", "delete")],
        "dataActions": [f"{_BLOBS}/blobs/{verb}" for verb in ("read", "write", "delete", "add/action", "move/action")],
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """*accounts*: ARM ids of storage accounts by name; *subscriptions*: those of now, as in the settings; *hub*: the
    account that is the Data Hub; *messaging*: the settings of the Service Bus namespace; *roles*: role assignments."""

    accounts: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    computes: Sequence[str] = ()
    hub: str = ""
    messaging: Mapping[str, Any] = field(default_factory=dict)
    roles: Iterable[Mapping[str, str]] = ()


class InspectionDoors:
    def __init__(self, entrance: Entrance, resources: Resources, answers: Shown) -> None:
        self._entrance, self._resources, self._answers = entrance, resources, answers

    def add_to(self, app: web.Application) -> None:
        app.router.add_put("/_control/shown", self._show)
        app.router.add_get("/subscriptions", self._answer(lambda _: {"value": []}))
        account = "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Storage/storageAccounts/{account}"
        app.router.add_get(account, self._answer(self._account))
        app.router.add_get(f"{account}/blobServices/default/containers/{{container}}", self._answer(self._container))
        app.router.add_get(f"{WORKSPACE}/computes", self._answer(self._list_computes))
        app.router.add_get(f"{WORKSPACE}/computes/{{compute}}", self._answer(self._compute))
        namespace = f"/subscriptions/{{s}}/resourceGroups/{{g}}/providers/{messaging.PROVIDER}/namespaces/{{namespace}}"
        app.router.add_get(f"{namespace}/queues/{{name}}", self._answer(self._queue))
        app.router.add_get(f"{namespace}/topics/{{name}}", self._answer(self._topic))
        app.router.add_get(f"{namespace}/topics/{{name}}/subscriptions", self._answer(self._topic_subscriptions))
        definitions = f"/subscriptions/{{s}}/providers/{roles.PROVIDER}/roleDefinitions/{{role}}"
        app.router.add_get(definitions, self._answer(self._role_definition))
        scope = "/{scope:subscriptions/.+?}/providers"
        for kind, show in (
            ("Microsoft.EventGrid/eventSubscriptions", self._subscriptions),
            ("Microsoft.Authorization/permissions", lambda _: {"value": list(_GRANTS)}),
            ("Microsoft.Authorization/locks", self._locks),
            ("Microsoft.Authorization/roleAssignments", self._role_assignments),
        ):
            app.router.add_get(f"{scope}/{kind}", self._answer(show))

    def _answer(self, show: Any) -> Any:
        """What a test has put in the place of the answer, or the answer."""

        async def handler(request: web.Request) -> web.Response:
            self._entrance.check_token(request)
            instead = self._resources.get(f"/shown{arm_path(request)}")
            if instead is not None and instead["body"] is None:
                raise not_found(arm_path(request))
            return web.json_response(show(request) if instead is None else instead["body"])

        return handler

    async def _show(self, request: web.Request) -> web.Response:
        body = await request.json()
        path = f"/shown{body['path']}"
        if "body" in body:
            self._resources.put(path, {"body": body["body"]})
        else:
            self._resources.delete(path)
        return web.json_response(body)

    def _account(self, request: web.Request) -> dict[str, Any]:
        path = arm_path(request)
        if path.lower() not in {account.lower() for account in self._answers.accounts.values()}:
            raise not_found(path)
        properties: dict[str, Any] = {
            "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
            "isHnsEnabled": True,
        }
        properties["allowSharedKeyAccess"] = False
        return _document(path, "Microsoft.Storage/storageAccounts", properties)

    def _container(self, request: web.Request) -> dict[str, Any]:
        """A container without a policy. Whether there is one of the name is the storage service's to say."""
        path = arm_path(request)
        if path.partition("/blobServices/")[0].lower() not in map(str.lower, self._answers.accounts.values()):
            raise not_found(path)
        return _document(path, _BLOBS, {"publicAccess": "None", "hasImmutabilityPolicy": False, "hasLegalHold": False})

    def _compute(self, request: web.Request) -> dict[str, Any]:
        self._entrance.admit(request)
        if request.match_info["compute"] not in self._answers.computes:
            raise not_found(arm_path(request))
        return _cluster(arm_path(request))

    def _list_computes(self, request: web.Request) -> dict[str, Any]:
        self._entrance.admit(request)
        return {"value": [_cluster(f"{arm_path(request)}/{name}") for name in self._answers.computes]}

    def _queue(self, request: web.Request) -> dict[str, Any]:
        queue = self._entity(request, "queues")
        return _document(arm_path(request), f"{messaging.PROVIDER}/namespaces/queues", messaging.queue(queue))

    def _topic(self, request: web.Request) -> dict[str, Any]:
        topic = self._entity(request, "topics")
        return _document(arm_path(request), f"{messaging.PROVIDER}/namespaces/topics", messaging.topic(topic))

    def _topic_subscriptions(self, request: web.Request) -> dict[str, Any]:
        topic, kind = self._entity(request, "topics"), f"{messaging.PROVIDER}/namespaces/topics/subscriptions"
        subscriptions = messaging.subscriptions(topic).items()
        return {
            "value": [_document(f"{arm_path(request)}/{name}", kind, properties) for name, properties in subscriptions]
        }

    def _entity(self, request: web.Request, kind: str) -> Mapping[str, Any]:
        for entity in self._answers.messaging.get(kind, ()):
            if entity["name"].lower() == request.match_info["name"].lower():
                return dict(entity)
        raise not_found(arm_path(request))

    def _subscriptions(self, request: web.Request) -> dict[str, Any]:
        scope = f"/{request.match_info['scope']}"
        subscriptions = [
            subscription
            for subscription in self._answers.subscriptions()
            if self._is_about(str(subscription["topic"]), scope)
        ]
        hub = self._answers.accounts.get(self._answers.hub, "")
        return {"value": [arm_documents.document(scope, subscription, hub) for subscription in subscriptions]}

    def _is_about(self, topic: str, scope: str) -> bool:
        if topic == "ml":
            return f"/{PROVIDER}/workspaces/".lower() in scope.lower()
        account = self._answers.accounts.get(self._answers.hub if topic == "hub" else topic, "")
        return account.lower() == scope.lower()

    def _role_assignments(self, request: web.Request) -> dict[str, Any]:
        """Only with the filter atScope(): without it the service also lists what is given below."""
        if request.query.get("$filter") != "atScope()":
            raise web.HTTPNotImplemented(text="role assignments are listed with $filter=atScope() only")
        return {"value": roles.assignments(self._answers.roles, f"/{request.match_info['scope']}")}

    def _role_definition(self, request: web.Request) -> dict[str, Any]:
        properties = roles.definition(request.match_info["role"])
        if properties is None:
            raise not_found(arm_path(request))
        return _document(arm_path(request), f"{roles.PROVIDER}/roleDefinitions", properties)

    def _locks(self, request: web.Request) -> dict[str, Any]:
        """Those on the scope and on what is below it."""
        below = f"/{request.match_info['scope']}/".lower()
        locks = [lock for _, lock in self._resources.below("/locks") if f"{lock['scope']}/".lower().startswith(below)]
        return {"value": [lock_document(lock) for lock in locks]}


def _cluster(path: str) -> dict[str, Any]:
    """A cluster as Azure ML shows one; here it is a name, and jobs run as processes of this machine."""
    scale = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    cluster = {"vmSize": "STANDARD_DS3_V2", "vmPriority": "Dedicated", "osType": "Linux", "scaleSettings": scale}
    properties = {"computeType": "AmlCompute", "provisioningState": "Succeeded", "properties": cluster}
    return _document(path, f"{PROVIDER}/workspaces/computes", properties) | {"location": "westeurope"}


def _document(path: str, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"id": path, "name": path.rpartition("/")[2], "type": kind, "properties": properties}
