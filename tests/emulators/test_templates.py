"""What a template must be to be deployed: what cannot be parsed is refused, and what is not evaluated answers 501."""

from typing import Any

import pytest

from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.resource_manager.templates import read_template

GROUP = "/subscriptions/s/resourceGroups/g"
ACCOUNT, VAULT = "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"
HEAD = {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"}
FULL = {**HEAD, "contentVersion": "1.0.0.0"}


def account(**more: Any) -> dict[str, Any]:
    return {"type": ACCOUNT, "apiVersion": "2025-08-01", "name": "stteam", "properties": {}, **more}


def vault(**more: Any) -> dict[str, Any]:
    return {"type": VAULT, "apiVersion": "2025-05-01", "name": "kv-team", "properties": {}, **more}


def template(*rows: Any, **more: Any) -> dict[str, Any]:
    return {**FULL, "resources": list(rows), **more}


def nested(inner: Any, **more: Any) -> dict[str, Any]:
    properties = {"mode": "Incremental", "template": inner, **more}
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2024-03-01",
        "name": "inner",
        "properties": properties,
    }


INVALID = {
    "no object": [],
    "no schema": {"contentVersion": "1.0.0.0", "resources": []},
    "no version": {**HEAD, "resources": []},
    "a strange member": template(colour="red"),
    "a resource that is none": template("text"),
    "resources that are none": template() | {"resources": "all"},
    "a number for a name": template(account(name=3)),
    "a dependency on nothing": template(account(dependsOn=["kv-team"])),
    "a dependency on itself": template(account(dependsOn=["stteam"])),
    "a dependency on an end": template(account(dependsOn=["other-kv-team"]), vault()),
    "dependencies that are none": template(account(dependsOn="kv-team"), vault()),
    "an output without a type": template(outputs={"a": {"value": 1}}),
    "an output that is none": template(outputs={"a": 1}),
    "outputs that are none": template(outputs=[1]),
    "a nested mode": template(nested(template(account()), mode="Complete")),
    "a nested head": template(nested({"resources": []})),
    "nothing nested": template({**nested(None), "properties": None}),
    "a nested text": template(nested("text")),
}
UNEVALUATED = {
    "an expression for the type": template(account(type="[variables('type')]")),
    "for the version": template(account(apiVersion="[variables('version')]")),
    "for the scope": template(account(scope="[resourceGroup().id]")),
    "for a dependency": template(account(dependsOn=["[resourceId('a', 'b')]"])),
    "for the name of a property": template(account(tags={"[parameters('tag')]": "a"})),
    "in a list": template(account(properties={"a": [{"b": "[parameters('c')]"}]})),
    "for an output": template(outputs={"a": {"type": "string", "value": "[parameters('c')]"}}),
    "functions": template(functions=[{"namespace": "own"}]),
    "resources within": template(account(resources=[vault()])),
    "nested parameters": template(nested(template(account(), parameters={"a": {"type": "string"}}))),
    "values for them": template(nested(template(account()), parameters={"a": {"value": 1}})),
    "a nested link": template({**nested(None), "properties": {"mode": "Incremental", "templateLink": {"uri": "u"}}}),
    "a nested output": template(nested(template(outputs={"a": {"type": "string", "value": "[parameters('c')]"}}))),
    "symbols": template() | {"resources": {"a": account()}},
}


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_what_cannot_be_parsed_is_invalid(body: Any) -> None:
    with pytest.raises(Refusal) as refusal:
        read_template({"template": body}, GROUP)
    assert (refusal.value.status, refusal.value.code) == (400, "InvalidTemplate"), str(refusal.value)


@pytest.mark.parametrize("body", UNEVALUATED.values(), ids=UNEVALUATED)
def test_what_is_not_evaluated_is_said(body: Any) -> None:
    with pytest.raises(Refusal) as refusal:
        read_template({"template": body}, GROUP)
    assert refusal.value.status == 501, str(refusal.value)


def test_dependencies_are_named_by_name_by_type_and_by_id() -> None:
    ids = ["kv-team", f"{VAULT}/kv-team", f"{GROUP}/providers/{VAULT}/KV-team"]
    read = read_template({"template": template(account(dependsOn=ids), vault())}, GROUP)
    assert [wanted.resource.id.rpartition("/")[2] for wanted in read.resources] == ["stteam", "kv-team"]
    inner = nested(template(vault()))
    read = read_template({"template": template(account(dependsOn=["inner"]), inner, apiProfile="p")}, GROUP)
    assert len(read.resources) == 2
