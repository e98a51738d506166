"""How a training pipeline is called, with which parameters and on what compute: for retraining and for the ladder."""

from dataclasses import dataclass
from typing import Annotated, Any

from shared.config.fields import AzureMlName, Rule, Seconds, Text, Words
from shared.config.reading import FilePlace
from shared.config.sections.routes import NOWHERE
from shared.domain.inference.routes import Workspace
from shared.domain.retraining.pipelines import Pipeline, PipelineKind, superseded
from shared.validation.rules import Whole

_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_COMPONENT = r"[A-Za-z0-9][A-Za-z0-9._-]*:[A-Za-z0-9][A-Za-z0-9._-]*"


@dataclass(frozen=True, slots=True)
class _Parameter(Rule):
    """Numbers and flags are passed as the text that they are."""

    expected: str = "a text, a number or true or false"
    advice: str = "give a text, a number or true or false; never a secret"

    def read(self, value: Any) -> str:
        if not isinstance(value, str | int | float):
            raise ValueError(self.expected)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


Parameters = dict[str, Annotated[str, _Parameter()]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSection:
    """A pipeline of the stage's environment, called in one of three ways: `published`, `endpoint` or `job`."""

    published: Annotated[str, Words(pattern=_GUID, expected="the published pipeline's id, a GUID")] | None = None
    endpoint: AzureMlName | None = None
    deployment: AzureMlName | None = None
    job: Annotated[str, Words(pattern=_COMPONENT, expected="the pipeline component's NAME:VERSION, exact")] | None = (
        None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPipelineSection(PipelineSection):
    """A pipeline that says itself in which environment it lies."""

    environment: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSection:
    """What a run is given to train on; what is left out is the pipeline's own."""

    target: Text | None = None
    instance_type: Text | None = None
    instances: Annotated[int, Whole(least=1, most=1000)] | None = None
    idle: Seconds | None = None


def pipeline_of(section: PipelineSection, place: FilePlace, workspace: Workspace) -> Pipeline:
    """The pipeline of *workspace* that the section calls, in exactly one of the three ways."""
    names = {kind: name for kind in PipelineKind if (name := getattr(section, kind.value)) is not None}
    if len(names) != 1:
        remedy = "name one of `published`, `endpoint` (with `deployment`) and `job`"
        place.fail("", f"names {', '.join(names) or 'none of them'}", remedy)
        return Pipeline(kind=PipelineKind.JOB, workspace=NOWHERE, name="")
    ((kind, name),) = names.items()
    problem, _, remedy = superseded(kind).partition("; ")
    if problem:
        place.fail(kind.value, problem, remedy, "warning")
    if kind is not PipelineKind.ENDPOINT and section.deployment is not None:
        place.fail("deployment", "belongs to an endpoint", "remove it")
    if kind is PipelineKind.ENDPOINT and section.deployment is None:
        place.fail("deployment", "is missing", "give a deployment's name")
    deployment = section.deployment if kind is PipelineKind.ENDPOINT else None
    name = name.lower() if kind is PipelineKind.PUBLISHED else name
    return Pipeline(kind=kind, workspace=workspace, name=name, deployment=deployment or "")
