"""`python -m infra.deploy plan|apply|drift|teardown INSTALLATION [--steps A,B] [--digest SHA256] [--variables JSON]`.

plan writes plan.txt and its digest. apply plans again and refuses another plan than the one of the digest; each step
becomes a deployment stack of that plan. drift ends with 3 where Azure is not as the templates say. teardown deletes the
stacks of the steps with what they manage.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from infra.check.installation import GENERATED, step_names
from infra.check.judgement import committed_files, judge
from infra.check.parameters import order
from infra.deploy import azure
from infra.deploy.plans import Change, changes_of, detached, digest

_FOLDER = Path(__file__).parents[1]
_REFUSED, _DRIFTED = 2, 3
# No step reads their outputs, and only the registry's own connection may look into its subscription.
_SILENT = ("registry", "subscriptions", "team-subscriptions")


def plan(installation: dict[str, Any], data: dict[str, Any], steps: list[str]) -> dict[str, tuple[Change, ...]]:
    """The changes of each step. One whose inputs do not exist before another is applied is planned after that."""
    outputs, changes = dict[str, Any](), dict[str, tuple[Change, ...]]()
    for name in _up_to_last(data, steps):
        try:
            planned = order(installation, data, name, outputs)
        except KeyError as missing:
            if name in steps:
                changes[name] = (Change(f"waits for {missing}", "Later"),)
            continue
        standing = azure.find_stack(planned, _stack(name)) if name in steps or not _is_silent(name) else None
        if name in steps:
            changes[name] = _changes(planned, name, standing)
        if standing is not None:
            outputs[name] = standing.outputs
    return changes


def apply(installation: dict[str, Any], data: dict[str, Any], steps: list[str], digest: str) -> None:
    outputs = dict[str, Any]()
    for name in _up_to_last(data, steps):
        try:
            planned = order(installation, data, name, outputs)
        except KeyError:
            if name in steps:
                raise
            continue  # Another step's inputs are not there yet, and that step is not asked for.
        if name in steps:
            outputs[name] = azure.deploy_stack(planned, _stack(name), digest)
            sys.stdout.write(f"{name}: applied\n")
        elif not _is_silent(name) and (standing := azure.find_stack(planned, _stack(name))):
            outputs[name] = standing.outputs


def tear_down(installation: dict[str, Any], data: dict[str, Any], steps: list[str]) -> None:
    """Delete the stack of each step with what it manages, in the opposite order. A repeat finds nothing left."""
    outputs = dict[str, Any]()
    orders, standings = dict[str, dict[str, Any]](), dict[str, azure.Standing | None]()
    for name in _up_to_last(data, steps):
        try:
            planned = order(installation, data, name, outputs)
        except KeyError:
            continue  # A step that needs another which is not there is not there either.
        if name not in steps and _is_silent(name):
            continue
        orders[name], standings[name] = planned, azure.find_stack(planned, _stack(name))
        outputs[name] = standing.outputs if (standing := standings[name]) else {}
    for name in reversed([name for name in standings if name in steps]):
        if (stack := azure.find_stack(orders[name], _stack(name))) is not None:
            left = azure.delete_stack(orders[name], _stack(name))
            for resource in stack.resources:
                sys.stdout.write(f"{'left, since it is locked,' if resource in left else 'deleted'} {resource}\n")


def with_variables(text: str, variables: str) -> str:
    """The installation's *text* with a request's variables. Its digest is of both, so that other variables are seen."""
    if not variables:
        return text
    installation, asked = json.loads(text), json.loads(variables)
    if installation.get("team", asked["team"]) != asked["team"]:
        raise ValueError(f"the installation is of {installation['team']}, and the request of {asked['team']}")
    installation["location"] = asked.get("region", installation["location"])
    tags = {"team": asked["team"], "costCenter": asked.get("cost_center"), "dataOwner": asked.get("data_owner")}
    installation["tags"] |= {name: value for name, value in tags.items() if value}
    return json.dumps(installation, indent=2)


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    text = with_variables(Path(options.installation).read_text(encoding="utf-8"), options.variables)
    files = committed_files(_FOLDER)
    files.texts[options.installation] = text
    if findings := judge(files, [options.installation]):
        sys.stderr.writelines(f"{finding}\n" for finding in findings)
        return _REFUSED
    installation, data = json.loads(text), json.loads(files.texts[GENERATED])
    steps = options.steps.split(",") if options.steps else list(step_names(data))
    if unknown := [name for name in steps if name not in step_names(data)]:
        sys.stderr.write(f"{', '.join(unknown)} is no step; use {', '.join(step_names(data))}\n")
        return _REFUSED
    if options.command == "teardown":
        tear_down(installation, data, steps)
        return 0
    changes = plan(installation, data, steps)
    lines = [f"{name}: {change}" for name, step_changes in changes.items() for change in step_changes]
    current = digest(changes, json.dumps(files.texts, sort_keys=True).encode())
    _write(Path(options.out), lines, current)
    if options.command == "drift":
        return _DRIFTED if lines else 0
    if options.command == "apply":
        if current != options.digest:
            sys.stderr.write(
                f"the plan is {current} now, and {options.digest} was approved: plan and approve it again\n"
            )
            return _REFUSED
        # A step without changes is not written again: an app restarts when its settings are.
        apply(installation, data, [name for name in steps if changes[name]], current)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy")
    parser.add_argument("command", choices=("plan", "apply", "drift", "teardown"))
    parser.add_argument("installation")
    parser.add_argument("--steps", default="", help="deployments, parted by commas; all of them if absent")
    parser.add_argument("--digest", default="", help="of the plan that was approved")
    parser.add_argument("--variables", default="", help="of a request, as JSON: they become tags, and the region")
    parser.add_argument("--out", default=".", help="the folder that plan.txt and plan.sha256 are written to")
    return parser.parse_args(arguments)


def _write(folder: Path, lines: list[str], current: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "plan.sha256").write_text(f"{current}\n", encoding="utf-8")
    sys.stdout.writelines(f"{line}\n" for line in lines or ["nothing would change"])
    sys.stdout.write(f"{current}\n")


def _up_to_last(data: dict[str, Any], steps: list[str]) -> tuple[str, ...]:
    """The deployments in their order up to the last of *steps*: none needs the outputs of a later one."""
    names = step_names(data)
    wanted = [number for number, name in enumerate(names, 1) if name in steps]
    return names[: max(wanted, default=0)]


def _changes(planned: dict[str, Any], name: str, standing: azure.Standing | None) -> tuple[Change, ...]:
    """By what-if, and of the step's stack: that it is made, and what it does not manage any more."""
    result = azure.what_if(planned)
    changes = changes_of(result)
    if standing is None:
        return tuple(sorted((*changes, Change(azure.stack_id(planned, _stack(name)), "Create"))))
    return tuple(sorted((*changes, *detached(result, standing.resources))))


def _is_silent(name: str) -> bool:
    return name.partition(":")[0] in _SILENT


def _stack(name: str) -> str:
    return f"signalbox-{name.replace(':', '-')}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
