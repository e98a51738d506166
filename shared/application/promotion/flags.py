"""Flags on models: what a tag in a workspace asks for. Events and the timer reach the same promotion by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import contracts as c
from shared.domain import identity
from shared.domain.configuration import Configuration
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Registry
from shared.domain.promotion.models import FLAG, Flag, read_flag, write_flag
from shared.domain.promotion.people import PersonId

if TYPE_CHECKING:
    from shared.ports import Models, RegisteredModel


def flagged(configuration: Configuration, source: str, model: RegisteredModel) -> c.Promotion | None:
    """The promotion that *model* in *source* is flagged for, None without a flag. Refused where it cannot be read."""
    text = model.tags.get(FLAG, "")
    if not text:
        return None
    flag = read_flag(text, model.model)
    target = configuration.ladder.first_leg(source, flag.stage)
    configuration.ladder.way(source, target)
    return c.Promotion(
        id=identity.promotion_id(flag.model.name, flag.model.version, target),
        model=flag.model,
        source=source,
        target=target,
        flagged=flag.digest,
        beside=flag.beside,
        onwards=flag.stage if flag.stage != target else "",
        asked_by=(PersonId(oid=model.author, name=model.author),) if model.author else (),
        named=model.writers,
    )


def wanted(
    models: Models, configuration: Configuration, source: str, model: RegisteredModel
) -> c.Promotion | c.PromotionSet | None:
    """As `flagged`; a set where the flag names others. Refused until each of them names the rest for the same stage."""
    own = flagged(configuration, source, model)
    if own is None or not own.beside:
        return own
    members = {own.model: own}
    for other in own.beside:
        registered_model = models.find(configuration.origin(source), other)
        companion = flagged(configuration, source, registered_model) if registered_model else None
        rest = tuple(sorted({own.model, *own.beside} - {other}))
        goal = (own.target, own.onwards, rest)
        if companion is None or (companion.target, companion.onwards, companion.beside) != goal:
            tag = write_flag(Flag(model=other, stage=own.onwards or own.target, beside=rest))
            raise Refused(f"{own.model} climbs with {other}, which is not so flagged in {source}: tag it {tag!r}")
        members[other] = companion
    promotions = tuple(members[name] for name in sorted(members))
    atomic = next(stage.atomic for stage in configuration.ladder.stages if stage.name == own.target)
    name = identity.promotion_set_id([promotion.id for promotion in promotions])
    return c.PromotionSet(id=name, promotions=promotions, atomic=atomic)


def sources(configuration: Configuration) -> dict[str, Workspace | Registry]:
    """Where models climb from by a flag: environments, and the registry by the name of the stage that leads there."""
    stages = configuration.ladder.stages
    names = {stage.source for stage in stages}
    registries = {stage.name: stage.registry for stage in stages if stage.registry and stage.name in names}
    return {workspace.name: workspace for workspace in configuration.workspaces if workspace.name in names} | registries


def workspace_suffix(workspace: Workspace) -> str:
    """How the ARM id of *workspace* ends, in lower case: subscription, resource group and name."""
    path = f"/subscriptions/{workspace.subscription}/resourcegroups/{workspace.resource_group}"
    provider = "/providers/microsoft.machinelearningservices/workspaces/"
    return f"{path}{provider}{workspace.workspace}".lower()
