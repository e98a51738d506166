"""The section `devops`: organisations that may call, approvals that count, and what merged pull requests start."""

import re
from collections.abc import Mapping
from typing import Any

from shared.config.reader import Reader
from shared.config.shapes import TEXT, mapping, named
from shared.domain.devops.configuration import DevOps, MergeStart, StageApprovals
from shared.domain.devops.orders import FIELDS, OrderKind, TaskOrder, read_order
from shared.domain.failures import Refused
from shared.domain.promotion.ladder import Ladder, Stage

_FIELDS = ("organisations", "projects", "approvals", "merges", "unknown_requesters")
_APPROVALS = ("organisation", "project", "approvers", "pipeline_stage")
_MERGE = ("organisation", "project", "repository", "branch", "start")
_ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,49}")
_BRANCH = re.compile(r"refs/heads/\S+")


def read_devops(reader: Reader, ladder: Ladder) -> DevOps:
    """Nothing may call where the section is absent."""
    section = reader.inside("devops")
    section.known(_FIELDS)
    organisations = section.texts("organisations")
    for name in organisations:
        if not _ORGANISATION.fullmatch(name):
            section.fail("organisations", f"names {name!r}", "write an organisation's name: letters, digits and dashes")
    approvals, merges = section.inside("approvals"), section.inside("merges")
    return DevOps(
        organisations=organisations,
        projects=section.texts("projects"),
        approvals=tuple(_approvals(approvals, stage, organisations, ladder) for stage in approvals.names()),
        merges=tuple(_merge(merges.inside(name), organisations, ladder) for name in merges.names()),
        unknown_requesters=section.flag("unknown_requesters", False),
    )


def devops_schema() -> dict[str, Any]:
    texts = {"type": "array", "items": TEXT}
    place = {"organisation": TEXT, "project": TEXT}
    approvals = mapping({**place, "approvers": named(TEXT), "pipeline_stage": TEXT}, ("project", "approvers"))
    starts = mapping({"start": {"enum": [kind.value for kind in FIELDS]}, **dict.fromkeys(_order_fields(), TEXT)})
    merge = mapping({**place, "repository": TEXT, "branch": TEXT, "start": starts}, _MERGE[1:])
    return mapping(
        {
            "organisations": texts,
            "projects": texts,
            "approvals": named(approvals),
            "merges": named(merge),
            "unknown_requesters": {"type": "boolean"},
        },
        ("organisations",),
    )


def _order_fields() -> list[str]:
    names = {name for needed, more in FIELDS.values() for name in (*needed, *more)} - {"source", "run"}
    return sorted({*names, "from"})


def _approvals(section: Reader, name: str, organisations: tuple[str, ...], ladder: Ladder) -> StageApprovals:
    one = section.inside(name)
    one.known(_APPROVALS)
    stage = next((each for each in ladder.stages if each.name == name), None)
    if stage is None or not stage.approvals.roles:
        said = ", ".join(each.name for each in ladder.stages if each.approvals.roles) or "none"
        section.fail(name, "is not a stage that asks for approvals", f"use one of {said}")
    return StageApprovals(
        stage=name,
        organisation=_organisation(one, organisations),
        project=one.text("project"),
        approvers=_approvers(one.inside("approvers", required=True), stage),
        pipeline_stage=one.optional("pipeline_stage"),
    )


def _approvers(one: Reader, stage: Stage | None) -> dict[str, str]:
    roles = [role.name for role in stage.approvals.roles] if stage else []
    for role in one.names():
        if stage is not None and role not in roles:
            one.fail(role, "is not a role that the stage asks", f"use one of {', '.join(roles)}")
    return {role: one.text(role) for role in one.names()}


def _merge(one: Reader, organisations: tuple[str, ...], ladder: Ladder) -> MergeStart:
    one.known(_MERGE)
    organisation = _organisation(one, organisations)
    return MergeStart(
        organisation=organisation,
        project=one.text("project"),
        repository=one.text("repository"),
        branch=one.matching("branch", _BRANCH, "a whole ref, such as refs/heads/main"),
        order=_order(one, organisation, ladder),
    )


def _organisation(one: Reader, organisations: tuple[str, ...]) -> str:
    """The only one, unless another is named."""
    name = one.text("organisation", organisations[0] if len(organisations) == 1 else None)
    if name and name not in organisations:
        one.fail(
            "organisation", f"is {name!r}", f"use one of devops.organisations: {', '.join(organisations) or 'none'}"
        )
    return name


def _order(one: Reader, organisation: str, ladder: Ladder) -> TaskOrder:
    raw: Any = one.raw("start")
    nothing = TaskOrder(kind=OrderKind.FOLLOW)
    if not isinstance(raw, Mapping):
        one.fail("start", f"is {str(raw)[:60]!r}", "write a mapping, such as {start: retraining, model: NAME}")
        return nothing
    given = dict(raw)
    if given.get("start") == OrderKind.PIPELINE:
        given = {"organisation": organisation, "project": one.text("project"), **given}
    try:
        order = read_order({name: str(value) for name, value in given.items()})
    except Refused as refusal:
        one.fail("start", str(refusal), "see docs/azure-devops.md")
        return nothing
    if order.kind is OrderKind.PIPELINE and not order.pipeline.isdigit():
        one.fail("start", f"runs pipeline {order.pipeline!r}", "give the pipeline's number")
    if order.kind is OrderKind.PROMOTION and order.to not in {stage.name for stage in ladder.stages}:
        one.fail("start", f"promotes to {order.to!r}, which is no stage", "name a stage of the ladder")
    return order
