"""What travels in the bundle of a registered version; watches and the doctor read it alike."""

from shared.domain.drift.reference import PLACE, ModelReference, parse_reference
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import BUNDLE, ModelVersion
from shared.ports import BundleStore, Models, Shelf
from shared.records.store import read_json


def bundled_reference(
    models: Models, bundles: BundleStore, workspace: Workspace, model: ModelVersion
) -> ModelReference | None:
    """The reference that *model* brings, None where it brings none. Raises Refused where it cannot be read."""
    registered_model = models.find(workspace, model)
    folder = registered_model.tags.get(BUNDLE, "") if registered_model else ""
    if not folder:
        return None
    raw = bundles.read(Shelf(place=workspace, folder=folder, asset=model), PLACE)
    return None if raw is None else parsed_reference(raw, f"{model}'s {PLACE}")


def parsed_reference(raw: bytes, place: str) -> ModelReference:
    """The reference in the file *raw* that lies at *place*. Raises Refused."""
    try:
        return parse_reference(read_json(raw))
    except ValueError as error:
        raise Refused(f"{place}: {error}") from error
