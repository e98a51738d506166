"""Resources, groups, locks and soft deletion as Azure has them: by `azure-mgmt-resource` and its client of locks."""

from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError

from tests.emulators.managed import GROUP, HUB, SCOPE, VISITOR, Kept, Managed, refused

WORKSPACES = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces"
VAULT, VAULT_VERSION = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-team", "2025-05-01"
STORE, STORE_VERSION = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stteam", "2025-08-01"
ML_VERSION = "2026-05-01"


@pytest.fixture
def own(managed: Managed) -> Kept:
    client = managed.resources()
    client.resource_groups.create_or_update("rg-team", {"location": "westeurope"})
    return managed.kept()


def vault(**properties: Any) -> dict[str, Any]:
    return {"location": "westeurope", "properties": {"tenantId": "t", **properties}}


def test_a_resource_is_kept_as_it_was_sent_changed_and_gone(managed: Managed, own: Kept) -> None:
    body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "properties": {"allowSharedKeyAccess": False}}
    made = own.put(STORE, STORE_VERSION, body)
    assert (made.id, made.type, made.sku.name) == (STORE, "Microsoft.Storage/storageAccounts", "Standard_LRS")
    assert own.stands(STORE, STORE_VERSION) is True
    own.patch(STORE, STORE_VERSION, {"properties": {"minimumTlsVersion": "TLS1_3"}})
    assert own.get(STORE.upper().replace("SUBSCRIPTIONS", "subscriptions"), STORE_VERSION).properties == {
        "allowSharedKeyAccess": False,
        "minimumTlsVersion": "TLS1_3",
        "provisioningState": "Succeeded",
    }
    assert own.names("rg-team") == ["stteam"]
    managed.stop()
    managed.start()
    again = managed.kept()
    assert again.get(STORE, STORE_VERSION).name == "stteam"
    again.delete(STORE, STORE_VERSION)
    assert again.stands(STORE, STORE_VERSION) is False
    with pytest.raises(ResourceNotFoundError):
        again.get(STORE, STORE_VERSION)


def test_what_azure_refuses_is_refused(managed: Managed, own: Kept) -> None:
    body = {"location": "westeurope", "properties": {}}
    put = own.put
    assert refused(put, STORE, "1999-01-01", body) == (400, "NoRegisteredProviderFound")
    elsewhere = STORE.replace("rg-team", "rg-none")
    assert refused(put, elsewhere, STORE_VERSION, body) == (404, "ResourceGroupNotFound")
    child = f"{WORKSPACES}/mlw-none/computes/cpu"
    assert refused(put, child, ML_VERSION, body) == (404, "ParentResourceNotFound")
    extension = f"{STORE}/providers/Microsoft.Insights/diagnosticSettings/all"
    assert refused(put, extension, "2021-05-01-preview", body) == (404, "ResourceNotFound")
    unknown = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm"
    assert refused(put, unknown, "2024-07-01", body) == (501, "NotImplemented")
    assert refused(put, HUB, STORE_VERSION, body) == (501, "NotImplemented")
    visitor = managed.kept(VISITOR)
    assert refused(visitor.put, STORE, STORE_VERSION, body) == (
        403,
        "AuthorizationFailed",
    )
    bare = managed.ask("GET", GROUP, "")
    assert bare.json()["error"]["code"] == "MissingApiVersionParameter"


def test_a_group_goes_with_what_is_in_it(managed: Managed, own: Kept) -> None:
    groups = managed.resources().resource_groups
    own.put(STORE, STORE_VERSION, {"location": "westeurope", "properties": {}})
    assert sorted(group.name for group in groups.list()) == ["rg-hub", "rg-team"]
    assert refused(groups.begin_delete, "rg-hub") == (409, "ResourceGroupBeingUsed")
    groups.begin_delete("rg-team")
    assert [group.name for group in groups.list()] == ["rg-hub"]
    assert refused(own.get, STORE, STORE_VERSION)[0] == 404


def test_a_lock_holds_what_is_below_it_and_what_is_above_it(managed: Managed, own: Kept) -> None:
    body, locks = {"location": "westeurope", "properties": {}}, managed.locks()
    own.put(STORE, STORE_VERSION, body)
    made = locks.create_or_update_by_scope(STORE, "keep", {"level": "CanNotDelete", "notes": "data of people"})
    assert (made.level, made.notes) == ("CanNotDelete", "data of people")
    own.put(STORE, STORE_VERSION, body)
    assert refused(own.delete, STORE, STORE_VERSION) == (409, "ScopeLocked")
    assert refused(managed.resources().resource_groups.begin_delete, "rg-team") == (409, "ScopeLocked")
    locks.create_or_update_by_scope(GROUP, "freeze", {"level": "ReadOnly"})
    assert refused(own.put, STORE, STORE_VERSION, body) == (409, "ScopeLocked")
    assert {lock.name for lock in locks.list_at_resource_group_level("rg-team")} == {"keep", "freeze"}
    assert refused(locks.create_or_update_by_scope, GROUP, "odd", {"level": "NotSpecified"}) == (400, "BadRequest")
    visitor = managed.locks(VISITOR)
    assert refused(visitor.delete_by_scope, STORE, "keep") == (403, "AuthorizationFailed")
    locks.delete_by_scope(GROUP, "freeze")
    locks.delete_by_scope(STORE, "keep")
    own.delete(STORE, STORE_VERSION)


def test_a_vault_that_is_deleted_keeps_its_name_and_can_be_recovered_or_purged(managed: Managed, own: Kept) -> None:
    put, key = own.put, f"{VAULT}/keys/approvals"
    put(VAULT, VAULT_VERSION, vault(enableSoftDelete=True))
    put(key, VAULT_VERSION, {"properties": {"kty": "EC"}})
    own.delete(VAULT, VAULT_VERSION)
    assert refused(own.get, VAULT, VAULT_VERSION)[0] == 404
    assert refused(put, VAULT, VAULT_VERSION, vault()) == (409, "ConflictError")
    managed.resources().resource_groups.create_or_update("rg-other", {"location": "westeurope"})
    elsewhere = VAULT.replace("rg-team", "rg-other")
    assert refused(put, elsewhere, VAULT_VERSION, vault()) == (409, "ConflictError")
    put(VAULT, VAULT_VERSION, vault(createMode="recover"))
    assert own.get(VAULT, VAULT_VERSION).properties["enableSoftDelete"] is True
    assert own.get(key, VAULT_VERSION).name == "approvals"
    assert refused(put, f"{VAULT}-2", VAULT_VERSION, vault(createMode="recover")) == (404, "VaultNotFound")
    own.delete(VAULT, VAULT_VERSION)
    assert managed.ask("GET", deleted("kv-team"), VAULT_VERSION).json()["properties"]["vaultId"] == VAULT
    assert managed.ask("POST", f"{deleted('kv-team')}/purge", VAULT_VERSION).status_code == 200
    put(VAULT, VAULT_VERSION, vault())


def test_a_vault_under_purge_protection_is_not_purged(managed: Managed, own: Kept) -> None:
    own.put(VAULT, VAULT_VERSION, vault(enablePurgeProtection=True))
    own.delete(VAULT, VAULT_VERSION)
    answer = managed.ask("POST", f"{deleted('kv-team')}/purge", VAULT_VERSION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "MethodNotAllowed")
    assert managed.ask("POST", f"{deleted('kv-none')}/purge", VAULT_VERSION).status_code == 404


def test_a_workspace_that_is_deleted_keeps_its_name_until_it_is_purged(managed: Managed, own: Kept) -> None:
    place, body = f"{WORKSPACES}/mlw-team", {"location": "westeurope", "properties": {}}
    own.put(place, ML_VERSION, body)
    own.delete(place, ML_VERSION)
    assert refused(own.put, place, ML_VERSION, body) == (409, "Conflict")
    assert managed.ask("DELETE", place, ML_VERSION, forceToPurge="true").status_code == 200
    own.put(place, ML_VERSION, body)


def test_what_is_not_served_says_so_at_once(managed: Managed, own: Kept) -> None:
    del own
    for method, path in (("POST", f"{STORE}/listKeys"), ("POST", f"{GROUP}/exportTemplate"), ("GET", f"{SCOPE}/tags")):
        answer = managed.ask(method, path, STORE_VERSION)
        assert answer.status_code == 501
        assert "does not serve" in answer.json()["error"]["message"]


def deleted(name: str) -> str:
    return f"{SCOPE}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{name}"
