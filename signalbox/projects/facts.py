"""What a project's configuration says, as the app's own code reads it: in a process of its own, as the app is data."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from signalbox.launcher.cloud import EXAMPLE_HUB, HubContainers
from signalbox.product import is_signalbox


class UnusableProject(ValueError):
    """The configuration has errors; the message has a line for each, with file, line and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectWorkspace:
    """An environment of the configuration and the Azure ML workspace that it names."""

    environment: str
    subscription: str
    resource_group: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """*files* are the contracts, profiles and own gates that the configuration names, by their paths from it."""

    configuration: Path
    files: tuple[str, ...] = ()
    hub: HubContainers = EXAMPLE_HUB
    workspaces: tuple[ProjectWorkspace, ...] = ()
    models: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_project(app: Path, configuration: Path) -> ProjectFacts:
    """The facts about *configuration* by the code in *app*. Raises UnusableProject with every error at once."""
    if not is_signalbox(app):
        return ProjectFacts(configuration=configuration)  # Another function app, which checks its own configuration.
    process = subprocess.run(
        [sys.executable, "-P", "-m", "shared.operations.project_facts", str(configuration)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(app.resolve())},
    )
    if not process.stdout.startswith("{"):
        raise UnusableProject("\n".join(["the configuration cannot be read:", *process.stderr.splitlines()[-1:]]))
    facts = json.loads(process.stdout)
    errors = [finding["text"] for finding in facts["findings"] if finding["level"] == "error"]
    if errors:
        raise UnusableProject("\n".join(["the configuration cannot be used:", *errors]))
    return ProjectFacts(
        configuration=configuration,
        files=tuple(facts["files"]),
        hub=HubContainers(
            names=tuple(facts["containers"]),
            arrivals=tuple(facts["arrivals"]),
            teams={account: tuple(names) for account, names in facts["team_containers"].items()},
        ),
        workspaces=tuple(
            ProjectWorkspace(environment=environment, subscription=subscription, resource_group=group, name=name)
            for environment, (subscription, group, name) in facts["workspaces"].items()
        ),
        models=tuple(facts["models"]),
        stages=tuple(facts["stages"]),
        warnings=tuple(finding["text"] for finding in facts["findings"]),
    )
