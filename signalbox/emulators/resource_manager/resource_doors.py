"""Resources and groups over HTTP. Requests for what is kept here never reach the services that are emulated in full."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Handler, Refusal, bad, not_found
from signalbox.emulators.resource_manager.admission import Admission
from signalbox.emulators.resource_manager.deletions import WORKSPACES
from signalbox.emulators.resource_manager.resource_book import ResourceBook
from signalbox.emulators.resource_manager.resource_ids import ResourceId, check_version, parse_id

_GROUP_TYPE = "Microsoft.Resources/subscriptions/resourceGroups"
_GROUPS = "/subscriptions/{subscription}/{groups:(?i:resourcegroups)}"
_VAULT = "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}"
_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
# They have doors of their own, which are routes.
_KEPT_ELSEWHERE = ("microsoft.authorization/", "microsoft.eventgrid/")
_ELSEWHERE = ("microsoft.authorization/roleassignments", "microsoft.resources/", "microsoft.authorization/roledef")


class ResourceDoors:
    def __init__(self, book: ResourceBook, admission: Admission) -> None:
        self._book, self._admission = book, admission

    def add_to(self, app: web.Application) -> None:
        group = f"{_GROUPS}/{{group}}"
        app.router.add_get(_GROUPS, self._list_groups)
        app.router.add_get(group, self._show_group)
        app.router.add_put(group, self._put_group)
        app.router.add_delete(group, self._delete_group)
        app.router.add_get(f"{group}/resources", self._list_resources)
        app.router.add_get(f"/subscriptions/{{subscription}}/providers/{_IDENTITY}", self._list_identities)
        app.router.add_get(f"{group}/providers/{_IDENTITY}/{{name}}/federatedIdentityCredentials", self._list_trust)
        app.router.add_get(_VAULT.rpartition("/locations/")[0] + "/deletedVaults", self._list_deleted)
        app.router.add_get(_VAULT, self._show_deleted)
        app.router.add_post(f"{_VAULT}/purge", self._purge)

    @property
    def middleware(self) -> Any:
        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            resource = parse_id(request.path)
            if resource is None or not self._is_kept_here(request, resource):
                return await handler(request)
            return await self._answer(request, resource)

        return answer

    def _is_kept_here(self, request: web.Request, resource: ResourceId) -> bool:
        """Reads of what is not kept are the other services' to answer, as long as they have a door for them."""
        if not resource.is_known or resource.type.lower().startswith(_ELSEWHERE) or request.method not in _VERBS:
            return False
        has_door = request.match_info.http_exception is None
        if self._book.is_fixture(resource.id):
            return not has_door and resource.id.lower().count("/providers/") > 1
        if has_door and (_VERBS[request.method] == "read" or resource.type.lower().startswith("microsoft.insights/")):
            return self._book.find(resource) is not None
        # Below a parent that is not kept here, the service whose door it is says what is missing.
        parent = parse_id(resource.parent)
        return not has_door or parent is None or self._book.find(parent) is not None

    async def _answer(self, request: web.Request, resource: ResourceId) -> web.Response:
        verb = _VERBS[request.method]
        principal = self._admission.principal(request, f"{resource.type}/{verb}", resource.id)
        check_version(resource.type, request.query["api-version"])
        if request.method == "DELETE":
            return self._delete(request, resource, principal)
        found = self._book.find(resource)
        if request.method == "PUT":
            is_new = await self._book.put(resource, await _body(request), principal)
            # Event Grid alone answers 201 to an update too.
            is_created = is_new or resource.type.lower().startswith("microsoft.eventgrid/")
            return web.json_response(self._book.find(resource), status=201 if is_created else 200)
        if found is None:
            raise not_found(resource.id)
        if request.method == "HEAD":
            return web.Response(status=204)
        if request.method == "PATCH":
            if resource.type.lower().startswith(_KEPT_ELSEWHERE):
                message = f"The local Resource Manager changes a {resource.type} by PUT alone."
                raise Refusal(501, "NotImplemented", message)
            await self._book.put(resource, _patched(found, await _body(request)), principal)
        return web.json_response(self._book.find(resource))

    def _delete(self, request: web.Request, resource: ResourceId, principal: str) -> web.Response:
        is_workspace = resource.type.lower() == WORKSPACES.lower()
        purge = is_workspace and request.query.get("forceToPurge", "").lower() == "true"
        return web.Response(status=200 if self._book.delete(resource, principal, purge=purge) else 204)

    # Groups.

    async def _list_groups(self, request: web.Request) -> web.Response:
        subscription = f"/subscriptions/{request.match_info['subscription']}"
        self._admission.principal(request, f"{_GROUP_TYPE}/read", subscription)
        return web.json_response({"value": self._book.groups(subscription)})

    async def _show_group(self, request: web.Request) -> web.Response:
        path, _ = self._group(request)
        found = self._book.group(path)
        if found is None:
            name = request.match_info["group"]
            raise Refusal(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        return web.json_response(found)

    async def _put_group(self, request: web.Request) -> web.Response:
        path, _ = self._group(request)
        body = await _body(request)
        if not body.get("location"):
            raise Refusal(400, "LocationRequired", "The location property is required for this definition.")
        is_new = self._book.put_group(path, body)
        return web.json_response(self._book.group(path), status=201 if is_new else 200)

    async def _delete_group(self, request: web.Request) -> web.Response:
        path, principal = self._group(request)
        if self._book.group(path) is None:
            name = request.match_info["group"]
            raise Refusal(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        self._book.delete_group(path, principal)
        return web.Response(status=200)

    async def _list_resources(self, request: web.Request) -> web.Response:
        path, _ = self._group(request)
        if request.query.get("$filter"):
            raise Refusal(
                501, "NotImplemented", "The local Resource Manager lists the resources of a group unfiltered."
            )
        return web.json_response({"value": list(self._book.within(path))})

    async def _list_identities(self, request: web.Request) -> web.Response:
        scope = f"/subscriptions/{request.match_info['subscription']}"
        self._admission.principal(request, f"{_IDENTITY}/read", scope)
        return web.json_response({"value": [row for row in self._book.within(scope) if row["type"] == _IDENTITY]})

    async def _list_trust(self, request: web.Request) -> web.Response:
        """What an identity trusts."""
        identity = parse_id(request.path.rpartition("/")[0])
        assert identity is not None
        self._admission.principal(request, f"{_IDENTITY}/federatedIdentityCredentials/read", identity.id)
        if self._book.find(identity) is None:
            raise not_found(identity.id)
        return web.json_response({"value": self._book.children(identity)})

    def _group(self, request: web.Request) -> tuple[str, str]:
        path = f"/subscriptions/{request.match_info['subscription']}/resourceGroups/{request.match_info['group']}"
        return path, self._admission.principal(request, f"{_GROUP_TYPE}/{_VERBS[request.method]}", path)

    # What is deleted softly.

    async def _list_deleted(self, request: web.Request) -> web.Response:
        scope = f"/subscriptions/{request.match_info['subscription']}"
        self._admission.principal(request, "Microsoft.KeyVault/deletedVaults/read", scope)
        return web.json_response({"value": self._book.deletions.vaults()})

    async def _show_deleted(self, request: web.Request) -> web.Response:
        scope = f"/subscriptions/{request.match_info['subscription']}"
        self._admission.principal(request, "Microsoft.KeyVault/locations/deletedVaults/read", scope)
        found = self._book.deletions.find_vault(request.match_info["name"])
        if found is None:
            raise not_found(request.path)
        return web.json_response(found)

    async def _purge(self, request: web.Request) -> web.Response:
        scope = f"/subscriptions/{request.match_info['subscription']}"
        self._admission.principal(request, "Microsoft.KeyVault/locations/deletedVaults/purge/action", scope)
        if not self._book.deletions.purge_vault(request.match_info["name"]):
            raise not_found(request.path)
        return web.Response(status=200)


async def _body(request: web.Request) -> dict[str, Any]:
    body = await request.json()
    if not isinstance(body, dict):
        raise bad("The request content is no object.")
    return body


def _patched(found: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Properties one by one, and everything else whole."""
    properties = {**found["properties"], **(changes.get("properties") or {})}
    return {**found, **changes, "properties": properties}
