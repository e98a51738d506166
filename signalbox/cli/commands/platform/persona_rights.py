"""What the app lets a person do who has signed in, against the matrix in a file: too little is as wrong as too much.

The app says it for a token that it has verified; the file is the project's own, and not what the app was deployed with.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from signalbox.cli.app_client import AppClient

Rights = Mapping[str, frozenset[str]]


def declared_rights(configuration: Path) -> dict[str, Rights]:
    """The places by action, of each persona; those of a team are `TEAM:NAME`. Raises ClickException."""
    from shared.config import ConfigurationError, load

    try:
        permissions = load(configuration).permissions
    except (ConfigurationError, OSError) as problem:
        raise click.ClickException(f"{configuration} has no matrix: {problem}") from problem
    return {
        f"{persona.team}:{persona.role.name}" if persona.team else persona.role.name: {
            action.value: frozenset(f"{persona.team}:{place}" if persona.team else place for place in places)
            for action, places in persona.allows.items()
        }
        for persona in permissions.personas
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
