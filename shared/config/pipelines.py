"""How a training pipeline is called, with which parameters and on what compute: for retraining and for the ladder."""

import re
from collections.abc import Mapping
from typing import Any

from shared.config.reader import AZURE_ML_NAME, Reader
from shared.domain.inference.routes import Workspace
from shared.domain.retraining.pipelines import Pipeline, PipelineKind, TrainingCompute, superseded

CALLS = ("published", "endpoint", "deployment", "job")
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
COMPONENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*:[A-Za-z0-9][A-Za-z0-9._-]*")
_NOWHERE = Workspace(name="", subscription="", resource_group="", workspace="")


def read_placed_pipeline(one: Reader, workspaces: Mapping[str, Workspace]) -> Pipeline:
    """A pipeline that says itself in which environment it lies."""
    one.known((*CALLS, "environment"))
    environment = one.text("environment")
    if environment and environment not in workspaces:
        one.fail("environment", f"is {environment!r}", f"use one of {', '.join(workspaces) or '(none configured)'}")
    return _pipeline(one, workspaces.get(environment, _NOWHERE))


def read_pipeline(one: Reader, workspace: Workspace) -> Pipeline:
    """A pipeline of *workspace*."""
    one.known(CALLS)
    return _pipeline(one, workspace)


def read_parameters(section: Reader) -> dict[str, str]:
    """Numbers and flags are passed as the text that they are."""
    found = {}
    for name in section.names():
        value: Any = section.raw(name)
        if isinstance(value, bool):
            found[name] = str(value).lower()
        elif isinstance(value, str | int | float):
            found[name] = str(value)
        else:
            section.fail(name, f"is {str(value)[:60]!r}", "give a text, a number or true or false; never a secret")
    return found


def read_compute(one: Reader) -> TrainingCompute:
    one.known(("target", "instance_type", "instances", "idle"))
    return TrainingCompute(
        target=one.optional("target"),
        instance_type=one.optional("instance_type"),
        instances=one.whole("instances", 1, 1000) or 0,
        idle_s=one.seconds("idle", 120) if one.has("idle") else 0,
    )


def _pipeline(one: Reader, workspace: Workspace) -> Pipeline:
    """Exactly one of the three ways to call a pipeline."""
    kinds = [kind for kind in PipelineKind if one.has(kind.value)]
    if len(kinds) != 1:
        named = ", ".join(kinds) or "none of them"
        one.fail("", f"names {named}", "name one of `published`, `endpoint` (with `deployment`) and `job`")
        return Pipeline(kind=PipelineKind.JOB, workspace=_NOWHERE, name="")
    kind = kinds[0]
    problem, _, remedy = superseded(kind).partition("; ")
    if problem:
        one.fail(kind.value, problem, remedy, "warning")
    if kind is not PipelineKind.ENDPOINT and one.has("deployment"):
        one.fail("deployment", "belongs to an endpoint", "remove it")
    return Pipeline(
        kind=kind,
        workspace=workspace,
        name=_name(one, kind),
        deployment=one.matching("deployment", AZURE_ML_NAME, "a deployment's name")
        if kind is PipelineKind.ENDPOINT
        else "",
    )


def _name(one: Reader, kind: PipelineKind) -> str:
    if kind is PipelineKind.PUBLISHED:
        return one.matching(kind.value, GUID, "the published pipeline's id, a GUID").lower()
    if kind is PipelineKind.ENDPOINT:
        return one.matching(kind.value, AZURE_ML_NAME, "a batch endpoint's name")
    return one.matching(kind.value, COMPONENT, "the pipeline component's NAME:VERSION, exact")
