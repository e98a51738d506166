"""The project of this folder and its workspaces, for every command that brings something to Azure ML."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from signalbox.cli.app_client import find_endpoints
from signalbox.cli.errors import NotSetUp, UnknownName, Unreachable
from signalbox.cli.project_files import Decorated, find_configuration
from signalbox.launcher.endpoints import listens

if TYPE_CHECKING:
    from signalbox.models.workspace import MlWorkspace
    from signalbox.projects.facts import ProjectFacts


def environment_option(command: Decorated) -> Decorated:
    """The option `--environment`, dev if absent."""
    option = click.option(
        "--environment", default="dev", show_default=True, help="The environment of the configuration to work in."
    )
    return option(command)


def facts_of_project(config: Path | None, app: Path) -> "ProjectFacts":
    """What the configuration says. Raises NotSetUp with all its errors."""
    from signalbox.projects.facts import UnusableProject, read_project

    try:
        return read_project(app, find_configuration(config))
    except UnusableProject as error:
        raise NotSetUp(str(error)) from error


def workspace_of(project: "ProjectFacts", environment: str) -> "MlWorkspace":
    """The workspace of *environment*, on Azure or on the local cloud. Raises UnknownName, NotSetUp or Unreachable."""
    from signalbox.launcher.provision import local_workspace
    from signalbox.models.workspace import AzureWorkspace, on_azure

    named = next((place for place in project.workspaces if place.environment == environment), None)
    if named is None:
        names = ", ".join(place.environment for place in project.workspaces) or "none"
        raise UnknownName(f"the configuration has no environment {environment!r}; it has {names}")
    if on_azure():
        return AzureWorkspace(named.subscription, named.resource_group, named.name)
    endpoints = find_endpoints()
    if not listens(endpoints.azureml):
        raise Unreachable("the local cloud of this folder does not run; start it with `signalbox up`")
    try:
        return local_workspace(endpoints, named.name)
    except ValueError as error:
        raise UnknownName(f"environment {environment}: the local cloud has no such place: {error}") from error
