"""The records in a storage account of their own, and who may write there, with the real clients and the emulators."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.clients import Clients
from shared.domain.configuration import StateAccount
from shared.domain.failures import Refused
from shared.settings import read_settings
from signalbox.emulators.tokens import PRINCIPAL
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.emulator_settings import storage_account_id
from tests.emulators.services import storage

pytestmark = pytest.mark.xdist_group("storage-emulator")
STATE, OTHER = "signalbox", "stdev"
CONTAINER = f"{storage_account_id('datahub')}/blobServices/default/containers/{STATE}"


@pytest.fixture
def clients(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """The app's clients, with the records in another account than the hub."""
    for name, value in cloud.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    clients = Clients(read_settings())
    clients.configuration = replace(clients.configuration, state_account=StateAccount(name=OTHER))
    with storage(cloud.endpoints, OTHER) as other:
        if not other.get_container_client(STATE).exists():
            other.create_container(STATE)
    return clients


def names(cloud: LocalCloud, account: str) -> set[str]:
    with storage(cloud.endpoints, account) as service:
        return set(service.get_container_client(STATE).list_blob_names())


def test_records_are_in_their_account_and_files_in_the_hub(cloud: LocalCloud, clients: Clients) -> None:
    before = names(cloud, "datahub")
    clients.ledger.record("a-key", {"done": True})
    clients.hub.create("landing", "a/file.csv", b"id\n")
    blob = clients.hub.find("landing", "a/file.csv")
    assert blob is not None

    assert names(cloud, "datahub") == before
    assert names(cloud, OTHER) != set()
    assert clients.ledger.find("a-key") == {"done": True}
    # Between the accounts nothing is copied by the service, which has no token of ours for the one it reads from.
    assert clients.hub.copy(blob, STATE, "copied.csv", {"from": "landing"})
    assert clients.hub.read(STATE, "copied.csv") == b"id\n"
    assert not clients.hub.copy(replace(blob, etag="0x0"), STATE, "stale.csv", {})
    with pytest.raises(Refused):
        clients.hub.create("nowhere", "x", b"")


def show(cloud: LocalCloud, **shown: Any) -> None:
    ends = cloud.endpoints
    url = f"{ends.resource_manager}/_control/shown"
    requests.put(url, json=shown, verify=str(ends.ca), timeout=10).raise_for_status()


def test_the_app_is_the_only_one_with_a_role_there(cloud: LocalCloud, clients: Clients) -> None:
    (own,) = clients.control.roles_given(CONTAINER)

    assert clients.control.own_principal() == own.principal == PRINCIPAL
    assert (own.kind, own.role, own.scope) == ("ServicePrincipal", "Storage Blob Data Contributor", CONTAINER)
    assert own.allows("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", data=True)
    assert not own.allows("Microsoft.Storage/storageAccounts/listKeys/action")
    assert clients.control.roles_given(storage_account_id(OTHER)) == ()


def test_a_role_that_nobody_can_look_up_keeps_its_id(cloud: LocalCloud, clients: Clients) -> None:
    """A custom role that was deleted, or is of another tenant: it allows nothing that could be named."""
    definition = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/custom"
    properties = {"roleDefinitionId": definition, "principalId": "p", "principalType": "Group", "scope": "/"}
    path = f"{CONTAINER}/providers/Microsoft.Authorization/roleAssignments"
    show(cloud, path=path, body={"value": [{"properties": properties}]})
    try:
        (role,) = clients.control.roles_given(CONTAINER)
    finally:
        show(cloud, path=path)
    assert (role.role, role.grants, role.scope) == (definition, (), "/")


@pytest.mark.parametrize(("value", "opened"), [(None, True), (True, True), (False, False)])
def test_an_account_that_does_not_say_so_is_opened_by_its_keys(
    cloud: LocalCloud, clients: Clients, value: bool | None, opened: bool
) -> None:
    path = storage_account_id("datahub")
    show(cloud, path=path, body={"id": path, "properties": {"allowSharedKeyAccess": value}})
    try:
        account = clients.control.find(path)
    finally:
        show(cloud, path=path)
    assert account is not None
    assert account.shared_key is opened


@pytest.mark.parametrize("state", ["Locked", "Unlocked", ""])
def test_the_policy_of_a_container_is_read_as_resource_manager_writes_it(
    cloud: LocalCloud, clients: Clients, state: str
) -> None:
    policy = {"immutabilityPeriodSinceCreationInDays": 365, "state": state, "allowProtectedAppendWrites": False}
    properties = {"hasImmutabilityPolicy": bool(state), "immutabilityPolicy": {"properties": policy} if state else None}
    show(cloud, path=CONTAINER, body={"id": CONTAINER, "properties": properties})
    try:
        container = clients.control.find(CONTAINER)
    finally:
        show(cloud, path=CONTAINER)
    assert container is not None
    assert container.immutability == state


def test_the_state_account_is_another_than_the_hubs(tmp_path: Path) -> None:
    from shared.config import ConfigurationError, load

    text = (Path(__file__).parents[2] / "signalbox.yaml").read_text()
    broken = text.replace("  state: signalbox\n", "  state: signalbox\n  state_account: {account: datahub}\n")
    path = Path(__file__).parents[2] / "signalbox.yaml"
    assert load(path).state_account is None
    (tmp_path / "signalbox.yaml").write_text(broken)
    with pytest.raises(ConfigurationError, match="the hub's own"):
        load(tmp_path / "signalbox.yaml")
