"""What a watch knows of a model: the reference that travels with each version, and the window being gathered."""

import json
from typing import Protocol

from shared.application.drift.bundled_references import bundled_reference, parsed_reference
from shared.codec import decode
from shared.domain.configuration import Configuration
from shared.domain.drift.reference import PLACE, ModelReference
from shared.domain.drift.watch import DriftWindow
from shared.domain.drift.window import Counted, parse_counted
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import ModelVersion
from shared.ports import BundleStore, DataHub, DriftFiles, Models
from shared.records import paths as records

Window = tuple[DriftWindow, Counted]


class World(Protocol):
    """Where all of it lies."""

    @property
    def configuration(self) -> Configuration: ...
    @property
    def hub(self) -> DataHub: ...
    @property
    def models(self) -> Models: ...
    @property
    def bundles(self) -> BundleStore: ...
    @property
    def drift_files(self) -> DriftFiles: ...


def reference_of(world: World, workspace: Workspace, model: str, version: str, contract: str) -> ModelReference:
    """What travels with the version, kept beside its windows; for a model that brings none, the contract's profile."""
    state, path = world.configuration.hub.state, records.drift_reference(model, version)
    raw = world.hub.read(state, path)
    if raw is None:
        registered = ModelVersion(name=model, version=version)
        found = bundled_reference(world.models, world.bundles, workspace, registered)
        reference = found or world.drift_files.own_reference(contract)
        if reference is None:
            raise Refused(
                f"{model}:{version} has no reference: put {PLACE} in its bundle, or name a reference in {contract}"
            )
        raw = json.dumps(reference.to_dict()).encode()
        world.hub.create(state, path, raw)
    return parsed_reference(raw, f"{state}/{path}")


def read_window(world: World, model: str, version: str) -> Window | None:
    """The window of `model:version` as it stands, None before the first run was counted."""
    raw = world.hub.read(world.configuration.hub.state, records.drift_window(model, version))
    if raw is None:
        return None
    content = json.loads(raw)
    return decode(DriftWindow, content["window"]), parse_counted(content["counted"])
