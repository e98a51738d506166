"""The section `provisioning`: which environments the two steps make, by which pipelines, and under whose change; and
`change` of a stage, the same for what a promotion moves."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from shared.config.fields import Count, DifferentTexts, Duration, Seconds, Text, Words
from shared.config.reading import FilePlace, built, nearest
from shared.domain.access.permissions import Permissions
from shared.domain.provisioning.orders import TEAM
from shared.domain.provisioning.rules import (
    APPROVED_STATES,
    STOPPED_STATES,
    ChangeRules,
    PlatformLook,
    ProvisionedEnvironment,
    ProvisioningPipelines,
    ProvisioningRules,
    ProvisioningStep,
)

_GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_INSTALLATION = re.compile(r"[A-Za-z0-9._/-]*\{team\}[A-Za-z0-9._/-]*\.json")
_LEAST_RETENTION_S = 86400
_NAME = "3 to 24 lower-case letters, digits and dashes"
Guid = Annotated[str, Words(pattern=_GUID, expected="a GUID in lower-case letters")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisioningPipelinesSection:
    """The numbers of the pipelines that `pipelines/infra` defines."""

    plan: Count
    apply: Count
    settle: Count
    drift: Count
    teardown: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedEnvironmentSection:
    """An environment that a step makes: as which identity its pipelines write, and who approves what runs there."""

    team: Annotated[str, Words(pattern=TEAM, expected=_NAME)]
    step: ProvisioningStep
    subscription: Guid
    identity: Guid
    approvers: DifferentTexts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformLookSection:
    """Steps of the platform that the night looks at, and the service connection that may read them."""

    installation: Text
    steps: DifferentTexts
    reader: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisioningSection:
    """What requests of ServiceNow may become."""

    project: Text
    tenant: Guid
    pipelines: ProvisioningPipelinesSection
    installation: Text
    reader: Text
    writer: Text
    gate: Text
    regions: DifferentTexts
    environments: dict[str, ProvisionedEnvironmentSection]
    groups: dict[str, Guid] | None = None
    platform: dict[Annotated[str, Words(pattern=TEAM, expected=_NAME)], PlatformLookSection] | None = None
    organisation: Text | None = None
    settled_ref: Annotated[str, Words(pattern=r"refs/heads/\S+", expected="a whole ref")] | None = None
    assignment_group: Text | None = None
    retention: Annotated[int, Duration(least=_LEAST_RETENTION_S)] | None = None
    give_up_after: Seconds | None = None
    approved_states: DifferentTexts | None = None
    stopped_states: DifferentTexts | None = None


def provisioning_of(
    section: ProvisioningSection | None,
    place: FilePlace,
    environments: Iterable[str],
    organisations: tuple[str, ...],
    permissions: Permissions,
) -> ProvisioningRules | None:
    """The section with its defaults; None where it is absent, and nothing is provisioned."""
    if section is None:
        return None
    personas = tuple(persona.role.name for persona in permissions.personas)
    for name, problem, remedy in _problems(section, tuple(environments), organisations, personas):
        place.inside("provisioning").fail(name, problem, remedy)
    rows = tuple(built(ProvisionedEnvironment, row, name=name) for name, row in section.environments.items())
    return built(
        ProvisioningRules,
        section,
        organisation=section.organisation or next(iter(organisations), ""),
        pipelines=built(ProvisioningPipelines, section.pipelines),
        environments=rows,
        groups=dict(section.groups or {}),
        platform=tuple(built(PlatformLook, row, name=name) for name, row in (section.platform or {}).items()),
    )


def _problems(
    section: ProvisioningSection,
    environments: tuple[str, ...],
    organisations: tuple[str, ...],
    personas: tuple[str, ...],
) -> Iterator[tuple[str, str, str]]:
    """The field, the problem and the remedy of each."""
    if not _INSTALLATION.fullmatch(section.installation):
        yield (
            "installation",
            f"is {section.installation!r}",
            "write a path with {team} in it, such as infra/{team}.json",
        )
    if section.organisation is None and len(organisations) != 1:
        yield "organisation", "is missing", "name one of devops.organisations"
    if section.organisation is not None and section.organisation not in organisations:
        yield "organisation", f"is {section.organisation!r}", nearest(section.organisation, organisations)
    numbers = [getattr(section.pipelines, name) for name in ("plan", "apply", "settle", "drift", "teardown")]
    # A pipeline that plans and applies at once would apply what nobody has approved.
    if len(set(numbers)) < len(numbers):
        yield "pipelines", "names one pipeline twice", "give each its own number"
    if section.reader == section.writer:
        yield "writer", "is the reader's connection", "plan with a connection that may only read"
    for name, row in section.environments.items():
        if name not in environments:
            yield f"environments.{name}", "is not an environment", nearest(name, environments)
        if row.step is ProvisioningStep.PRODUCTIONISATION and not row.approvers:
            yield f"environments.{name}.approvers", "is missing", "name who approves what runs above experimentation"
    for name in section.groups or ():
        if name not in personas:
            yield f"groups.{name}", "is no role of permissions", nearest(name, personas)
    for name, look in (section.platform or {}).items():
        yield from _look_problems(f"platform.{name}", look, section)
    first = ProvisioningStep.EXPERIMENTATION
    for team in sorted({row.team for row in section.environments.values()}):
        if not any((row.team, row.step) == (team, first) for row in section.environments.values()):
            yield "environments", f"has none of {team} for {first.value}", "everybody begins there: add one"
    yield from state_problems(section.approved_states, section.stopped_states)


def _look_problems(
    field: str, look: PlatformLookSection, section: ProvisioningSection
) -> Iterator[tuple[str, str, str]]:
    if look.reader == section.writer:
        yield f"{field}.reader", "is the writer's connection", "look with a connection that may only read"
    if not look.steps:
        yield f"{field}.steps", "is empty", "name the steps that the reader may read"  # The pipeline would take all.
    for step in look.steps:
        if step.removeprefix("team:") in section.environments and step.startswith("team:"):
            # Its tags come from the request: without them each night would find drift.
            yield (
                f"{field}.steps",
                f"has {step!r}, which a request makes",
                "leave it out: the night looks at it by its order",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSection:
    """Which group gets the change request, how long it is waited for, and which states end the waiting."""

    assignment_group: Text | None = None
    give_up_after: Seconds | None = None
    approved_states: DifferentTexts | None = None
    stopped_states: DifferentTexts | None = None


def change_of(section: ChangeSection | None, candidate: bool, place: FilePlace) -> ChangeRules | None:
    """The section with its defaults; None where it is absent, and the stage asks ServiceNow nothing."""
    if section is None:
        return None
    if candidate:
        # It would wait with the version's lock, and a candidate's entry changes nothing that anybody uses.
        place.fail("", "is set, and the stage enters candidates", "set it on the stage that approves or releases")
    for name, problem, remedy in state_problems(section.approved_states, section.stopped_states):
        place.fail(name, problem, remedy)
    return built(ChangeRules, section)


def state_problems(approved: tuple[str, ...] | None, stopped: tuple[str, ...] | None) -> Iterator[tuple[str, str, str]]:
    """The field, the problem and the remedy of each state that means both."""
    for state in sorted(set(approved or APPROVED_STATES) & set(stopped or STOPPED_STATES)):
        yield "stopped_states", f"has {state!r}, which approves too", "a state of a change means one of the two"
