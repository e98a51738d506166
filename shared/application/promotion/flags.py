"""What asks for a promotion without a caller: a flag on a model, or the registration of an approved entry.

Events and the timer reach the same promotion by its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared import contracts as c
from shared.domain import identity
from shared.domain.azure import resources
from shared.domain.configuration import Configuration
from shared.domain.failures import Refused
from shared.domain.inference.routes import Workspace
from shared.domain.promotion.ladder import Registry
from shared.domain.promotion.models import (
    APPROVED_BY,
    FLAG,
    STATE,
    EntryState,
    Flag,
    is_later,
    read_flag,
    write_flag,
)
from shared.domain.promotion.people import PersonId
from shared.records.production.serving import hold_of
from shared.records.registry import entry_statement, history_of

if TYPE_CHECKING:
    from shared.ports import AuditLog, Models, RegisteredModel
    from shared.records.statements import Statements


def flagged(configuration: Configuration, source: str, model: RegisteredModel) -> c.Promotion | None:
    """The promotion that *model* in *source* is flagged for, None without a flag. Refused where it cannot be read."""
    text = model.tags.get(FLAG, "")
    if not text:
        return None
    flag = read_flag(text, model.model)
    if hub := configuration.teaches(model.model.name):
        detail = f"{model.model.name} learns from hub {hub.name}, and whatever trains it could have set the flag"
        raise Refused(f"a flag of {model.model} is not followed: {detail}; ask by `signalbox promote`")
    place = configuration.origin(source)
    if not model.author and isinstance(place, Workspace) and configuration.is_of_hubs(place):
        # A job there may read a hub and register a version of any model.
        detail = f"teams use hubs of their own in {source}, and no one person has registered and flagged it"
        raise Refused(f"a flag of {model.model} is not followed: {detail}; ask by `signalbox promote`")
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
        # Who the tags name loses the right to approve and gains none: `systemData` has a display name for people, which
        # anybody may share (docs/decisions/0012).
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


class AskingClients(Protocol):
    """What tells whether a version asks for a promotion."""

    @property
    def configuration(self) -> Configuration: ...
    @property
    def models(self) -> Models: ...
    @property
    def statements(self) -> Statements: ...
    @property
    def audit(self) -> AuditLog: ...


def asked_by_version(
    clients: AskingClients, source: str, model: RegisteredModel
) -> c.Promotion | c.PromotionSet | None:
    """What *model* in *source* asks for: by its flag, or else by its registration. Refused as `wanted`."""
    flag = wanted(clients.models, clients.configuration, source, model)
    return flag or _registered(clients, source, model)


def _registered(clients: AskingClients, source: str, model: RegisteredModel) -> c.Promotion | None:
    """The release that the approval of entry *model* starts, where a stage says so; only of the newest such entry.

    The deciding key must have said that it is approved, and the audit log must name that: a tag proves nothing, and a
    promotion that began a moment too early would be refused for good under its one id.
    """
    name, stages = model.model, clients.configuration.ladder.stages
    stage = next((stage for stage in stages if stage.on_registration and stage.source == source), None)
    if stage is None or model.tags.get(STATE) != EntryState.APPROVED or not _is_newest(clients, source, model):
        return None
    if hold_of(clients.statements, model.model) is not None:
        return None  # A rollback has left it: people release it, and no timer.
    statement = entry_statement(clients.statements, history_of(clients.audit, name), name, [])
    if statement is None or statement.state != EntryState.APPROVED:
        return None
    return c.Promotion(
        id=identity.promotion_id(name.name, name.version, stage.name),
        model=name,
        source=source,
        target=stage.name,
        requested_by="the registration in the central registry",
        reason=f"{name} was approved by {model.tags.get(APPROVED_BY) or 'those whom the registry asks'}",
        automatic=True,
    )


def _is_newest(clients: AskingClients, source: str, model: RegisteredModel) -> bool:
    """Whether no later version is approved or in production: an older entry is released by people alone."""
    entries = clients.models.versions(clients.configuration.origin(source), model.model.name)
    living = (EntryState.APPROVED, EntryState.IN_PRODUCTION)
    return not any(entry.tags.get(STATE) in living and is_later(entry.model, model.model) for entry in entries)


def sources(configuration: Configuration) -> dict[str, Workspace | Registry]:
    """Where models climb from by a flag: environments, and the registry by the name of the stage that leads there."""
    stages = configuration.ladder.stages
    names = {stage.source for stage in stages}
    registries = {stage.name: stage.registry for stage in stages if stage.registry and stage.name in names}
    return {workspace.name: workspace for workspace in configuration.workspaces if workspace.name in names} | registries


def place_suffix(place: Workspace | Registry) -> str:
    """How the ARM id of *place* ends, in lower case."""
    return workspace_suffix(place) if isinstance(place, Workspace) else resources.registry(place).lower()


def workspace_suffix(workspace: Workspace) -> str:
    """How the ARM id of *workspace* ends, in lower case: subscription, resource group and name."""
    path = f"/subscriptions/{workspace.subscription}/resourcegroups/{workspace.resource_group}"
    provider = "/providers/microsoft.machinelearningservices/workspaces/"
    return f"{path}{provider}{workspace.workspace}".lower()
