"""`python -m infra.local ARGUMENTS OF AZ`: answers as `az` does, by what the local Resource Manager says."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.check.evaluation import evaluate
from infra.check.findings import TemplateError
from infra.check.judgement import committed_files
from infra.check.language.parser import parse
from infra.check.values import Deployment
from infra.local import manager, templates

_FOLDER = Path(__file__).parents[1]
_DEPLOYMENTS, _STACKS = "Microsoft.Resources/deployments", "Microsoft.Resources/deploymentStacks"
_ACTIONS = {"detachAll": ("detach", "detach"), "deleteResources": ("delete", "detach")}
Options = dict[str, str]


class NotServed(RuntimeError):
    """The pipelines have asked for something that is not imitated here."""


def main(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    try:
        answer = _command(words)(_options(arguments))
    except (NotServed, TemplateError, OSError) as refusal:
        sys.stderr.write(f"ERROR: {refusal}\n")
        return 1
    if answer is not None:
        sys.stdout.write(json.dumps(answer))
    return 0


def _command(words: list[str]) -> Callable[[Options], Any]:
    for names, command in _COMMANDS.items():
        if words[: len(names.split())] == names.split():
            return command
    raise NotServed(f"'{' '.join(words[:3])}' is not imitated on one machine")


def _build(options: Options) -> None:
    path = Path(options["--file"])
    parse(path.read_text(encoding="utf-8"), path.name)


def _what_if(options: Options) -> Any:
    template = _template(options)
    settings = {"resultFormat": options["--result-format"]}
    properties = {"mode": "Incremental", "template": template, "validationLevel": options["--validation-level"]}
    body = {"properties": {**properties, "whatIfSettings": settings}}
    result = manager.follow("POST", f"{_place(options, _DEPLOYMENTS, 'plan')}/whatIf", body)
    return {"status": result["status"], **result["properties"]}


def _create_stack(options: Options) -> Any:
    resources, groups = _ACTIONS[options["--action-on-unmanage"]]
    properties = {
        "template": _template(options),
        "actionOnUnmanage": {"resources": resources, "resourceGroups": groups},
        "denySettings": {"mode": options["--deny-settings-mode"]},
        "description": options["--description"],
    }
    return _flat(manager.send("PUT", _place(options, _STACKS), {"properties": properties}))


def _show_stack(options: Options) -> Any:
    return _flat(manager.send("GET", _place(options, _STACKS)))


def _delete_stack(options: Options) -> None:
    resources, _ = _ACTIONS[options["--action-on-unmanage"]]
    _show_stack(options)  # As the CLI does, which says that a stack is not there.
    manager.send("DELETE", _place(options, _STACKS), None, **{"unmanageAction.Resources": resources})


def _flat(stack: dict[str, Any]) -> dict[str, Any]:
    """A stack as the CLI shows it: its properties beside its name."""
    return {**{name: value for name, value in stack.items() if name != "properties"}, **stack["properties"]}


def _identities(_: Options) -> Any:
    return [
        {
            "clientId": templates.made_up(f"<{row['id']}#properties.clientId>"),
            **row["properties"],
            "name": row["name"],
            "resourceGroup": row["id"].split("/")[4],
        }
        for row in manager.send("GET", f"{_scope()}/providers/{manager.IDENTITY}")["value"]
    ]


def _credentials(options: Options) -> Any:
    rows = manager.send("GET", _trust(options))["value"]
    return [{"name": row["name"], **row["properties"]} for row in rows]


def _trust_subject(options: Options) -> Any:
    values = {name: options[f"--{name}"] for name in ("issuer", "subject")}
    properties = {**values, "audiences": [options["--audiences"]]}
    return manager.send("PUT", f"{_trust(options)}/{options['--name']}", {"properties": properties})


def _trust(options: Options) -> str:
    group = f"{_scope()}/resourceGroups/{options['--resource-group']}"
    return f"{group}/providers/{manager.IDENTITY}/{options['--identity-name']}/federatedIdentityCredentials"


def _scope() -> str:
    """The subscription of the login, where none is named."""
    return f"/subscriptions/{os.environ['SIGNALBOX_LOCAL_SUBSCRIPTION']}"


_COMMANDS: dict[str, Callable[[Options], Any]] = {
    "bicep build": _build,
    "deployment group what-if": _what_if,
    "stack group create": _create_stack,
    "stack group show": _show_stack,
    "stack group delete": _delete_stack,
    "identity list": _identities,
    "identity federated-credential list": _credentials,
    "identity federated-credential create": _trust_subject,
}


def _template(options: Options) -> dict[str, Any]:
    raw = json.loads(Path(options["--parameters"].removeprefix("@")).read_text(encoding="utf-8"))["parameters"]
    values = {name: row["value"] for name, row in raw.items()}
    template = options["--template-file"].removeprefix("infra/")
    place = Deployment(
        subscription=options["--subscription"],
        group=options["--resource-group"],
        location=values.get("location", ""),
    )
    return templates.arm_template(evaluate(committed_files(_FOLDER), template, values, place), place.id)


def _place(options: Options, kind: str, name: str = "") -> str:
    group = f"/subscriptions/{options['--subscription']}/resourceGroups/{options['--resource-group']}"
    return f"{group}/providers/{kind}/{name or options['--name']}"


def _options(arguments: list[str]) -> Options:
    """Each option with the word after it; of a switch, which has none, that is meaningless."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return {name: value for name, value in pairs if name.startswith("--")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
