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
    try:
        deployment = az("deployment", "group", "show", *_place(order), "--name", name)
    except AzureRefused as refusal:
        if "NotFound" in str(refusal):
            return None
        raise
    outputs = deployment["properties"].get("outputs") or {}
    return {key: value["value"] for key, value in outputs.items()}


def _deployment(order: dict[str, Any], verb: str, *options: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        parameters = Path(folder) / "parameters.json"
        parameters.write_text(json.dumps(order["parameters"]), encoding="utf-8")
        arguments = (*_place(order), "--template-file", order["template"], "--parameters", f"@{parameters}")
        return az("deployment", "group", verb, *arguments, *options)


def _place(order: dict[str, Any]) -> tuple[str, ...]:
    return "--subscription", order["subscription"], "--resource-group", order["resourceGroup"]
