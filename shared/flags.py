"""Flags on models: what a tag in a workspace asks for. Events and the timer reach the same promotion by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import contracts as c
from shared.domain import identity
from shared.domain.configuration import Configuration
from shared.domain.promotion.models import FLAG, read_flag
from shared.domain.routes import Workspace

if TYPE_CHECKING:
    from shared.ports import RegisteredModel


def flagged(configuration: Configuration, source: Workspace, model: RegisteredModel) -> c.Promotion | None:
    """The promotion that *model* in *source* is flagged for, None without a flag. Refused where it cannot be read."""
    text = model.tags.get(FLAG, "")
    if not text:
        return None
    flag = read_flag(text, model.model)
    target = configuration.ladder.first_leg(source.name, flag.stage)
    configuration.ladder.way(source.name, target)
    return c.Promotion(
        id=identity.promotion_id(flag.model.name, flag.model.version, target),
        model=flag.model,
        source=source.name,
        target=target,
        flagged=flag.digest,
        onwards=flag.stage if flag.stage != target else "",
    )


def sources(configuration: Configuration) -> tuple[Workspace, ...]:
    """The environments from which models climb by a flag."""
    names = {stage.source for stage in configuration.ladder.stages}
    return tuple(workspace for workspace in configuration.workspaces if workspace.name in names)


def workspace_suffix(workspace: Workspace) -> str:
    """How the ARM id of *workspace* ends, in lower case: subscription, resource group and name."""
    path = f"/subscriptions/{workspace.subscription}/resourcegroups/{workspace.resource_group}"
    provider = "/providers/microsoft.machinelearningservices/workspaces/"
    return f"{path}{provider}{workspace.workspace}".lower()
