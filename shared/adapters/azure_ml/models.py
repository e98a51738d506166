"""Model versions, code and environments as assets of Azure ML workspaces and registries.

Environments are written by `ml_client`, everything else through Resource Manager (docs/decisions/0017-azure-ai-ml.md).
Contracts: ModelVersions, CodeVersions and EnvironmentVersions of https://learn.microsoft.com/rest/api/azureml, and
their Registry counterparts, which have the same shapes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from shared.adapters.azure_ml.arm import Arm, is_made, place_path, require_made
from shared.adapters.azure_ml.ml_client import MlAssets
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import ModelVersion
from shared.ports import AssetKind, Place, RegisteredModel

_OBJECT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_IMAGES_API = "2025-07-01-preview"
_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"


class AzureMlModels:
    """Implements `shared.ports.Models`."""

    def __init__(self, arm: Arm, assets: MlAssets) -> None:
        self._arm, self._assets = arm, assets

    def find(self, place: Place, model: ModelVersion) -> RegisteredModel | None:
        raw = self._arm.get(self.asset_id(place, AssetKind.MODEL, model), f"look at model {model}")
        return None if raw is None or not is_made(raw) else _registered_model(model.name, raw)

    def versions(self, place: Place, name: str) -> Iterator[RegisteredModel]:
        return (_registered_model(name, raw) for raw in self._listed(place, name) if is_made(raw))

    def taken_versions(self, place: Place, name: str) -> Iterator[RegisteredModel]:
        return (_registered_model(name, raw) for raw in self._listed(place, name))

    def _listed(self, place: Place, name: str) -> Iterator[dict[str, Any]]:
        return self._arm.list(f"{place_path(place)}/models/{quote(name)}/versions", f"list the versions of {name}")

    def register(self, place: Place, model: RegisteredModel) -> None:
        path, action = self.asset_id(place, AssetKind.MODEL, model.model), f"register models {model.model}"
        raw = self._arm.get(path, f"look at model {model.model}")
        existing = None if raw is None else _registered_model(model.model.name, raw)
        if existing is not None and existing.folder.rstrip("/") != model.folder.rstrip("/"):
            raise Refused(
                f"{model.model} is in {place.name} with {existing.folder}, not {model.folder}; use a new version"
            )
        if existing != model:
            properties = {
                "modelUri": model.folder,
                "modelType": model.kind,
                "tags": dict(model.tags),
                "properties": dict(model.properties),
            }
            # A registry creates assets as long operations. The PUT may then answer without the version, so it is read.
            raw = self._arm.put(path, {"properties": properties}, action) or self._arm.get(path, action)
        require_made(raw, action)

    def tag(self, place: Place, model: ModelVersion, tags: Mapping[str, str]) -> None:
        path = self.asset_id(place, AssetKind.MODEL, model)
        raw = self._arm.get(path, f"look at model {model}")
        if raw is None:
            raise Refused(f"{model} is not in {place.name}: it cannot be tagged")
        before = raw["properties"].get("tags") or {}
        remaining = {name: value for name, value in {**before, **tags}.items() if value}
        if remaining == before:
            return
        self._arm.change(path, raw, {"tags": remaining}, f"tag model {model}")

    def has(self, place: Place, kind: AssetKind, asset: ModelVersion) -> bool:
        return self._arm.get(self.asset_id(place, kind, asset), f"look at {kind.value} {asset}") is not None

    def asset_id(self, place: Place, kind: AssetKind, asset: ModelVersion) -> str:
        return f"{place_path(place)}/{kind.value}/{quote(asset.name)}/versions/{quote(asset.version)}"

    def remove(self, place: Place, kind: AssetKind, asset: ModelVersion) -> None:
        self._arm.delete(self.asset_id(place, kind, asset), f"delete {kind.value} {asset}")

    def register_environment(self, workspace: Workspace, asset: ModelVersion, conda: bytes) -> None:
        if not self.has(workspace, AssetKind.ENVIRONMENT, asset):
            self._assets.create_environment(workspace, asset, _IMAGE, conda)

    def image_digest(self, workspace: Workspace, asset: ModelVersion) -> str:
        # `imageDetails` is in preview versions of the API alone. A service that does not know them says no digest.
        path = self.asset_id(workspace, AssetKind.ENVIRONMENT, asset)
        try:
            raw = self._arm.get(path, f"look at the image of {asset}", api_version=_IMAGES_API) or {}
        except Refused:
            return ""
        details = (raw.get("properties") or {}).get("imageDetails") or {}
        return str((details.get("image") or {}).get("digest") or "") if details.get("exists") else ""

    def register_code(self, workspace: Workspace, asset: ModelVersion, folder: str) -> None:
        if not self.has(workspace, AssetKind.CODE, asset):
            path = self.asset_id(workspace, AssetKind.CODE, asset)
            self._arm.put(path, {"properties": {"codeUri": folder}}, f"register codes {asset}")


def _registered_model(name: str, raw: dict[str, Any]) -> RegisteredModel:
    properties = raw.get("properties") or {}
    return RegisteredModel(
        model=ModelVersion(name=name, version=str(raw["name"])),
        folder=str(properties.get("modelUri") or ""),
        kind=str(properties.get("modelType") or "custom_model"),
        tags=dict(properties.get("tags") or {}),
        properties=dict(properties.get("properties") or {}),
        job=str(properties.get("jobName") or ""),
        writers=_writers(raw.get("systemData") or {}),
        author=_author(raw.get("systemData") or {}),
    )


def _writers(system: Mapping[str, Any]) -> tuple[str, ...]:
    """People alone: Azure ML gives their display names, which verify nobody."""
    parts = (("createdBy", "createdByType"), ("lastModifiedBy", "lastModifiedByType"))
    return tuple(
        dict.fromkeys(
            str(system[author]) for author, kind in parts if system.get(kind) == "User" and system.get(author)
        )
    )


def _author(system: Mapping[str, Any]) -> str:
    """The object id of the user who registered the version with all its tags, if nobody has changed it since.

    Who changed it last may have changed another tag than the flag, so a version that was changed has no certain author.
    """
    author, at = str(system.get("createdBy") or ""), system.get("createdAt")
    last = (system.get("lastModifiedAt", at), system.get("lastModifiedBy", author))
    is_unchanged = bool(at) and last == (at, author)
    return author if is_unchanged and system.get("createdByType") == "User" and _OBJECT_ID.fullmatch(author) else ""
