"""`signalbox status --watch` and `signalbox rollout watch`: every step and every change as a line of its own."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from signalbox.cli.app_client import AppClient
from signalbox.cli.errors import NO
from signalbox.cli.names import ROLLOUTS, RUNS, suggesting
from signalbox.cli.output import printable
from signalbox.cli.patience import ask_patiently
from signalbox.cli.progress import waiting

_EVERY_S = 1.0


def watch_run(app: AppClient, run: str, as_json: bool) -> tuple[dict[str, Any], int]:
    """Print the steps of *run* until it has an outcome; what it is then, and the exit code: NO unless it completed.

    With *as_json* a line is the app's whole answer, whenever it has changed.
    """
    with suggesting(app, RUNS, run):
        answer: dict[str, Any] = app.get(f"runs/{run}")
    lines = set[str]()
    with waiting(f"watching {run}"):
        while True:
            for line in [json.dumps(answer)] if as_json else map(_step, answer["steps"]):
                if line not in lines:
                    click.echo(line)
                    lines.add(line)
            if answer["closed"] or answer["outcome"]:  # Quarantined data waits for its owner, perhaps for days.
                return answer, 0 if answer["outcome"] == "completed" else NO
            answer = _next(lambda: app.get(f"runs/{run}"))


def watch_runs(app: AppClient, filters: Mapping[str, str], as_json: bool) -> None:
    """Print every run as a line whenever it is new or has changed, until Ctrl-C."""
    lines: dict[str, str] = {}
    page = app.get("runs", **filters)
    with waiting("watching; Ctrl-C ends it"):
        while True:
            for row in reversed(page["runs"]):
                line = json.dumps(row) if as_json else _row(row)
                if lines.get(row["run"]) != line:
                    click.echo(line)
                    lines[row["run"]] = line
            page = _next(lambda: app.get("runs", **filters))


def watch_rollout(app: AppClient, promotion: str, as_json: bool) -> int:
    """Print what the looks at the rollout of *promotion* find, whenever it changes, until the promotion has ended.

    Returns the exit code: NO unless the version is in production.
    """

    def look() -> tuple[dict[str, Any], dict[str, Any]]:
        return app.get(f"operations/{promotion}"), app.get(f"rollouts/{promotion}")  # The last look is shown, too.

    with suggesting(app, ROLLOUTS, promotion):
        operation, answer = look()
    before = ""
    with waiting(f"watching {promotion}"):
        while True:
            line = json.dumps(answer) if as_json else _look(answer)
            if line != before:
                click.echo(line)
                before = line
            if operation["status"] not in ("accepted", "running"):
                if not as_json:
                    click.echo(printable(f"{operation['outcome']}: {operation['because']}"))
                return 0 if operation["outcome"] == "promoted" else NO
            operation, answer = _next(look)


def _next(look: Callable[[], Any]) -> Any:
    """The next answer. Raises Unreachable where the app stays away."""
    time.sleep(_EVERY_S)  # noqa: TID251 - Polls; only its callers know an end.
    return ask_patiently(look, "what was watched goes on in the app")


def _step(step: Mapping[str, str]) -> str:
    return printable(f"{step['at']}  {step['step']}")


def _look(answer: Mapping[str, Any]) -> str:
    names = [*(f"{weight} %" for weight in answer["weights"]), "soak"]
    name = names[answer["step"]] if answer["step"] >= 0 else "copies"
    return printable(f"{name}  {answer['decision']}  {answer['because']}")


def _row(row: Mapping[str, str]) -> str:
    changed_at = row["closed"] or row["opened"]
    return "  ".join(printable(text) for text in (changed_at, row["run"], row["route"], row["outcome"] or "running"))
