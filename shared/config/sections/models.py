"""The section `models`: a model's owner, its data contracts, and what is done with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.config.contracts import named_contract
from shared.config.fields import Text
from shared.config.reading import FilePlace
from shared.config.sections.drift import DriftSection
from shared.config.sections.ladder import PromotionSection, promotable_of
from shared.config.sections.routes import VERSION, ModelContracts
from shared.config.sections.training.retraining import RetrainingSection
from shared.domain.inference.routes import VersionContract
from shared.domain.promotion.ladder import Promotable


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSection:
    """A model: its owner, the data contract that its routes use unless they name another, and what is done with it.

    *contracts* names that of each version whose data differs, *output_contract* what its predictions must look like.
    """

    owner: Text | None = None
    contract: Text | None = None
    output_contract: Text | None = None
    contracts: dict[str, Text] = field(default_factory=dict)
    promotion: PromotionSection | None = None
    retraining: RetrainingSection | None = None
    drift: DriftSection | None = None


def models_of(
    sections: Mapping[str, ModelSection], place: FilePlace
) -> tuple[dict[str, ModelContracts], tuple[Promotable, ...]]:
    """Each model's own data contracts, and the models that may climb."""
    contracts, promotable = {}, []
    for name, section in sections.items():
        model_place = place.inside(name)
        if section.promotion is not None and section.contract is None:
            model_place.fail("contract", "is missing", "name a data contract: the hold-out is checked against it")
        contract = named_contract(model_place, section.contract or "")
        output = named_contract(model_place, section.output_contract or "", "output_contract")
        versions = _version_contracts(section, model_place)
        contracts[name] = ModelContracts(contract=contract, versions=versions, output=output)
        promotable.append(promotable_of(section.promotion, name, model_place, contract, section.owner or ""))
    return contracts, tuple(model for model in promotable if model is not None)


def _version_contracts(section: ModelSection, place: FilePlace) -> tuple[VersionContract, ...]:
    inside = place.inside("contracts")
    for version in section.contracts:
        if not VERSION.fullmatch(version):
            inside.fail(version, "is no exact version", "write a version, like 3; `latest` and ranges are refused")
    return tuple(
        VersionContract(version=version, contract=named_contract(inside, path, version))
        for version, path in section.contracts.items()
    )
