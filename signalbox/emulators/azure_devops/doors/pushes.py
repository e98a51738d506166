"""Git by REST: branches, and pushes of whole texts, which become commits. Shapes: Git/Pushes, Refs and Items, 7.1.

A commit here is its files; what Git keeps besides (trees, packs) is not imitated, and no `git` client is served.
"""

import hashlib
import json
from typing import Any

from aiohttp import web

from signalbox.emulators.azure_devops.access import Gatehouse, Refusal
from signalbox.emulators.azure_devops.doors.set_up import repository_of
from signalbox.emulators.azure_devops.shapes import list_shape, now
from signalbox.emulators.azure_devops.store import Document, Store

_REPOSITORY = "/{organisation}/{project}/_apis/git/repositories/{repository}"
_NOWHERE = "0" * 40


class PushDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store) -> None:
        self._gatehouse, self._store = gatehouse, store

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(f"{_REPOSITORY}/refs", self._refs)
        app.router.add_post(f"{_REPOSITORY}/pushes", self._push)
        app.router.add_get(f"{_REPOSITORY}/items", self._item)

    async def _refs(self, request: web.Request) -> web.Response:
        self._gatehouse.admit(request)
        repository = self._repository(request)
        prefix = f"refs/{request.query.get('filter', '')}"
        refs = [ref for ref in self._store.all("ref") if ref["_repository"] == repository["id"]]
        shown = [{"name": ref["name"], "objectId": ref["objectId"]} for ref in refs if ref["name"].startswith(prefix)]
        return web.json_response(list_shape(shown))

    async def _push(self, request: web.Request) -> web.Response:
        member, repository, body = self._gatehouse.person(request), self._repository(request), await request.json()
        try:
            (update,), (commit,) = body["refUpdates"], body["commits"]
            name, old, comment = str(update["name"]), str(update["oldObjectId"]), str(commit["comment"])
        except (KeyError, TypeError, ValueError) as error:
            message = "VS403658: a push has one ref update and one commit here."
            raise Refusal(400, message, "GitPushException") from error
        if not name.startswith("refs/heads/"):
            raise Refusal(400, f"TF401025: '{name}' is not a valid name for a Git branch.", "InvalidGitRefName")
        key = f"{repository['id']}/{name}"
        ref = self._store.get("ref", key)
        if old != (ref["objectId"] if ref else _NOWHERE):
            message = f"TF401028: The reference '{name}' has already been updated by another client."
            raise Refusal(409, message, "GitReferenceStaleException")
        files = _changed(self._files(ref), commit.get("changes") or [])
        identifier = hashlib.sha1(json.dumps([old, comment, files], sort_keys=True).encode()).hexdigest()
        self._store.put("commit", identifier, {"files": files, "comment": comment, "parent": old})
        self._store.put("ref", key, {"name": name, "objectId": identifier, "_repository": repository["id"]})
        if not repository.get("defaultBranch"):
            self._store.change("repository", repository["id"], lambda row: row.update(defaultBranch=name))
        self._store.count("pushes", repository["name"])
        answer = {
            "pushId": self._store.next_number("push"),
            "date": now(),
            "pushedBy": member.ref(),
            "commits": [{"commitId": identifier, "comment": comment}],
            "refUpdates": [{"name": name, "oldObjectId": old, "newObjectId": identifier}],
        }
        return web.json_response(answer, status=201)

    async def _item(self, request: web.Request) -> web.Response:
        """The text of one file of the default branch."""
        self._gatehouse.admit(request)
        repository, path = self._repository(request), request.query.get("path", "")
        ref = self._store.get("ref", f"{repository['id']}/{repository.get('defaultBranch')}")
        files = self._files(ref)
        if path not in files:
            raise Refusal(404, f"TF401174: The item '{path}' could not be found.", "GitItemNotFoundException")
        return web.json_response({"path": path, "commitId": ref["objectId"] if ref else "", "content": files[path]})

    def _files(self, ref: Document | None) -> dict[str, str]:
        commit = self._store.get("commit", ref["objectId"]) if ref else None
        return dict(commit["files"]) if commit else {}

    def _repository(self, request: web.Request) -> Document:
        return repository_of(self._gatehouse, self._store, request)


def _changed(files: dict[str, str], changes: list[dict[str, Any]]) -> dict[str, str]:
    """*files* after *changes*. Raises 400 for what Azure DevOps does not take."""
    if not changes:
        raise Refusal(400, "VS403660: a commit has at least one change.", "GitPushException")
    for change in changes:
        path, content = str((change.get("item") or {}).get("path", "")), change.get("newContent") or {}
        kind = change.get("changeType")
        if not path.startswith("/") or path.endswith("/") or ".git" in path.split("/"):
            raise Refusal(400, f"TF401022: '{path}' is no path of an item.", "InvalidPathException")
        if kind not in ("add", "edit") or content.get("contentType") != "rawtext":
            raise Refusal(400, "VS403659: only adds and edits of rawtext are taken here.", "GitPushException")
        if (kind == "add") == (path in files):
            state = "exists already" if kind == "add" else "does not exist"
            raise Refusal(400, f"TF401179: '{path}' {state} in the branch.", "GitPushException")
        files = {**files, path: str(content["content"])}
    return files
