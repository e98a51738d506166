"""A change of a resource of Azure ML: written back whole, waited for, read again, compared."""

from typing import Any

import pytest
from azure.core.credentials import AccessToken

from shared.adapters.azure_ml.arm import Arm
from shared.domain.failures import Refused, Transient

RAW: dict[str, Any] = {
    "id": "/e",
    "name": "e",
    "type": "t",
    "systemData": {"createdBy": "ada"},
    "location": "westeurope",
    "identity": {"type": "UserAssigned", "principalId": "p", "userAssignedIdentities": {"/u": {"clientId": "c"}}},
    "properties": {
        "authMode": "Key",
        "publicNetworkAccess": "Disabled",
        "invented": {"in": 2030},
        "traffic": {"v1": 100},
        "scoringUri": "https://x",
        "keys": None,
        "provisioningState": "Succeeded",
    },
}


class Nobody:
    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken("x", 2**31)


class Service(Arm):
    """Is in *state* after a PUT, and keeps what was put, but for what it *loses*."""

    def __init__(self, state: str = "Succeeded", loses: str = "") -> None:
        super().__init__(Nobody(), "https://arm")
        self.state, self.loses = state, loses
        self.written: dict[str, Any] = {}

    def put(self, path: str, body: dict[str, Any], what: str) -> dict[str, Any]:
        self.written = body
        return self.get(path, what) or {}

    def get(self, path: str, what: str) -> dict[str, Any] | None:
        kept = {name: value for name, value in self.written["properties"].items() if name != self.loses}
        return self.written | {"properties": kept | {"provisioningState": self.state}}


def test_everything_that_can_be_written_is_written_back() -> None:
    service = Service()
    service.change("/e", RAW, {"traffic": {"v1": 0, "v2": 100}}, "change e")

    assert service.written == {
        "location": "westeurope",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/u": {}}},
        "properties": {
            "authMode": "Key",
            "publicNetworkAccess": "Disabled",
            "invented": {"in": 2030},
            "traffic": {"v1": 0, "v2": 100},
        },
    }


def test_a_change_is_waited_for_and_not_begun_again() -> None:
    service, wanted = Service("Updating"), {"traffic": {"v1": 0, "v2": 100}}
    with pytest.raises(Transient, match="has not settled"):
        service.change("/e", RAW, wanted, "change e")
    begun = service.get("/e", "look") or {}
    with pytest.raises(Transient, match="is Updating"):
        service.change("/e", begun, wanted, "change e")
    service.state, settled = (
        "Succeeded",
        begun | {"properties": begun["properties"] | {"provisioningState": "Succeeded"}},
    )
    service.written = {}
    service.change("/e", settled, wanted, "change e")
    assert not service.written


@pytest.mark.parametrize(
    ("service", "error", "reason"),
    [
        (Service(loses="publicNetworkAccess"), Refused, "publicNetworkAccess"),
        (Service("Updating", loses="publicNetworkAccess"), Refused, "publicNetworkAccess"),
        (Service("Failed"), Refused, "its state is Failed"),
    ],
)
def test_a_change_that_came_out_otherwise_is_an_error(service: Service, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        service.change("/e", RAW, {"traffic": {"v2": 100}}, "change e")


def test_a_resource_that_is_being_changed_is_left_alone() -> None:
    busy = RAW | {"properties": RAW["properties"] | {"provisioningState": "Updating"}}
    service = Service("Updating")
    with pytest.raises(Transient, match="is Updating"):
        service.change("/e", busy, {"traffic": {}}, "change e")
    assert not service.written


def test_a_change_that_is_not_shown_yet_is_asked_for_again() -> None:
    service = Service(loses="traffic")

    assert not service.advance_change("/e", RAW, {"traffic": {"v2": 100}}, "change e")
    service.loses = ""
    assert service.advance_change("/e", RAW, {"traffic": {"v2": 100}}, "change e")


def test_the_services_own_note_of_its_last_operation_is_no_difference() -> None:
    raw = RAW | {"properties": RAW["properties"] | {"properties": {"owner": "ada", "AzureAsyncOperationUri": "/1"}}}
    service = Noting()

    assert service.advance_change("/e", raw, {"traffic": {"v2": 100}}, "change e")
    assert service.written["properties"]["properties"]["owner"] == "ada"


class Noting(Service):
    def get(self, path: str, what: str) -> dict[str, Any] | None:
        raw = super().get(path, what) or {}
        own = raw["properties"]["properties"] | {"AzureAsyncOperationUri": "/2"}
        return raw | {"properties": raw["properties"] | {"properties": own}}
