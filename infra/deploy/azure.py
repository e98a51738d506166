"""The Azure CLI, as the pipelines call it. No other module starts a process."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What a template does not name any more stays, and is no longer managed: it may hold data. A plan says so before.
# Nobody deletes what a stack manages but through the stack; Azure ML writes to it, which this denies to nobody.
_STACK = ("--action-on-unmanage", "detachAll", "--deny-settings-mode", "denyDelete", "--yes")

_ROLE = "/providers/microsoft.authorization/roleassignments/"


class AzureRefused(RuntimeError):
    """The CLI ended with an error; the message is what it said last."""

    @property
    def is_missing(self) -> bool:
        """Whether what was asked for is not there. The CLI looks a stack up itself, and says so in other words."""
        return "notfound" in str(self).replace(" ", "").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A stack: its *outputs*, the ids of the *resources* that it manages, and of those whose deletion *failed*."""

    outputs: dict[str, Any]
    resources: tuple[str, ...]
    failed: tuple[str, ...]


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
    """What one deployment would change. Who plans may only read: what is written is allowed or refused when it is."""
    options = ("--no-pretty-print", "--result-format", "FullResourcePayloads", "--validation-level", "ProviderNoRbac")
    return dict(_send(order, "deployment", "group", "what-if", *options))


def deploy_stack(order: dict[str, Any], name: str, plan: str) -> dict[str, Any]:
    """Make or update the stack called *name*, which says by which *plan*; its outputs by name."""
    return _outputs(_send(order, "stack", "group", "create", "--name", name, *_STACK, "--description", f"plan {plan}"))


def find_stack(order: dict[str, Any], name: str) -> Standing | None:
    """The stack called *name*; None where there is none yet."""
    try:
        stack = az("stack", "group", "show", *_place(order), "--name", name)
    except AzureRefused as refusal:
        if refusal.is_missing:
            return None
        raise
    resources, failed = (
        tuple(str(row["id"]) for row in _content(stack).get(part) or ()) for part in ("resources", "failedResources")
    )
    return Standing(outputs=_outputs(stack), resources=resources, failed=failed)


def stack_id(order: dict[str, Any], name: str) -> str:
    group = f"/subscriptions/{order['subscription']}/resourceGroups/{order['resourceGroup']}"
    return f"{group}/providers/Microsoft.Resources/deploymentStacks/{name}"


def delete_stack(order: dict[str, Any], name: str) -> tuple[str, ...]:
    """With what it manages; the ids of what it had to leave. It may be gone already.

    The account of a hub is locked against deletion, and so are the roles that a team's identities have in it. They give
    nothing to anybody once these identities are gone, so that a stack which has nothing else left ends without them.
    """
    try:
        _delete(order, name, "deleteResources")
    except AzureRefused:
        standing = find_stack(order, name)
        group = stack_id(order, name).partition("/providers/")[0].lower()
        left = () if standing is None else standing.failed
        if not left or not all(_ROLE in each.lower() and not each.lower().startswith(f"{group}/") for each in left):
            raise
        _delete(order, name, "detachAll")
        return left
    return ()


def _delete(order: dict[str, Any], name: str, action: str) -> None:
    try:
        az("stack", "group", "delete", *_place(order), "--name", name, "--action-on-unmanage", action, "--yes")
    except AzureRefused as refusal:
        if not refusal.is_missing:
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


def _content(document: Any) -> dict[str, Any]:
    """Of a stack: the CLI has shown it at the top until now, and Azure has it in `properties`."""
    return dict(document.get("properties") or document)


def _outputs(document: Any) -> dict[str, Any]:
    return {key: value["value"] for key, value in (_content(document).get("outputs") or {}).items()}


def _send(order: dict[str, Any], *words: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        parameters = Path(folder) / "parameters.json"
        parameters.write_text(json.dumps(order["parameters"]), encoding="utf-8")
        template = ("--template-file", order["template"], "--parameters", f"@{parameters}")
        return az(*words[:3], *_place(order), *template, *words[3:])


def _place(order: dict[str, Any]) -> tuple[str, ...]:
    return "--subscription", order["subscription"], "--resource-group", order["resourceGroup"]
