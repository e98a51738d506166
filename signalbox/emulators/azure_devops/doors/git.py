"""Pull requests: read one, and complete it, which merges and tells the hooks that a merge was attempted."""

from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse, Refusal
from signalbox.emulators.azure_devops.runs import Announce
from signalbox.emulators.azure_devops.shapes import now
from signalbox.emulators.azure_devops.store import Document, Store

_PULLS = "/{organisation}/{project}/_apis/git/repositories/{repository}/pullrequests"


class GitDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store, announce: Announce) -> None:
        self._gatehouse, self._store, self._announce = gatehouse, store, announce

    def add_to(self, app: web.Application) -> None:
        app.router.add_post(_PULLS, self._create)
        app.router.add_get(f"{_PULLS}/{{pull:\\d+}}", self._show)
        app.router.add_patch(f"{_PULLS}/{{pull:\\d+}}", self._update)

    async def _create(self, request: web.Request) -> web.Response:
        member, project, body = self._gatehouse.person(request), self._gatehouse.project(request), await request.json()
        number, name = self._store.next_number("pull"), request.match_info["repository"]
        base = f"{self._gatehouse.organisation.base}/{project.id}/_apis/git/repositories/{name}"
        pull = {
            "repository": {"id": name, "name": name, "project": {"id": project.id, "name": project.name}},
            "pullRequestId": number,
            "status": "active",
            "createdBy": member.ref(),
            "creationDate": now(),
            "title": str(body.get("title", "")),
            "description": str(body.get("description", "")),
            "sourceRefName": str(body["sourceRefName"]),
            "targetRefName": str(body["targetRefName"]),
            "mergeStatus": "queued",
            "url": f"{base}/pullRequests/{number}",
        }
        self._store.put("pull", f"{name}/{number}", pull)
        return web.json_response(pull, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        return web.json_response(self._pull(request))

    async def _update(self, request: web.Request) -> web.Response:
        """`{"status": "completed"}` merges, unless the emulator was told to find conflicts (`"mergeStatus"`)."""
        member, pull, body = self._gatehouse.person(request), self._pull(request), await request.json()
        is_merge = body.get("mergeStatus", "succeeded") == "succeeded"
        pull["mergeStatus"] = body.get("mergeStatus", "succeeded")
        if body.get("status") == "completed" and is_merge:
            pull.update(status="completed", closedDate=now(), closedBy=member.ref())
            pull["lastMergeCommit"] = {"commitId": f"{pull['pullRequestId']:040x}"}
        self._store.put("pull", f"{pull['repository']['id']}/{pull['pullRequestId']}", pull)
        self._announce("git.pullrequest.merged", pull["repository"]["project"]["id"], pull)
        return web.json_response(pull)

    def _pull(self, request: web.Request) -> Document:
        self._gatehouse.project(request)
        name = f"{request.match_info['repository']}/{request.match_info['pull']}"
        pull: dict[str, Any] | None = self._store.get("pull", name)
        if pull is None:
            raise Refusal(404, f"TF401180: The requested pull request {name} was not found.", "GitPullRequestNotFound")
        return pull
