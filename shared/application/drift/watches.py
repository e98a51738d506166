"""What a model's recent rows are compared with: the reference that travels with each version, kept as a record."""

from shared.application.drift.bundled_references import bundled_reference
from shared.domain.drift.reference import PLACE, ModelReference, parse_reference
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.models import ModelVersion
from shared.ports import BundleStore, DriftFiles, Models
from shared.records import paths
from shared.records.store import RecordStore


def reference_of(
    store: RecordStore,
    models: Models,
    bundles: BundleStore,
    drift_files: DriftFiles,
    workspace: Workspace,
    model: ModelVersion,
    contract: str,
) -> ModelReference:
    """What travels with the version, kept beside its windows; for a model that brings none, the contract's profile."""
    path = paths.drift_reference(model.name, model.version)
    document = store.document(path)
    if document is None:
        reference = bundled_reference(models, bundles, workspace, model) or drift_files.own_reference(contract)
        if reference is None:
            raise Refused(f"{model} has no reference: put {PLACE} in its bundle, or name a reference in {contract}")
        document = reference.to_dict()
        # Kept with the first window: a reference that changed later in the bundle or the contract would make the
        # windows of one version incomparable.
        store.create(path, document)
        document = store.document(path)  # As the JSON of the record has it.
    try:
        return parse_reference(document or {})
    except ValueError as error:
        raise Refused(f"{store.container}/{path}: {error}") from error
