"""Deployment stacks of a group: a deployment that knows what it manages, denies its deletion, and takes it away.

Contract: Microsoft.Resources/deploymentStacks 2025-07-01. A stack is done when the answer comes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Refusal, not_found
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.resource_manager.admission import Admission
from signalbox.emulators.resource_manager.denials import read_settings
from signalbox.emulators.resource_manager.deployments import check_group, deploy, group_of
from signalbox.emulators.resource_manager.resource_book import ResourceBook
from signalbox.emulators.resource_manager.resource_ids import ResourceId, parse_id
from signalbox.emulators.resource_manager.templates import Evaluated, read_template

_TYPE = "Microsoft.Resources/deploymentStacks"
_STACKS = "/subscriptions/{subscription}/{groups:(?i:resourcegroups)}/{group}/providers/" + _TYPE
_PLACE = "/stacks"
_ACTIONS = ("delete", "detach")


class StackDoors:
    def __init__(self, book: ResourceBook, resources: Resources, admission: Admission) -> None:
        self._book, self._resources, self._admission = book, resources, admission

    def add_to(self, app: web.Application) -> None:
        stack = f"{_STACKS}/{{name}}"
        app.router.add_get(_STACKS, self._list)
        app.router.add_put(stack, self._put)
        app.router.add_get(stack, self._show)
        app.router.add_delete(stack, self._delete)

    async def _list(self, request: web.Request) -> web.Response:
        group, _ = self._group(request, "read")
        found = self._resources.children(f"{_PLACE}{group}/providers/{_TYPE}")
        return web.json_response({"value": found})

    async def _put(self, request: web.Request) -> web.Response:
        """What the stack managed before and the template does not name is deleted or detached, as it says."""
        group, principal = self._group(request, "write")
        body = await request.json()
        properties = body.get("properties") or {}
        action, settings = _unmanage_action(properties), read_settings(properties.get("denySettings"))
        self._check_denials(settings, principal, group)
        template, path = read_template(properties, group), _id(request)
        before = self._resources.get(f"{_PLACE}{path}")
        self._refuse_foreign(template, path)
        named = {each.resource.id.lower() for each in template.resources}
        left = [each for each in _managed(before) if each.id.lower() not in named]
        await deploy(self._book, self._admission, template, principal, path)
        failed = self._let_go(left, action, principal, path)
        for wanted in template.resources:
            self._book.denials.put(wanted.resource.id, path, settings)
        gone = [each for each in left if each.id not in failed]
        document = _document(path, body, template, {action: gone}, failed)
        self._resources.put(f"{_PLACE}{path}", document)
        return web.json_response(document, status=201 if before is None else 200)

    async def _show(self, request: web.Request) -> web.Response:
        self._group(request, "read")
        found = self._resources.get(f"{_PLACE}{_id(request)}")
        if found is None:
            raise _no_stack(request)
        return web.json_response(found)

    async def _delete(self, request: web.Request) -> web.Response:
        """The stack goes; what it manages is deleted too where the request says so, and else only let go."""
        _, principal = self._group(request, "delete")
        path = _id(request)
        found = self._resources.get(f"{_PLACE}{path}")
        if found is None:
            return web.Response(status=204)
        action = request.query.get("unmanageAction.Resources", "detach")
        self._check_denials(found["properties"]["denySettings"], principal, path.partition("/providers/")[0])
        if action not in _ACTIONS:
            raise _invalid(f"unmanageAction.Resources is {action!r}; use one of {', '.join(_ACTIONS)}")
        failed = self._let_go(list(reversed(_managed(found))), action, principal, path)
        if failed:
            self._resources.put(f"{_PLACE}{path}", _left(found, failed))
            names = ", ".join(failed)
            message = f"One or more resources could not be deleted: {names}. {next(iter(failed.values()))}"
            raise Refusal(409, "DeploymentStackDeleteResourcesFailed", message)
        self._resources.delete(f"{_PLACE}{path}")
        return web.Response(status=200)

    def _let_go(self, resources: Sequence[ResourceId], action: str, principal: str, stack: str) -> dict[str, str]:
        """Why something could not be deleted, by its id; nothing else is managed by *stack* afterwards."""
        failed = dict[str, str]()
        for resource in resources:
            try:
                if action == "delete":
                    self._admission.check(principal, f"{resource.type}/delete", resource.id)
                    self._book.delete(resource, principal, stack)
            except Refusal as refusal:
                failed[resource.id] = str(refusal)
                continue
            self._book.denials.remove(resource.id)
        return failed

    def _refuse_foreign(self, template: Evaluated, path: str) -> None:
        """Raises 409 where another stack manages one of the resources: each has one stack at most."""
        for key, stack in self._resources.below(_PLACE):
            ids = {each.id.lower() for each in _managed(stack)}
            taken = [each.resource.id for each in template.resources if each.resource.id.lower() in ids]
            if key != f"{_PLACE}{path}".lower() and taken:
                message = f"The resource {taken[0]} is managed by another deployment stack, {stack['id']}."
                raise Refusal(409, "DeploymentStackInConflict", message)

    def _check_denials(self, settings: Mapping[str, Any], principal: str, group: str) -> None:
        """Raises 403 for a caller who may not make or remove what a stack denies; a contributor may not."""
        if settings["mode"] != "none":
            self._admission.check(principal, f"{_TYPE}/manageDenySetting/action", group)

    def _group(self, request: web.Request, verb: str) -> tuple[str, str]:
        group = group_of(request)
        principal = self._admission.principal(request, f"{_TYPE}/{verb}", group)
        check_group(self._book, group)
        return group, principal


def _unmanage_action(properties: Mapping[str, Any]) -> str:
    action = (properties.get("actionOnUnmanage") or {}).get("resources")
    if action not in _ACTIONS:
        raise _invalid(f"actionOnUnmanage.resources is {action!r}; use one of {', '.join(_ACTIONS)}")
    return str(action)


def _invalid(problem: str) -> Refusal:
    return Refusal(400, "InvalidDeploymentStackDefinition", problem)


def _no_stack(request: web.Request) -> Refusal:
    return not_found(_id(request))


def _id(request: web.Request) -> str:
    return f"{group_of(request)}/providers/{_TYPE}/{request.match_info['name']}"


def _managed(stack: Mapping[str, Any] | None) -> list[ResourceId]:
    rows = [] if stack is None else stack["properties"]["resources"]
    return [resource for row in rows if (resource := parse_id(row["id"])) is not None]


def _left(stack: Mapping[str, Any], failed: Mapping[str, str]) -> dict[str, Any]:
    """The *stack* after a deletion that left what has *failed*: it manages that, and nothing else."""
    rows = [{**row, "status": "deleteFailed"} for row in stack["properties"]["resources"] if row["id"] in failed]
    properties = {"provisioningState": "failed", "resources": rows, "failedResources": _failures(failed)}
    return {**stack, "properties": {**stack["properties"], **properties}}


def _failures(failed: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"id": name, "error": {"code": "DeleteFailed", "message": reason}} for name, reason in failed.items()]


def _document(
    path: str,
    body: Mapping[str, Any],
    template: Evaluated,
    let_go: Mapping[str, Sequence[ResourceId]],
    failed: Mapping[str, str],
) -> dict[str, Any]:
    """A resource whose deletion has failed stays managed, so that the next update tries again."""
    sent = body["properties"]
    mode = sent["denySettings"]["mode"]
    resources = [
        {"id": each.resource.id, "status": "managed", "denyStatus": mode, "apiVersion": each.version}
        for each in template.resources
    ]
    kept = [{"id": name, "status": "deleteFailed", "denyStatus": mode} for name in failed]
    properties = {
        "provisioningState": "failed" if failed else "succeeded",
        "actionOnUnmanage": sent["actionOnUnmanage"],
        "denySettings": sent["denySettings"],
        "description": sent.get("description"),
        "resources": [*resources, *kept],
        "deletedResources": [{"id": each.id} for each in let_go.get("delete", ())],
        "detachedResources": [{"id": each.id} for each in let_go.get("detach", ())],
        "failedResources": _failures(failed),
        "outputs": {name: {"value": value} for name, value in template.outputs.items()},
    }
    return {
        "id": path,
        "name": path.rpartition("/")[2],
        "type": _TYPE,
        "tags": body.get("tags") or {},
        "properties": properties,
    }
