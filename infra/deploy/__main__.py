"""`python -m infra.deploy plan|apply|drift INSTALLATION [--steps A,B] [--digest SHA256] [--out FOLDER]`.

plan writes plan.txt and its digest. apply plans again and refuses another plan than the one of the digest. drift ends
with 3 where Azure is not as the templates say.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from infra.check.installation import GENERATED, step_names
from infra.check.judgement import committed_files, judge
from infra.check.parameters import order
from infra.deploy.azure import deploy, outputs_of, what_if
from infra.deploy.plans import Change, changes_of, digest

_FOLDER = Path(__file__).parents[1]
_REFUSED, _DRIFTED = 2, 3


def plan(installation: dict[str, Any], data: dict[str, Any], steps: list[str]) -> dict[str, tuple[Change, ...]]:
    """The changes of each step. One whose inputs do not exist before another is applied is planned after that."""
    outputs, changes = dict[str, Any](), dict[str, tuple[Change, ...]]()
    for name in step_names(data):
        try:
            planned = order(installation, data, name, outputs)
        except KeyError as missing:
            if name in steps:
                changes[name] = (Change(f"waits for {missing}", "Later"),)
            continue
        if name in steps:
            changes[name] = changes_of(what_if(planned))
        known = outputs_of(planned, _name(name))
        if known is not None:
            outputs[name] = known
    return changes


def apply(installation: dict[str, Any], data: dict[str, Any], steps: list[str]) -> None:
    outputs = dict[str, Any]()
    for name in step_names(data):
        planned = order(installation, data, name, outputs)
        known = deploy(planned, _name(name)) if name in steps else outputs_of(planned, _name(name))
        sys.stdout.write(f"{name}: {'applied' if name in steps else 'as it was'}\n")
        outputs[name] = known or {}


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    text = Path(options.installation).read_text(encoding="utf-8")
    files = committed_files(_FOLDER)
    files.texts[options.installation] = text
    if findings := judge(files, [options.installation]):
        sys.stderr.writelines(f"{finding}\n" for finding in findings)
        return _REFUSED
    installation, data = json.loads(text), json.loads(files.texts[GENERATED])
    steps = options.steps.split(",") if options.steps else list(step_names(data))
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
        apply(installation, data, steps)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy")
    parser.add_argument("command", choices=("plan", "apply", "drift"))
    parser.add_argument("installation")
    parser.add_argument("--steps", default="", help="deployments, parted by commas; all of them if absent")
    parser.add_argument("--digest", default="", help="of the plan that was approved")
    parser.add_argument("--out", default=".", help="the folder that plan.txt and plan.sha256 are written to")
    return parser.parse_args(arguments)


def _write(folder: Path, lines: list[str], current: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "plan.sha256").write_text(f"{current}\n", encoding="utf-8")
    sys.stdout.writelines(f"{line}\n" for line in lines or ["nothing would change"])
    sys.stdout.write(f"{current}\n")


def _name(step: str) -> str:
    return f"signalbox-{step.replace(':', '-')}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
