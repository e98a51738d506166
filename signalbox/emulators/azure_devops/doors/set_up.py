"""What no YAML makes: environments, service connections by federation, variable groups, repositories, permissions.

Shapes as in the specifications of version 7.2 (MicrosoftDocs/vsts-rest-api-specs). Names are taken once.
"""

import uuid
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse, Refusal
from signalbox.emulators.azure_devops.shapes import list_shape, now
from signalbox.emulators.azure_devops.store import Document, Store

_APIS, _HOME = "/{organisation}/{project}/_apis", "/{organisation}/_apis"


class SetUpDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store) -> None:
        self._gatehouse, self._store = gatehouse, store

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(f"{_APIS}/pipelines/environments", self._list("environment", "name"))
        app.router.add_post(f"{_APIS}/pipelines/environments", self._make_environment)
        app.router.add_get(f"{_APIS}/serviceendpoint/endpoints", self._list("endpoint", "endpointNames"))
        app.router.add_post(f"{_HOME}/serviceendpoint/endpoints", self._make_endpoint)
        app.router.add_get(f"{_APIS}/distributedtask/variablegroups", self._list("variablegroup", "groupName"))
        app.router.add_post(f"{_HOME}/distributedtask/variablegroups", self._make_group)
        app.router.add_get(f"{_APIS}/git/repositories/{{repository}}", self._show_repository)
        app.router.add_post(f"{_APIS}/git/repositories", self._make_repository)
        permissions = f"{_APIS}/pipelines/pipelinepermissions/{{kind}}/{{resource}}"
        app.router.add_get(permissions, self._show_permissions)
        app.router.add_patch(permissions, self._change_permissions)

    def _list(self, kind: str, parameter: str) -> Any:
        async def listing(request: web.Request) -> web.Response:
            self._gatehouse.admit(request)
            project, name = self._gatehouse.project(request), request.query.get(parameter, "")
            rows = [row for row in self._store.all(kind) if row["_project"] == project.id]
            rows = [row for row in rows if name.lower() in ("", row["name"].lower())]
            return web.json_response(list_shape([_shown(row) for row in rows]))

        return listing

    async def _make_environment(self, request: web.Request) -> web.Response:
        member, project, body = self._gatehouse.person(request), self._gatehouse.project(request), await request.json()
        row = self._new("environment", project.id, str(body["name"]))
        fields = {"description": body.get("description", ""), "createdBy": member.ref(), "createdOn": now()}
        return self._kept("environment", row | fields)

    async def _make_endpoint(self, request: web.Request) -> web.Response:
        """The issuer and the subject are said by the service, and never by who asks."""
        self._gatehouse.person(request)
        body = await request.json()
        project = self._referred(body.get("serviceEndpointProjectReferences"))
        authorization = body.get("authorization") or {}
        parameters = dict(authorization.get("parameters") or {})
        if authorization.get("scheme") != "WorkloadIdentityFederation" or not parameters.get("serviceprincipalid"):
            raise Refusal(400, "TF400898: only WorkloadIdentityFederation is taken here.", "InvalidEndpointException")
        row = self._new("endpoint", project, str(body["name"]), str(uuid.uuid4()))
        organisation = self._gatehouse.organisation.name
        parameters["workloadIdentityFederationIssuer"] = (
            f"https://login.microsoftonline.com/{parameters.get('tenantid', '')}/v2.0"
        )
        parameters["workloadIdentityFederationSubject"] = f"/eid1/c/pub/{organisation}/{row['id']}"
        fields = {name: body.get(name) for name in ("type", "url", "description", "data", "isShared", "isReady")}
        return self._kept("endpoint", row | fields | {"authorization": {**authorization, "parameters": parameters}})

    async def _make_group(self, request: web.Request) -> web.Response:
        self._gatehouse.person(request)
        body = await request.json()
        project = self._referred(body.get("variableGroupProjectReferences"))
        row = self._new("variablegroup", project, str(body["name"]))
        fields = {name: body.get(name) for name in ("description", "type", "variables")}
        return self._kept("variablegroup", row | fields)

    async def _show_repository(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        return web.json_response(_shown(repository_of(self._gatehouse, self._store, request)))

    async def _make_repository(self, request: web.Request) -> web.Response:
        self._gatehouse.person(request)
        project, body = self._gatehouse.project(request), await request.json()
        row = self._new("repository", project.id, str(body["name"]), str(uuid.uuid4()))
        return self._kept("repository", row | {"defaultBranch": None, "size": 0}, 201)

    async def _show_permissions(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        return web.json_response(self._permissions(request))

    async def _change_permissions(self, request: web.Request) -> web.Response:
        self._gatehouse.person(request)
        row = {**self._permissions(request), **await request.json()}
        self._store.put("permission", self._resource(request), row)
        return web.json_response(row)

    def _permissions(self, request: web.Request) -> Document:
        kind, name = request.match_info["kind"], request.match_info["resource"]
        kept = self._store.get("permission", self._resource(request))
        return kept or {"resource": {"type": kind, "id": name}, "pipelines": []}

    def _resource(self, request: web.Request) -> str:
        return f"{request.match_info['kind']}/{request.match_info['resource']}"

    def _referred(self, references: Any) -> str:
        """The id of the project that the body refers to."""
        row = (references or [{}])[0].get("projectReference") or {}
        project = self._gatehouse.organisation.project(str(row.get("id", "")))
        if project is None:
            raise Refusal(400, "TF200016: the project reference names no project.", "ProjectDoesNotExist")
        return project.id

    def _new(self, kind: str, project: str, name: str, identifier: str = "") -> Document:
        taken = [
            row for row in self._store.all(kind) if (row["_project"], row["name"].lower()) == (project, name.lower())
        ]
        if taken:
            raise Refusal(409, f"{kind} {name} already exists.", "DuplicateNameException")
        self._store.count(f"{kind}s", name)
        return {"id": identifier or self._store.next_number(kind), "name": name, "_project": project}

    def _kept(self, kind: str, row: Document, status: int = 200) -> web.Response:
        self._store.put(kind, row["id"], row)
        return web.json_response(_shown(row), status=status)


def _shown(row: Document) -> Document:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def repository_of(gatehouse: Gatehouse, store: Store, request: web.Request) -> Document:
    """The repository that the path names, by its id or its name. Raises 404 where there is none."""
    project, name = gatehouse.project(request), request.match_info["repository"].lower()
    for row in store.all("repository"):
        if row["_project"] == project.id and name in (row["id"], row["name"].lower()):
            return row
    raise Refusal(404, f"TF401019: The Git repository {name} does not exist.", "GitRepositoryNotFoundException")
