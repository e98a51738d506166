"""What the app lets a person do who has signed in, against the matrix in a file: too little is as wrong as too much.

The app says it for a token that it has verified; the file is the project's own, and not what the app was deployed with.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import AppClient
from signalbox.cli.local_checks import persona_matrix
from signalbox.product import app_folder

Rights = Mapping[str, frozenset[str]]


def declared_rights(configuration: Path) -> dict[str, Rights]:
    """The places by action, of each persona; those of a team are `TEAM:NAME`. Raises ClickException."""
    code, text = persona_matrix(app_folder(), configuration)
    if code:
        raise click.ClickException(f"{configuration} has no matrix that could be compared")
    return {
        name: {action: frozenset(places) for action, places in rights.items()}
        for name, rights in json.loads(text).items()
    }


def sign_in_problems(app: AppClient, declared: Mapping[str, Rights], persona: str) -> tuple[str, list[str]]:
    """Who has signed in, and what is wrong with what the app says of them as *persona*."""
    answer: dict[str, Any] = app.get("me")
    role = persona.rpartition(":")[2]
    others = [name for name in answer["personas"] if name != role]
    problems = [f"acts as {name} too: take the app role away from the group or the person" for name in others]
    if role not in answer["personas"]:
        problems.append(f"does not act as {persona}: give its app role to the group, and the group to the person")
    actual = {action: frozenset(places) for action, places in answer["allows"].items()}
    for action in sorted({*actual, *declared[persona]}):
        may, should = actual.get(action, frozenset()), declared[persona].get(action, frozenset())
        if lacking := sorted(should - may):
            problems.append(f"may not {action} in {', '.join(lacking)}, which the matrix allows")
        if excess := sorted(may - should):
            problems.append(f"may {action} in {', '.join(excess)}, which the matrix refuses")
    return str(answer["name"]), problems
