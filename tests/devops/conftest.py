"""One Azure DevOps for the session, and the product's own adapters on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.azure_devops import DevOpsRest
from tests.devops.ado import Ado, serving


@pytest.fixture(scope="session")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ado]:
    with serving(tmp_path_factory.mktemp("ado")) as ado:
        yield ado


@pytest.fixture
def ado(organisation: Ado, monkeypatch: pytest.MonkeyPatch) -> Ado:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(organisation.ca))
    return organisation


@pytest.fixture
def rest(ado: Ado) -> DevOpsRest:
    return DevOpsRest(ado, ado.base, ado.base)


@pytest.fixture
def payloads() -> Path:
    return Path(__file__).parents[1] / "payloads" / "ado"
