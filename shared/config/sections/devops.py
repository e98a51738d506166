"""The section `devops`: organisations that may call, approvals that count, and what merged pull requests start."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from shared.config.fields import Advice, Text, Texts, Words
from shared.config.reading import FilePlace, built
from shared.domain.devops.configuration import DevOps, MergeStart, StageApprovals
from shared.domain.devops.orders import FIELDS, OrderKind, TaskOrder, read_order
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Ladder

_ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,49}")
_NOTHING = TaskOrder(kind=OrderKind.FOLLOW)


class _OrderFields:
    """The JSON Schema of an order, from the fields of every kind of order."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        names = {
            name
            for required_fields, optional_fields in FIELDS.values()
            for name in (*required_fields, *optional_fields)
        } - {"source", "run"}
        texts: dict[str, Any] = {name: {"type": "string", "minLength": 1} for name in sorted({*names, "from"})}
        start = {"enum": [kind.value for kind in FIELDS]}
        return {"type": "object", "properties": {"start": start, **texts}, "additionalProperties": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOpsApprovalsSection:
    """Who approves a stage in Azure DevOps: the approver's name by role."""

    project: Text
    approvers: dict[str, Text]
    organisation: Text | None = None
    pipeline_stage: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeSection:
    """What a pull request merged into a branch starts."""

    project: Text
    repository: Text
    branch: Annotated[
        str,
        Words(pattern=r"refs/heads/\S+", published=r"[\s\S]+", expected="a whole ref, such as refs/heads/main"),
    ]
    start: Annotated[
        dict[str, Any], Advice("write a mapping, such as {start: retraining, model: NAME}"), _OrderFields()
    ]
    organisation: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOpsSection:
    """Whose pipelines may call, whose approvals count, and what merges start."""

    __pydantic_config__: ClassVar = {"json_schema_extra": {"required": ["organisations"]}}

    organisations: Texts = ()
    projects: Texts = ()
    approvals: dict[str, DevOpsApprovalsSection] = field(default_factory=dict)
    merges: dict[str, MergeSection] = field(default_factory=dict)
    unknown_requesters: bool | None = None


def devops_of(section: DevOpsSection, place: FilePlace, ladder: Ladder) -> DevOps:
    """Nothing may call where the section is absent."""
    for name in section.organisations:
        if not _ORGANISATION.fullmatch(name):
            remedy = "write an organisation's name: letters, digits and dashes"
            place.fail("organisations", f"names {name!r}", remedy)
    return built(
        DevOps,
        section,
        approvals=tuple(
            _approvals(approvals, stage, place, section.organisations, ladder)
            for stage, approvals in section.approvals.items()
        ),
        merges=tuple(
            _merge(merge, place.inside(f"merges.{name}"), section.organisations, ladder)
            for name, merge in section.merges.items()
        ),
    )


def _approvals(
    section: DevOpsApprovalsSection, name: str, place: FilePlace, organisations: tuple[str, ...], ladder: Ladder
) -> StageApprovals:
    section_place = place.inside(f"approvals.{name}")
    asking = {stage.name: stage for stage in ladder.stages if stage.approvals.roles}
    if name not in asking:
        section_place.fail("", "is not a stage that asks for approvals", f"use one of {', '.join(asking) or 'none'}")
    stage = next((candidate for candidate in ladder.stages if candidate.name == name), None)
    roles = [role.name for role in stage.approvals.roles] if stage else list(section.approvers)
    for role in section.approvers:
        if role not in roles:
            section_place.fail(
                f"approvers.{role}", "is not a role that the stage asks", f"use one of {', '.join(roles)}"
            )
    organisation = _organisation(section.organisation, section_place, organisations)
    return built(StageApprovals, section, stage=name, organisation=organisation)


def _merge(section: MergeSection, place: FilePlace, organisations: tuple[str, ...], ladder: Ladder) -> MergeStart:
    organisation = _organisation(section.organisation, place, organisations)
    order = _order(section.start, place, {"organisation": organisation, "project": section.project}, ladder)
    return built(MergeStart, section, organisation=organisation, order=order)


def _organisation(name: str | None, place: FilePlace, organisations: tuple[str, ...]) -> str:
    """The only one, unless another is named."""
    if name is None and len(organisations) == 1:
        return organisations[0]
    if name is None:
        place.fail("organisation", "is missing", "name one of devops.organisations")
    elif name not in organisations:
        remedy = f"use one of devops.organisations: {', '.join(organisations) or 'none'}"
        place.fail("organisation", f"is {name!r}", remedy)
    return name or ""


def _order(start: Mapping[str, Any], place: FilePlace, pipeline: Mapping[str, str], ladder: Ladder) -> TaskOrder:
    if start.get("start") == OrderKind.PIPELINE:
        start = {**pipeline, **start}
    try:
        order = read_order({name: str(value) for name, value in start.items()})
    except Refused as refusal:
        place.fail("start", str(refusal), "see docs/azure-devops.md")
        return _NOTHING
    if order.kind is OrderKind.PIPELINE and not order.pipeline.isdigit():
        place.fail("start", f"runs pipeline {order.pipeline!r}", "give the pipeline's number")
    if order.kind is OrderKind.PROMOTION and order.to not in {stage.name for stage in ladder.stages}:
        place.fail("start", f"promotes to {order.to!r}, which is no stage", "name a stage of the ladder")
    return order
