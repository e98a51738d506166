"""Deployments to a group: what-if, and the real thing, over lists of resources that are evaluated already.

Contract: Microsoft.Resources/deployments 2026-06-01. A deployment is done when the answer comes; what-if is asked for
and fetched, as on Azure. The modes are Incremental and Complete, which deletes what the template does not name.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_ml.doors import Refusal, bad, not_found
from signalbox.emulators.azure_ml.resources import Resources
from signalbox.emulators.resource_manager.admission import Admission
from signalbox.emulators.resource_manager.changes import FORMATS, change, untouched
from signalbox.emulators.resource_manager.resource_book import ResourceBook
from signalbox.emulators.resource_manager.resource_ids import ResourceId, parse_id
from signalbox.emulators.resource_manager.templates import Evaluated, read_template

_TYPE = "Microsoft.Resources/deployments"
_DEPLOYMENT = "/subscriptions/{subscription}/{groups:(?i:resourcegroups)}/{group}/providers/" + _TYPE + "/{name}"
_RESULT = "/subscriptions/{subscription}/operationresults/{operation}"
_MODES = ("Incremental", "Complete")
_LEVELS = ("Provider", "ProviderNoRbac", "Template")
_PLACE, _RESULTS = "/deployments", "/results"


class DeploymentDoors:
    def __init__(self, book: ResourceBook, resources: Resources, admission: Admission) -> None:
        self._book, self._resources, self._admission = book, resources, admission

    def add_to(self, app: web.Application) -> None:
        app.router.add_put(_DEPLOYMENT, self._put)
        app.router.add_get(_DEPLOYMENT, self._show)
        app.router.add_delete(_DEPLOYMENT, self._delete)
        app.router.add_post(f"{_DEPLOYMENT}/whatIf", self._what_if)
        app.router.add_get(_RESULT, self._result)

    async def _put(self, request: web.Request) -> web.Response:
        group, principal = self._group(request, "write")
        properties = (await request.json()).get("properties") or {}
        mode, template = _mode(properties), read_template(properties, group)
        await deploy(self._book, self._admission, template, principal)
        if mode == "Complete":
            for resource in self._others(template, group):
                self._book.delete(resource, principal)
        document = _document(_id(request), template, mode)
        is_new = self._resources.get(f"{_PLACE}{document['id']}") is None
        self._resources.put(f"{_PLACE}{document['id']}", document)
        return web.json_response(document, status=201 if is_new else 200)

    async def _show(self, request: web.Request) -> web.Response:
        self._group(request, "read")
        found = self._resources.get(f"{_PLACE}{_id(request)}")
        if found is None:
            message = f"Deployment '{request.match_info['name']}' could not be found."
            raise Refusal(404, "DeploymentNotFound", message)
        return web.json_response(found)

    async def _delete(self, request: web.Request) -> web.Response:
        """The record alone goes: what was deployed stays."""
        self._group(request, "delete")
        return web.Response(status=204 if not self._resources.delete(f"{_PLACE}{_id(request)}") else 200)

    async def _what_if(self, request: web.Request) -> web.Response:
        group, principal = self._group(request, "whatIf/action")
        properties = (await request.json()).get("properties") or {}
        mode, template = _mode(properties), read_template(properties, group)
        form = (properties.get("whatIfSettings") or {}).get("resultFormat", FORMATS[0])
        if form not in FORMATS:
            raise bad(f"resultFormat is {form!r}; use one of {', '.join(FORMATS)}")
        if _level(properties) == "Provider":
            for wanted in template.resources:
                self._admission.check(principal, f"{wanted.resource.type}/write", wanted.resource.id)
        changes = [change(w.resource.id, self._book.sent(w.resource), w.body, form) for w in template.resources]
        for resource in self._others(template, group):
            before = self._book.sent(resource)
            assert before is not None
            changes.append(untouched(resource.id, before, is_deleted=mode == "Complete", form=form))
        operation = str(uuid.uuid4())
        changes.sort(key=lambda row: str(row["resourceId"]).lower())
        result = {"status": "Succeeded", "properties": {"changes": changes}}
        self._resources.put(f"{_RESULTS}/{operation}", result)
        path = _RESULT.format(subscription=request.match_info["subscription"], operation=operation)
        location = f"{self._admission.address}{path}?api-version={request.query['api-version']}"
        return web.Response(status=202, headers={"Location": location, "Retry-After": "0"})

    async def _result(self, request: web.Request) -> web.Response:
        scope = f"/subscriptions/{request.match_info['subscription']}"
        found = self._resources.get(f"{_RESULTS}/{request.match_info['operation']}")
        self._admission.principal(request, "Microsoft.Resources/subscriptions/operationresults/read", scope)
        if found is None:
            raise not_found(request.path)
        return web.json_response(found)

    def _others(self, template: Evaluated, group: str) -> list[ResourceId]:
        """What is in the group beside the template; children go and stay with their parents."""
        named = {each.resource.id.lower() for each in template.resources}
        ids = [parse_id(document["id"]) for document in self._book.within(group)]
        return [resource for resource in ids if resource is not None and resource.id.lower() not in named]

    def _group(self, request: web.Request, verb: str) -> tuple[str, str]:
        """The group that is deployed to, and who calls. Raises 404 where it is not there."""
        group = group_of(request)
        principal = self._admission.principal(request, f"{_TYPE}/{verb}", group)
        check_group(self._book, group)
        return group, principal


def group_of(request: web.Request) -> str:
    return f"/subscriptions/{request.match_info['subscription']}/resourceGroups/{request.match_info['group']}"


def check_group(book: ResourceBook, group: str) -> None:
    """Raises 404 where it is not there."""
    if book.group(group) is None:
        name = group.rpartition("/")[2]
        raise Refusal(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")


async def deploy(
    book: ResourceBook, admission: Admission, template: Evaluated, principal: str, stack: str = ""
) -> tuple[ResourceId, ...]:
    """Write every resource of *template* as *principal*, who needs a role for each; they are looked at first."""
    for wanted in template.resources:
        admission.check(principal, f"{wanted.resource.type}/write", wanted.resource.id)
    for wanted in template.resources:
        await book.put(wanted.resource, wanted.body, principal, stack)
    return tuple(wanted.resource for wanted in template.resources)


def _mode(properties: Mapping[str, Any]) -> str:
    mode = str(properties.get("mode", ""))
    if mode not in _MODES:
        raise bad(f"The deployment's mode is {mode!r}; use one of {', '.join(_MODES)}.")
    return mode


def _level(properties: Mapping[str, Any]) -> str:
    """How a what-if validates: by default it refuses what the caller may not write."""
    level = str(properties.get("validationLevel") or _LEVELS[0])
    if level not in _LEVELS:
        raise bad(f"validationLevel is {level!r}; use one of {', '.join(_LEVELS)}")
    return level


def _id(request: web.Request) -> str:
    return f"{group_of(request)}/providers/{_TYPE}/{request.match_info['name']}"


def _document(path: str, template: Evaluated, mode: str) -> dict[str, Any]:
    outputs = {name: {"type": _type_of(value), "value": value} for name, value in template.outputs.items()}
    properties = {
        "provisioningState": "Succeeded",
        "mode": mode,
        "outputs": outputs,
        "outputResources": [{"id": each.resource.id} for each in template.resources],
    }
    return {"id": path, "name": path.rpartition("/")[2], "type": _TYPE, "properties": properties}


def _type_of(value: Any) -> str:
    names = {bool: "Bool", int: "Int", str: "String", dict: "Object", list: "Array"}
    return names.get(type(value), "Object")
