"""Role assignments over HTTP: made, shown and taken away, if the caller may. Lists are the inspection's."""

import re
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Refusal, bad, not_found
from signalbox.emulators.azure_ml.resource_manager import roles
from signalbox.emulators.resource_manager.admission import Admission
from signalbox.emulators.resource_manager.role_book import RoleBook, Row

_ASSIGNMENT = f"/{{scope:subscriptions/.+?}}/providers/{roles.PROVIDER}/roleAssignments/{{name}}"
_ACTION = f"{roles.PROVIDER}/roleAssignments"
_GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class RoleDoors:
    def __init__(self, book: RoleBook, admission: Admission) -> None:
        self._book, self._admission = book, admission

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(_ASSIGNMENT, self._show)
        app.router.add_put(_ASSIGNMENT, self._put)
        app.router.add_delete(_ASSIGNMENT, self._delete)

    async def _show(self, request: web.Request) -> web.Response:
        scope = self._scope(request, "read")
        found = self._book.find(scope, request.match_info["name"])
        if found is None:
            raise not_found(request.path)
        return web.json_response(roles.assignment(found))

    async def _put(self, request: web.Request) -> web.Response:
        scope = self._scope(request, "write")
        row = read_row(scope, request.match_info["name"], (await request.json()).get("properties") or {})
        is_new = self._book.put(row)
        return web.json_response(roles.assignment(row), status=201 if is_new else 200)

    async def _delete(self, request: web.Request) -> web.Response:
        scope = self._scope(request, "delete")
        found = self._book.remove(scope, request.match_info["name"])
        return web.Response(status=204) if found is None else web.json_response(roles.assignment(found))

    def _scope(self, request: web.Request, verb: str) -> str:
        """The scope that the caller acts on. Raises 401, 400 without an API version, and 403."""
        scope = f"/{request.match_info['scope']}"
        self._admission.principal(request, f"{_ACTION}/{verb}", scope)
        return scope


def read_row(scope: str, name: str, properties: dict[str, Any]) -> Row:
    """Raises what the service refuses."""
    identity = str(properties.get("roleDefinitionId", "")).rpartition("/")[2].lower()
    principal, kind = str(properties.get("principalId", "")), str(properties.get("principalType") or "")
    if not _GUID.fullmatch(name):
        raise bad(f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.")
    role = roles.name_of(identity)
    if not role:
        raise Refusal(404, "RoleDefinitionDoesNotExist", f"The role definition with ID '{identity}' does not exist.")
    if not principal:
        raise Refusal(400, "InvalidPrincipalId", "A valid principal ID must be provided for role assignment.")
    # Without the type the service looks the principal up in its directory, which is not done here.
    if kind not in ("User", "Group", "ServicePrincipal"):
        raise bad(f"principalType is {kind!r}; give User, Group or ServicePrincipal")
    return {"name": name, "scope": scope, "principal": principal, "kind": kind, "role": role}
