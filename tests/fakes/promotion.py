"""Fakes of promotion's ports: an Azure ML in memory, with workspaces, a registry, endpoints and models that predict.

Every write goes through `touch`, which tests can make fail before or after its effect.
"""

import copy
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.approvals import Person
from shared.domain.promotion.bundles import BundleFile
from shared.domain.promotion.models import ModelVersion
from shared.ports import (
    AssetKind,
    DeploymentSeen,
    EndpointKind,
    EndpointResponse,
    EndpointSeen,
    OnlineRequest,
    Place,
    RegisteredModel,
    Shelf,
    StoredFile,
    WantedDeployment,
)

Before = Callable[[str], None]


class MemoryCloud:
    """The whole state is in `state`, plain enough to be compared."""

    def __init__(self) -> None:
        self.state: dict[str, dict[str, Any]] = {"assets": {}, "files": {}, "endpoints": {}, "deployments": {}}
        self.effects: Counter[str] = Counter()
        self.before: Before = lambda effect: None
        self.after: Before = lambda effect: None
        self.predict: dict[str, Callable[[Mapping[str, Any]], float]] = {}
        self.corrupt: set[str] = set()  # Paths whose bytes change on their way.

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """What can be seen: bytes that were sent to the registry and never registered cannot."""
        seen = copy.deepcopy(self.state)
        kept = tuple(f"{asset.folder}/" for asset in seen["assets"].values() if isinstance(asset, RegisteredModel))
        seen["files"] = {
            path: data
            for path, data in seen["files"].items()
            if not path.startswith("central") or path.startswith(kept)
        }
        return seen

    def touch(self, effect: str, act: Callable[[], None]) -> None:
        self.before(effect)
        act()
        self.effects[effect] += 1
        self.after(effect)


class MemoryModels:
    """*image* is the digest of every image that is built, empty where the service says none."""

    def __init__(self, cloud: MemoryCloud) -> None:
        self._cloud, self.image = cloud, ""

    def find(self, place: Place, model: ModelVersion) -> RegisteredModel | None:
        found: RegisteredModel | None = self._assets.get(self.asset_id(place, AssetKind.MODEL, model))
        return found

    def versions(self, place: Place, name: str) -> Iterator[RegisteredModel]:
        start = f"{place.name}/models/{name}:"
        return iter([model for key, model in sorted(self._assets.items()) if key.startswith(start)])

    def taken_versions(self, place: Place, name: str) -> Iterator[RegisteredModel]:
        return self.versions(place, name)

    def register(self, place: Place, model: RegisteredModel) -> None:
        key = self.asset_id(place, AssetKind.MODEL, model.model)
        there = self._assets.get(key)
        if there is not None and there.folder != model.folder:
            raise Refused(f"{model.model} is there with another folder")
        if there != model:
            self._cloud.touch(f"register {key}", lambda: self._assets.update({key: model}))

    def tag(self, place: Place, model: ModelVersion, tags: Mapping[str, str]) -> None:
        key = self.asset_id(place, AssetKind.MODEL, model)
        there: RegisteredModel = self._assets[key]
        merged = {name: value for name, value in {**there.tags, **tags}.items() if value}
        changed = RegisteredModel(
            model=there.model,
            folder=there.folder,
            kind=there.kind,
            tags=merged,
            properties=there.properties,
            job=there.job,
        )
        if there != changed:
            self._cloud.touch(f"tag {key}", lambda: self._assets.update({key: changed}))

    def has(self, place: Place, kind: AssetKind, asset: ModelVersion) -> bool:
        return self.asset_id(place, kind, asset) in self._assets

    def asset_id(self, place: Place, kind: AssetKind, asset: ModelVersion) -> str:
        return f"{place.name}/{kind.value}/{asset}"

    def remove(self, place: Place, kind: AssetKind, asset: ModelVersion) -> None:
        key = self.asset_id(place, kind, asset)
        if key in self._assets:
            self._cloud.touch(f"remove {key}", lambda: self._assets.pop(key))

    def register_environment(self, workspace: Workspace, asset: ModelVersion, conda: bytes) -> None:
        self._put(self.asset_id(workspace, AssetKind.ENVIRONMENT, asset), conda)

    def image_digest(self, workspace: Workspace, asset: ModelVersion) -> str:
        return self.image if self.has(workspace, AssetKind.ENVIRONMENT, asset) else ""

    def register_code(self, workspace: Workspace, asset: ModelVersion, folder: str) -> None:
        self._put(self.asset_id(workspace, AssetKind.CODE, asset), folder)

    def _put(self, key: str, value: Any) -> None:
        if key not in self._assets:
            self._cloud.touch(f"register {key}", lambda: self._assets.update({key: value}))

    @property
    def _assets(self) -> dict[str, Any]:
        return self._cloud.state["assets"]


class MemoryBundles:
    def __init__(self, cloud: MemoryCloud) -> None:
        self._cloud = cloud

    def put(self, shelf: Shelf, path: str, data: bytes) -> None:
        self._files[f"{self.address(shelf)}/{path}"] = data

    def files(self, shelf: Shelf) -> Iterator[StoredFile]:
        start = f"{self.address(shelf)}/"
        found = [(key, data) for key, data in sorted(self._files.items()) if key.startswith(start)]
        return iter([StoredFile(path=key.removeprefix(start), size=len(data)) for key, data in found])

    def digest(self, shelf: Shelf, path: str) -> str:
        return hashlib.sha256(self._files[f"{self.address(shelf)}/{path}"]).hexdigest()

    def read(self, shelf: Shelf, path: str) -> bytes | None:
        found: bytes | None = self._files.get(f"{self.address(shelf)}/{path}")
        return found

    def copy(self, source: Shelf, target: Shelf, file: BundleFile) -> bool:
        data = self._files[f"{self.address(source)}/{file.path}"]
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise Refused(f"{file.path} was {file.sha256} when planned")
        key = f"{self.address(target)}/{file.path}"
        if key in self._files:
            return False
        sent = data + b"!" if file.path in self._cloud.corrupt else data
        self._cloud.touch(f"copy {key}", lambda: self._files.update({key: sent}))
        return True

    def write(self, shelf: Shelf, path: str, content: bytes) -> None:
        key = f"{self.address(shelf)}/{path}"
        if self._files.get(key) != content:
            self._cloud.touch(f"write {key}", lambda: self._files.update({key: content}))

    def delete(self, shelf: Shelf, path: str) -> None:
        key = f"{self.address(shelf)}/{path}"
        if key in self._files:
            self._cloud.touch(f"delete {key}", lambda: self._files.pop(key))

    def address(self, shelf: Shelf) -> str:
        start = f"{shelf.place.name}:"
        return f"{start}{(shelf.folder or str(shelf.asset)).removeprefix(start)}"

    @property
    def _files(self) -> dict[str, bytes]:
        return self._cloud.state["files"]


class MemoryEndpoints:
    """A deployment becomes ready at the second look; a batch endpoint's default is `default`.

    *is_slow*: changes of endpoints come into force after one more look, as on Azure. Deployments whose key begins with
    one of *failing* fail, as where a quota is reached.
    """

    def __init__(self, cloud: MemoryCloud) -> None:
        self._cloud, self.is_slow = cloud, False
        self.failing: set[str] = set()
        self._changes: dict[str, dict[str, Any]] = {}

    @property
    def is_changing(self) -> bool:
        """Whether a change of an endpoint is under way."""
        return bool(self._changes)

    def find(self, workspace: Workspace, kind: EndpointKind, endpoint: str) -> EndpointSeen | None:
        key = f"{workspace.name}/{kind.value}/{endpoint}"
        endpoint_state = dict(self._endpoints.get(key, {}))
        settled = not self._land(key)
        return EndpointSeen(name=endpoint, settled=settled, **endpoint_state) if endpoint_state else None

    def ensure(self, workspace: Workspace, kind: EndpointKind, endpoint: str, kubernetes: str = "") -> bool:
        key = f"{workspace.name}/{kind.value}/{endpoint}"
        if key in self._endpoints:
            return True
        self._cloud.touch(
            f"create {key}", lambda: self._endpoints.update({key: {"traffic": {}, "default": "", "mirror": {}}})
        )
        return False

    def remove(self, workspace: Workspace, kind: EndpointKind, endpoint: str) -> None:
        key = f"{workspace.name}/{kind.value}/{endpoint}"
        if key in self._endpoints:
            self._cloud.touch(f"remove {key}", lambda: self._endpoints.pop(key))

    def deployment(
        self, workspace: Workspace, kind: EndpointKind, endpoint: str, deployment: str
    ) -> DeploymentSeen | None:
        key = f"{workspace.name}/{kind.value}/{endpoint}/{deployment}"
        model = self._deployments.get(key)
        state = "Failed" if key.startswith(tuple(self.failing)) else "Succeeded"
        return None if model is None else DeploymentSeen(name=deployment, state=state, model=model)

    def deploy(self, workspace: Workspace, wanted: WantedDeployment) -> None:
        key = f"{workspace.name}/{wanted.kind.value}/{wanted.endpoint}/{wanted.name}"
        self._cloud.touch(f"deploy {key}", lambda: self._deployments.update({key: wanted.model}))

    def undeploy(self, workspace: Workspace, kind: EndpointKind, endpoint: str, deployment: str) -> None:
        seen = self.find(workspace, kind, endpoint)
        if seen is not None and seen.traffic.get(deployment):
            raise Refused(f"{deployment} still has traffic")
        key = f"{workspace.name}/{kind.value}/{endpoint}/{deployment}"
        if key in self._deployments:
            self._cloud.touch(f"undeploy {key}", lambda: self._deployments.pop(key))

    def route(
        self, workspace: Workspace, endpoint: str, traffic: Mapping[str, int], mirror: Mapping[str, int] | None = None
    ) -> bool:
        key = f"{workspace.name}/{EndpointKind.ONLINE.value}/{endpoint}"
        if absent := [name for name, share in traffic.items() if share and f"{key}/{name}" not in self._deployments]:
            raise Refused(f"{endpoint} has no deployment {', '.join(absent)}")
        if live := {name for name, share in traffic.items() if share} & set(mirror or {}):
            raise Refused(f"{live} cannot have live and mirrored traffic")
        if mirror is not None and self._endpoints[key]["traffic"] == traffic:
            return self._change(key, "mirror", dict(mirror))
        return self._change(key, "traffic", dict(traffic), {} if mirror is None else {"mirror": dict(mirror)})

    def choose(self, workspace: Workspace, endpoint: str, deployment: str) -> bool:
        return self._change(f"{workspace.name}/{EndpointKind.BATCH.value}/{endpoint}", "default", deployment)

    def invoke(self, request: OnlineRequest) -> EndpointResponse:
        key = f"{request.workspace.name}/{EndpointKind.ONLINE.value}/{request.endpoint}/{request.deployment}"
        if key not in self._deployments:
            return EndpointResponse(status=404, body=b"{}", took_ms=1.0)
        predict = self._cloud.predict[self._deployments[key].rpartition("/")[2]]
        asked = json.loads(request.body)["input_data"]
        rows = [dict(zip(asked["columns"], row, strict=True)) for row in asked["data"]]
        try:
            outputs = [predict(row) for row in rows]
        except ArithmeticError:  # The scoring script's own.
            return EndpointResponse(status=424, body=b"{}", took_ms=5.0)
        return EndpointResponse(status=200, body=json.dumps(outputs).encode(), took_ms=5.0)

    def _change(self, key: str, field: str, value: Any, more: Mapping[str, Any] | None = None) -> bool:
        if self._land(key):
            return False
        if self._endpoints[key][field] != value:
            states, change = self._changes if self.is_slow else self._endpoints, {field: value, **(more or {})}
            self._cloud.touch(f"change {key} {field}", lambda: states.setdefault(key, {}).update(change))
        return not self.is_slow or self._endpoints[key][field] == value

    def _land(self, key: str) -> bool:
        """Whether a change was under way, which is in force from the next look on."""
        change = self._changes.pop(key, {})
        self._endpoints.get(key, {}).update(change)
        return bool(change)

    @property
    def _endpoints(self) -> dict[str, Any]:
        return self._cloud.state["endpoints"]

    @property
    def _deployments(self) -> dict[str, Any]:
        return self._cloud.state["deployments"]


class NamedPeople:
    """`Bearer NAME` is that person, if they are listed."""

    def __init__(self, people: Mapping[str, Person]) -> None:
        self._people = people

    def verify(self, authorization: str) -> Person:
        name = authorization.removeprefix("Bearer ")
        if name not in self._people:
            raise Refused("the token is not accepted")
        return self._people[name]
