"""The Azure CLI, as the pipelines call it. No other module starts a process."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any


class AzureRefused(RuntimeError):
    """The CLI ended with an error; the message is what it said last."""


def az(*arguments: str) -> Any:
    """The JSON that `az` answers. Raises AzureRefused."""
    command = ["az", *arguments, "--only-show-errors", "--output", "json"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        raise AzureRefused(
            process.stderr.strip().splitlines()[-1] if process.stderr.strip() else "az ended with an error"
        )
    return json.loads(process.stdout) if process.stdout.strip() else None


def what_if(order: dict[str, Any]) -> dict[str, Any]:
    """What one deployment would change."""
    return dict(_deployment(order, "what-if", "--no-pretty-print", "--result-format", "FullResourcePayloads"))


def deploy(order: dict[str, Any], name: str) -> dict[str, Any]:
    """Carry out one deployment; its outputs by name."""
    deployment = _deployment(order, "create", "--name", name)
    outputs = deployment["properties"].get("outputs") or {}
    return {key: value["value"] for key, value in outputs.items()}


def outputs_of(order: dict[str, Any], name: str) -> dict[str, Any] | None:
    """The outputs of the last deployment called *name*; None where there is none yet."""
    deployment = _last(order, name)
    if deployment is None:
        return None
    outputs = deployment["properties"].get("outputs") or {}
    return {key: value["value"] for key, value in outputs.items()}


def resources_of(order: dict[str, Any], name: str) -> list[str]:
    """The ids of what the last deployment called *name* has made; none where there was none."""
    deployment = _last(order, name) or {"properties": {}}
    return [str(resource["id"]) for resource in deployment["properties"].get("outputResources") or ()]


def delete(resource: str) -> None:
    """Delete the resource with the id *resource*, which may be gone already."""
    try:
        az("resource", "delete", "--ids", resource)
    except AzureRefused as refusal:
        if "NotFound" not in str(refusal):
            raise


def federate(client: str, name: str, issuer: str, subject: str) -> bool:
    """Let the identity *client* trust *subject* of *issuer*; False where it does already."""
    found = [each for each in az("identity", "list") if each["clientId"] == client]
    if not found:
        raise AzureRefused(f"there is no identity with the client id {client} where this connection may look")
    place = ("--identity-name", found[0]["name"], "--resource-group", found[0]["resourceGroup"])
    credentials = az("identity", "federated-credential", "list", *place)
    if any((each["issuer"], each["subject"]) == (issuer, subject) for each in credentials):
        return False
    values = ("--issuer", issuer, "--subject", subject, "--audiences", "api://AzureADTokenExchange")
    az("identity", "federated-credential", "create", *place, "--name", name, *values)
    return True


def _last(order: dict[str, Any], name: str) -> Any:
    """The last deployment called *name*; None where there is none."""
    try:
        return az("deployment", "group", "show", *_place(order), "--name", name)
    except AzureRefused as refusal:
        if "NotFound" in str(refusal):
            return None
        raise


def _deployment(order: dict[str, Any], verb: str, *options: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        parameters = Path(folder) / "parameters.json"
        parameters.write_text(json.dumps(order["parameters"]), encoding="utf-8")
        arguments = (*_place(order), "--template-file", order["template"], "--parameters", f"@{parameters}")
        return az("deployment", "group", verb, *arguments, *options)


def _place(order: dict[str, Any]) -> tuple[str, ...]:
    return "--subscription", order["subscription"], "--resource-group", order["resourceGroup"]
