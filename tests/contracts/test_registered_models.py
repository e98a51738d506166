"""Model versions of a registry, which Azure makes as long operations: a version counts once it is made."""

from functools import partial
from typing import Any

import pytest

from shared.adapters.azure_ml.arm import Arm
from shared.adapters.azure_ml.ml_client import MlAssets
from shared.adapters.azure_ml.models import AzureMlModels
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.ladder import Registry
from shared.domain.promotion.models import ModelVersion
from shared.ports import RegisteredModel
from tests.contracts.service import Answer, Directory, Service

REGISTRY = Registry(name="central", subscription="s", resource_group="r")
MODEL = RegisteredModel(model=ModelVersion(name="churn", version="1"), folder="https://stregistry/c/model")
PATH = "/registries/central/models/churn/versions/1"


def version(state: str) -> dict[str, Any]:
    properties = {"modelUri": MODEL.folder, "modelType": MODEL.kind, "provisioningState": state}
    return {"name": "1", "properties": properties}


@pytest.fixture
def models(service: Service) -> AzureMlModels:
    address = f"https://{service.host}"
    return AzureMlModels(Arm(Directory(), address), MlAssets(Directory(), address))


@pytest.fixture
def register(models: AzureMlModels) -> partial[None]:
    return partial(models.register, REGISTRY, MODEL)


@pytest.mark.parametrize(
    "accepted", [Answer(status=201, body=version("Creating")), Answer(status=202)], ids=["created", "accepted"]
)
def test_a_version_that_is_still_being_made_is_asked_for_again(
    service: Service, register: partial[None], accepted: Answer
) -> None:
    missing, making = Answer(status=404, body={"error": {}}), Answer(body=version("Creating"))
    looks = [missing, missing, making] if accepted.body is None else [missing, making]
    service.on(f"GET .*{PATH}$", *looks, Answer(body=version("Succeeded")))
    service.on(f"PUT .*{PATH}$", accepted)

    for _ in range(2):
        with pytest.raises(Transient, match="has not settled yet"):
            register()
    register()

    assert len(service.paths("PUT")) == 1


def test_a_version_that_could_not_be_made_is_refused(service: Service, register: partial[None]) -> None:
    service.on(f"GET .*{PATH}$", Answer(status=404, body={"error": {}}), Answer(body=version("Failed")))
    service.on(f"PUT .*{PATH}$", Answer(status=201, body=version("Creating")))

    with pytest.raises(Transient):
        register()
    with pytest.raises(Refused, match="ended as Failed"):
        register()


@pytest.mark.parametrize(
    ("state", "is_found"),
    [("Creating", False), ("Failed", False), ("Canceled", False), ("Updating", True), ("Succeeded", True)],
)
def test_a_version_is_found_once_it_is_made(
    service: Service, models: AzureMlModels, state: str, is_found: bool
) -> None:
    service.on(f"GET .*{PATH}$", Answer(body=version(state)))

    assert (models.find(REGISTRY, MODEL.model) is not None) == is_found


def test_versions_that_are_not_made_are_not_listed_and_have_taken_their_numbers(
    service: Service, models: AzureMlModels
) -> None:
    states = ["Creating", "Failed", "Canceled", "Updating", "Succeeded"]
    listing = [version(state) | {"name": str(number)} for number, state in enumerate(states)]
    service.on("GET .*/models/churn/versions$", Answer(body={"value": listing}))

    assert [entry.model.version for entry in models.versions(REGISTRY, "churn")] == ["3", "4"]
    assert [entry.model.version for entry in models.taken_versions(REGISTRY, "churn")] == ["0", "1", "2", "3", "4"]
