"""Deployments, what-if and stacks: by `azure-mgmt-resource-deployments` and `-deploymentstacks`, over evaluated lists.

The list of the last test is what the repository's own template of a team comes to.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.check.installation import install
from infra.check.judgement import committed_files
from infra.check.values import Deployed
from infra.deploy.plans import changes_of
from tests.emulators.managed import AGENT, GROUP, SCOPE, VISITOR, Kept, Managed, refused

PROJECT = Path(__file__).parents[2]
STORE, STORE_VERSION = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stteam", "2025-08-01"
VAULT, VAULT_VERSION = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-team", "2025-05-01"
NONE: Mapping[str, Any] = {"mode": "none"}


@pytest.fixture
def own(managed: Managed) -> Kept:
    managed.resources().resource_groups.create_or_update("rg-team", {"location": "westeurope"})
    return managed.kept()


def store(**properties: Any) -> dict[str, Any]:
    return row("Microsoft.Storage/storageAccounts", "stteam", STORE_VERSION, {"tls": "1.3", **properties})


def vault(**properties: Any) -> dict[str, Any]:
    return row("Microsoft.KeyVault/vaults", "kv-team", VAULT_VERSION, properties)


def row(kind: str, name: str, version: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    named = {"type": kind, "apiVersion": version, "name": name}
    return {**named, "location": "westeurope", "properties": dict(properties)}


def body(*rows: Mapping[str, Any], mode: str = "Incremental", **more: Any) -> dict[str, Any]:
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    template = {"$schema": schema, "contentVersion": "1.0.0.0", "resources": [dict(row) for row in rows]}
    return {"properties": {"mode": mode, "template": {**template, **more}}}


def stack(*rows: Mapping[str, Any], unmanage: str = "detach", deny: Mapping[str, Any] = NONE) -> dict[str, Any]:
    template = body(*rows)["properties"]["template"]
    actions = {"resources": unmanage, "resourceGroups": "detach"}
    return {"properties": {"template": template, "actionOnUnmanage": actions, "denySettings": dict(deny)}}


def changes(managed: Managed, content: Mapping[str, Any]) -> list[tuple[str, str]]:
    result = managed.deployments().begin_what_if("rg-team", "d", content).result()
    assert result.status == "Succeeded"
    return [(each.resource_id.rpartition("/")[2], each.change_type) for each in result.properties.changes]


def test_what_if_tells_what_a_deployment_then_does(managed: Managed, own: Kept) -> None:
    deployments, wanted = managed.deployments(), body(store(), vault(), outputs={"n": {"type": "int", "value": 3}})
    assert changes(managed, wanted) == [("kv-team", "Create"), ("stteam", "Create")]
    assert own.names("rg-team") == []
    made = deployments.begin_create_or_update("rg-team", "d", wanted).result()
    assert made.properties.provisioning_state == "Succeeded"
    assert made.properties.outputs == {"n": {"type": "Int", "value": 3}}
    assert [each.id for each in deployments.get("rg-team", "d").properties.output_resources] == [STORE, VAULT]
    assert changes(managed, wanted) == [("kv-team", "NoChange"), ("stteam", "NoChange")]
    own.patch(STORE, STORE_VERSION, {"properties": {"tls": "1.0", "by": "hand"}})
    assert changes(managed, body(store())) == [("kv-team", "Ignore"), ("stteam", "Modify")]
    assert changes(managed, body(store(), mode="Complete")) == [("kv-team", "Delete"), ("stteam", "Modify")]
    result = deployments.begin_what_if("rg-team", "d", body(store())).result()
    (delta,) = result.properties.changes[1].delta
    paths = [(each.path, each.property_change_type, each.before, each.after) for each in delta.children]
    assert (delta.path, paths) == ("properties", [("by", "Delete", "hand", None), ("tls", "Modify", "1.0", "1.3")])
    deployments.begin_create_or_update("rg-team", "d", body(store(), mode="Complete")).result()
    assert own.names("rg-team") == ["stteam"]
    assert refused(deployments.get, "rg-team", "none") == (404, "DeploymentNotFound")


def test_what_is_no_evaluated_list_is_not_deployed(managed: Managed, own: Kept) -> None:
    def answer(content: Mapping[str, Any]) -> tuple[int, str]:
        return refused(managed.deployments().begin_create_or_update, "rg-team", "d", content)

    assert answer(body({**store(), "name": "[parameters('name')]"})) == (501, "NotImplemented")
    assert answer(body(store(), parameters={"a": {"type": "string"}})) == (501, "NotImplemented")
    assert answer(body({**store(), "condition": False})) == (501, "NotImplemented")
    assert answer(body(row("Microsoft.Compute/disks", "d", "2024-03-02", {}))) == (501, "NotImplemented")
    assert answer(body(store(), store())) == (400, "InvalidTemplate")
    assert answer(body({**store(), "name": "a/b"})) == (400, "InvalidTemplate")
    assert answer(body({**store(), "apiVersion": "1999-01-01"})) == (400, "NoRegisteredProviderFound")
    assert answer(body(store(), mode="Sometimes")) == (400, "BadRequest")
    assert own.names("rg-team") == []
    visitor = managed.deployments(VISITOR)
    assert refused(visitor.begin_create_or_update, "rg-team", "d", body(store())) == (403, "AuthorizationFailed")


def test_who_may_only_read_plans_without_being_asked_for_the_right_to_write(managed: Managed, own: Kept) -> None:
    visitor, wanted = managed.deployments(VISITOR).begin_what_if, body(store())
    name, planner = "00000000-0000-0000-0000-0000000000c2", "adb29209-aa1d-457b-a786-c913953d2891"
    assert refused(visitor, "rg-team", "d", wanted) == (403, "AuthorizationFailed")  # Reader alone plans nothing.
    give(managed, name, planner)
    assert refused(visitor, "rg-team", "d", wanted) == (403, "AuthorizationFailed")
    wanted["properties"]["validationLevel"] = "ProviderNoRbac"
    assert [each.change_type for each in visitor("rg-team", "d", wanted).result().properties.changes] == ["Create"]
    wanted["properties"]["validationLevel"] = "None"
    assert refused(visitor, "rg-team", "d", wanted) == (400, "BadRequest")
    assert own.names("rg-team") == []


def give(managed: Managed, name: str, role: str) -> None:
    """The visitor has the built-in *role* in the group."""
    properties = {
        "roleDefinitionId": f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        "principalId": VISITOR.oid,
        "principalType": "User",
    }
    path = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{name}"
    assert managed.ask("PUT", path, "2022-04-01", {"properties": properties}).status_code == 201


def test_a_stack_takes_away_what_its_template_does_not_name_any_more(managed: Managed, own: Kept) -> None:
    stacks = managed.stacks()

    def put(content: Mapping[str, Any]) -> Any:
        return stacks.begin_create_or_update_at_resource_group("rg-team", "team", content).result()

    made = put(stack(store(), vault()))
    assert [(each.id, each.status, each.deny_status) for each in made.properties.resources] == [
        (STORE, "managed", "none"),
        (VAULT, "managed", "none"),
    ]
    detached = put(stack(store()))
    assert [each.id for each in detached.properties.detached_resources] == [VAULT]
    assert own.stands(VAULT, VAULT_VERSION)
    put(stack(store(), vault()))
    deleted = put(stack(store(), unmanage="delete"))
    assert [each.id for each in deleted.properties.deleted_resources] == [VAULT]
    assert own.names("rg-team") == ["stteam"]
    other = stacks.begin_create_or_update_at_resource_group
    assert refused(other, "rg-team", "other", stack(store())) == (409, "DeploymentStackInConflict")
    assert [each.name for each in stacks.list_at_resource_group("rg-team")] == ["team"]
    stacks.begin_delete_at_resource_group("rg-team", "team", unmanage_action_resources="delete").result()
    assert own.names("rg-team") == []
    assert refused(stacks.get_at_resource_group, "rg-team", "team")[0] == 404


def test_a_stack_denies_the_deletion_of_what_it_manages_to_everybody_but_the_excluded(
    managed: Managed, own: Kept
) -> None:
    stacks = managed.stacks()

    def put(deny: Mapping[str, Any]) -> None:
        stacks.begin_create_or_update_at_resource_group("rg-team", "team", stack(store(), deny=deny)).result()

    put({"mode": "denyDelete"})
    denied = (403, "DenyAssignmentAuthorizationFailed")
    assert refused(own.delete, STORE, STORE_VERSION) == denied
    assert refused(managed.resources().resource_groups.begin_delete, "rg-team") == denied
    own.patch(STORE, STORE_VERSION, {"properties": {"by": "hand"}})
    put({"mode": "denyWriteAndDelete"})
    assert refused(own.patch, STORE, STORE_VERSION, {"properties": {"by": "hand"}}) == denied
    deployments = managed.deployments()
    assert refused(deployments.begin_create_or_update, "rg-team", "d", body(store())) == denied
    put({"mode": "denyWriteAndDelete", "excludedActions": ["Microsoft.Storage/storageAccounts/write"]})
    own.patch(STORE, STORE_VERSION, {"properties": {"by": "hand"}})
    assert refused(own.delete, STORE, STORE_VERSION) == denied
    put({"mode": "denyDelete", "excludedPrincipals": [AGENT.oid]})
    own.delete(STORE, STORE_VERSION)
    create = stacks.begin_create_or_update_at_resource_group
    wrong = (400, "InvalidDeploymentStackDefinition")
    assert refused(create, "rg-team", "x", stack(store(), deny={"mode": "sometimes"})) == wrong
    assert refused(create, "rg-team", "x", stack(store(), unmanage="purge")) == wrong


def test_what_a_stack_denies_is_for_its_owners_to_say_and_not_for_contributors(managed: Managed, own: Kept) -> None:
    give(managed, "00000000-0000-0000-0000-0000000000c1", "b24988ac-6180-42a0-ab88-20f7382dd24c")  # Contributor.
    stacks, denied = managed.stacks(VISITOR), stack(store(), deny={"mode": "denyDelete"})
    create, delete = stacks.begin_create_or_update_at_resource_group, stacks.begin_delete_at_resource_group
    assert refused(create, "rg-team", "team", denied) == (403, "AuthorizationFailed")
    create("rg-team", "team", stack(store())).result()
    managed.stacks().begin_create_or_update_at_resource_group("rg-team", "team", denied).result()
    assert refused(delete, "rg-team", "team", unmanage_action_resources="delete") == (403, "AuthorizationFailed")
    assert own.stands(STORE, STORE_VERSION)


def test_a_lock_keeps_what_a_stack_would_delete_and_the_stack_says_so(managed: Managed, own: Kept) -> None:
    stacks, locks = managed.stacks(), managed.locks()
    create = stacks.begin_create_or_update_at_resource_group
    create("rg-team", "team", stack(store(), vault())).result()
    locks.create_or_update_by_scope(VAULT, "keep", {"level": "CanNotDelete"})
    kept = create("rg-team", "team", stack(store(), unmanage="delete")).result()
    (failure,) = kept.properties.failed_resources
    assert (kept.properties.provisioning_state, failure.id) == ("failed", VAULT)
    assert "is locked" in failure.error.message
    delete = stacks.begin_delete_at_resource_group
    assert refused(delete, "rg-team", "team", unmanage_action_resources="delete") == (
        409,
        "DeploymentStackDeleteResourcesFailed",
    )
    locks.delete_by_scope(VAULT, "keep")
    gone = create("rg-team", "team", stack(store(), unmanage="delete")).result()
    assert [each.id for each in gone.properties.deleted_resources] == [VAULT]
    assert own.names("rg-team") == ["stteam"]


def test_what_our_template_comes_to_is_deployed_as_a_stack_and_a_second_plan_is_empty(managed: Managed) -> None:
    files = committed_files(PROJECT / "infra")
    installed = install(files, "parameters/open.json")
    resources = [
        each
        for each in installed.evaluations["team:experiment"].resources
        if not each.existing and each.type != "Microsoft.Authorization/roleAssignments"
        if "/eventSubscriptions" not in each.type
    ]
    group = resources[0].deployment.id
    content = stack(*(evaluated(each, group) for each in resources), deny={"mode": "denyDelete"})
    name = group.rpartition("/")[2]
    managed.resources().resource_groups.create_or_update(name, {"location": "westeurope"})
    plan = {"properties": {"mode": "Incremental", "template": content["properties"]["template"]}}

    def planned() -> Any:
        result = managed.deployments().begin_what_if(name, "signalbox", plan).result().as_dict()
        return changes_of({"status": result["status"], "changes": result["properties"]["changes"]})

    assert {change.kind for change in planned()} == {"Create"}
    assert len(planned()) == len(resources)
    managed.stacks().begin_create_or_update_at_resource_group(name, "experiment", content).result()
    assert planned() == ()
    workspace = next(each for each in resources if each.type.endswith("/workspaces"))
    managed.kept().patch(workspace.id, workspace.version, {"properties": {"publicNetworkAccess": "Disabled"}})
    (change,) = planned()
    assert (change.kind, change.paths) == ("Modify", ("properties.publicNetworkAccess",))


def evaluated(resource: Deployed, group: str) -> dict[str, Any]:
    """A resource as a template carries it that has no expressions any more."""
    named = {"type": resource.type, "apiVersion": resource.version, "name": resource.name}
    scope = {"scope": resource.scope} if resource.scope else {}
    assert resource.deployment.id == group
    return {**named, **scope, **resource.body}
