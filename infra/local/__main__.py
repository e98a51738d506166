"""`python -m infra.local ARGUMENTS OF AZ`: answers as `az` does, from the file that SIGNALBOX_LOCAL_AZURE names."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from infra.check.evaluation import Evaluation, evaluate
from infra.check.findings import TemplateError
from infra.check.judgement import committed_files
from infra.check.language.parser import parse
from infra.check.values import Deployment
from infra.local.directory import give, take_away
from infra.local.estate import Estate

_FOLDER = Path(__file__).parents[1]


class NotServed(RuntimeError):
    """The pipelines have asked for something that is not imitated here, or that is not there."""


def main(arguments: list[str]) -> int:
    estate = Estate(Path(os.environ["SIGNALBOX_LOCAL_AZURE"]))
    words = [word for word in arguments if not word.startswith("-")]
    try:
        answer = _answer(estate, words, _options(arguments))
    except (NotServed, TemplateError, OSError) as refusal:
        sys.stderr.write(f"ERROR: {refusal}\n")
        return 1
    if answer is not None:
        sys.stdout.write(json.dumps(answer))
    return 0


def _answer(estate: Estate, words: list[str], options: dict[str, str]) -> Any:
    match words[:3]:
        case ["bicep", "build", *_]:
            path = Path(options["--file"])
            parse(path.read_text(encoding="utf-8"), path.name)
            return None
        case ["deployment", "group", "what-if"]:
            return {"status": "Succeeded", "changes": estate.changes(_resources(_evaluation(options)))}
        case ["deployment", "group", "create"]:
            evaluation = _evaluation(options)
            resources = _resources(evaluation)
            give(resources)
            return estate.deploy(options["--name"], _group(options), resources, dict(_plain(evaluation.outputs)))
        case ["deployment", "group", "show"]:
            found = estate.deployment(options["--name"], _group(options))
            if found is None:
                raise NotServed(f"(DeploymentNotFound) Deployment '{options['--name']}' could not be found.")
            return found
        case ["resource", "delete", *_]:
            if not estate.delete(options["--ids"]):
                raise NotServed(f"(ResourceNotFound) The resource '{options['--ids']}' was not found.")
            take_away(options["--ids"])
            return None
        case ["identity", "list", *_]:
            return estate.identities()
        case ["identity", "federated-credential", "list"]:
            return estate.credentials(options["--identity-name"])
        case ["identity", "federated-credential", "create"]:
            names = ("name", "issuer", "subject")
            return estate.trust(options["--identity-name"], {name: options[f"--{name}"] for name in names})
    raise NotServed(f"'{' '.join(words[:3])}' is not imitated on one machine")


def _resources(evaluation: Evaluation) -> dict[str, Any]:
    """What the template would send to Azure, by resource id."""
    return {each.id: _plain(each.body) for each in evaluation.resources if not each.existing}


def _plain(value: Any) -> Any:
    """As JSON; what only a deployment knows is the text that names it."""
    return json.loads(json.dumps(value, default=lambda reference: reference.runtime()))


def _evaluation(options: dict[str, str]) -> Evaluation:
    raw = json.loads(Path(options["--parameters"].removeprefix("@")).read_text(encoding="utf-8"))["parameters"]
    values = {name: row["value"] for name, row in raw.items()}
    template = options["--template-file"].removeprefix("infra/")
    place = Deployment(
        subscription=options["--subscription"],
        group=options["--resource-group"],
        location=values.get("location", ""),
    )
    return evaluate(committed_files(_FOLDER), template, values, place)


def _group(options: dict[str, str]) -> str:
    return f"/subscriptions/{options['--subscription']}/resourceGroups/{options['--resource-group']}"


def _options(arguments: list[str]) -> dict[str, str]:
    """Each option with the word after it; of a switch, which has none, that is meaningless."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return {name: value for name, value in pairs if name.startswith("--")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
