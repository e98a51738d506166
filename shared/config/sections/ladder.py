"""The sections about promotion: registry, ladder, break_glass, and each model's hold-out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from shared.config.fields import (
    NAME,
    Advice,
    Amount,
    AzureMlName,
    DifferentTexts,
    RowsLocation,
    Seconds,
    Text,
    Texts,
)
from shared.config.project_gates import with_metric_source, with_sources
from shared.config.reading import FilePlace, built
from shared.config.sections.provisioning import ChangeSection, change_of
from shared.config.sections.rollout import RolloutSection, rollout_of
from shared.config.sections.training.stage import StageTrainingSection, refuse_known_answers, stage_training_of
from shared.domain.datasets.references import read_reference
from shared.domain.gates import GATES, GateSpec, read_gate
from shared.domain.gates.plugins import ProjectGateOptions
from shared.domain.inference.routes import HubLayout, Route, Workspace
from shared.domain.project_functions import NAME as PROJECT_GATE
from shared.domain.promotion.approvals import ApprovalPolicy, Role
from shared.domain.promotion.gate_specs import BATCH_GATE
from shared.domain.promotion.ladder import BreakGlass, Holdout, Ladder, Newer, Promotable, Registry, Serving, Stage
from shared.validation.rules import Whole


def gate_schema(gate: str) -> dict[str, Any]:
    """The options of *gate* by name: what a value must be is the gate's own to say."""
    return _options_schema(GATES[gate].options)


def _options_schema(kind: type[Any]) -> dict[str, Any]:
    options = {option.name: {"description": option.metadata["rule"].expectation} for option in fields(kind)}
    return {"type": "object", "properties": options, "additionalProperties": False}


class _AllGates:
    """The JSON Schema of gates with their options: those of the registry by name, a project's own by their form."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        gates = {name: {"anyOf": [{"type": "null"}, gate_schema(name)]} for name in GATES}
        own = {"anyOf": [{"type": "null"}, _options_schema(ProjectGateOptions)]}
        patterns = {f"^{PROJECT_GATE.pattern}$": own}
        return {
            "type": "object",
            "properties": gates,
            "patternProperties": patterns,
            "additionalProperties": False,
        }


Gates = Annotated[
    dict[str, Annotated[dict[str, Any], Advice("write its options as a mapping, {} for none")]], _AllGates()
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutSection:
    """Rows with known answers that no training has seen: a published version, or a file."""

    path: RowsLocation
    target: Text
    key: Text
    answers: RowsLocation | None = None
    slices: Texts | None = None
    batch_rows: Annotated[int, Whole(least=1, most=100_000)] | None = None
    tolerance: Amount | None = None
    labels: bool | None = None
    group: Text | None = None
    looks: Annotated[int, Whole(least=1, most=10_000)] | None = None
    classes: DifferentTexts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionSection:
    """What a model must have to climb."""

    holdout: HoldoutSection


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySection:
    """The central registry, in a subscription of its own."""

    name: Text
    subscription: Text
    resource_group: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSection:
    """What a version is deployed behind in an environment."""

    online: AzureMlName | None = None
    batch: AzureMlName | None = None
    online_script: Text | None = None
    batch_script: Text | None = None
    instance_type: Text | None = None
    instances: Annotated[int, Whole(least=1, most=1000)] | None = None
    compute: Text | None = None
    kubernetes: Text | None = None
    ready_within: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsSection:
    """Who must approve, and what happens while they do not."""

    roles: DifferentTexts = ()
    witness: DifferentTexts = ()
    remind_after: Seconds | None = None
    escalate_after: Seconds | None = None
    expire_after: Seconds | None = None
    escalate_to: Texts = ()
    nobody_is_asked: bool = False
    delegates: dict[str, Text] = field(default_factory=dict)
    fresh_sign_in: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSection:
    """One edge of the ladder, named after where it leads."""

    source: Annotated[Text, Field(alias="from")]
    environment: Text | None = None
    registry: bool = False
    candidate: bool = False
    serve: ServingSection = field(default_factory=ServingSection)
    entry: Gates = field(default_factory=dict)
    exit: Gates = field(default_factory=dict)
    approvals: ApprovalsSection = field(default_factory=ApprovalsSection)
    train: dict[str, StageTrainingSection] | None = None
    atomic: bool | None = None
    newer: Newer | None = None
    rollout: RolloutSection | None = None
    on_registration: bool = False
    rehearse: bool = False
    change: ChangeSection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassSection:
    """Who may together override a gate, and for how long."""

    __pydantic_config__: ClassVar = {"json_schema_extra": {"required": ["roles"]}}

    roles: DifferentTexts = ()
    witness: DifferentTexts = ()
    longest: Seconds | None = None
    fresh_sign_in: Seconds | None = None


def promotable_of(
    section: PromotionSection | None, name: str, place: FilePlace, contract: str, owner: str
) -> Promotable | None:
    """What the model called *name* climbs with, None where it does not."""
    if section is None:
        return None
    place, holdout = place.inside("promotion.holdout"), built(Holdout, section.holdout)
    for name_of_field, location in (("path", holdout.path), ("answers", holdout.answers)):
        if location and read_reference(location) is None and "/" not in location:
            remedy = "write container/path of a CSV file in the hub, or NAME@VERSION of a published data set"
            place.fail(name_of_field, f"is {location!r}", remedy)
    if holdout.classes and len(set(holdout.classes)) != max(2, len(holdout.classes)):
        remedy = "name two classes or more, each once, as the target does"
        place.fail("classes", f"is {list(holdout.classes)}", remedy)
    if holdout.classes and holdout.labels:
        remedy = "remove it: classes are the labels, with their probabilities"
        place.fail("labels", "is true beside classes", remedy)
    if holdout.group and holdout.group in (holdout.target, holdout.key):
        problem = f"is {holdout.group!r}, which is another column's part"
        place.fail("group", problem, "name the column of what rows share")
    return Promotable(name=name, contract=contract, holdout=holdout, owner=owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamStage:
    """The stage *name*, which a team has made of the platform's *pattern*; *roles* are the team's own."""

    name: str
    pattern: str
    roles: Mapping[str, Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the stages of the ladder refer to."""

    workspaces: Mapping[str, Workspace]
    roles: Mapping[str, Role]
    registry: Registry | None
    hub: HubLayout
    team_stages: tuple[TeamStage, ...] = ()

    def at(self, stage: str) -> "Around":
        """What *stage* refers to: of a team's stage the roles that the platform leaves to the teams, too."""
        own = next((team_stage for team_stage in self.team_stages if team_stage.name == stage), None)
        return self if own is None else replace(self, roles={**own.roles, **self.roles})

    def pattern(self, stage: str) -> str:
        """What the platform calls *stage*."""
        return next((own.pattern for own in self.team_stages if own.name == stage), stage)


def ladder_of(
    sections: Mapping[str, StageSection],
    glass: BreakGlassSection | None,
    place: FilePlace,
    models: tuple[Promotable, ...],
    around: Around,
) -> Ladder:
    """Everything that promotion is configured by."""
    climb = place.inside("ladder")
    stages = tuple(_stage(section, name, climb.inside(name), around.at(name)) for name, section in sections.items())
    _refuse_strange_sources(climb, stages, around.workspaces)
    _refuse_unregistered_releases(climb, stages)
    refuse_known_answers(climb, stages, models)
    _refuse_headless_trials(climb, stages, models)
    return Ladder(stages=stages, models=models, break_glass=_glass(glass, place.inside("break_glass"), around.roles))


def refuse_unshared_arrivals(place: FilePlace, ladder: Ladder, routes: tuple[Route, ...]) -> None:
    """Arrivals are shared on routes that follow the batch endpoint: without one there is nothing to share."""
    for stage in ladder.stages:
        batch = stage.serving.batch if stage.rollout and stage.rollout.batch else ""
        scores = (route.score for route in routes)
        if batch and not any(
            score.follows and not score.online and (score.workspace, score.endpoint) == (stage.environment, batch)
            for score in scores
        ):
            remedy = "let a route score there without a pin, or remove it"
            place.inside(f"{stage.name}.rollout").fail("batch", f"is set, and no route follows {batch}", remedy)


def _glass(section: BreakGlassSection | None, place: FilePlace, roles: Mapping[str, Role]) -> BreakGlass:
    if section in (None, BreakGlassSection()):
        return BreakGlass()
    policy = ApprovalPolicy(
        roles=_named_roles(section.roles, "roles", place, roles),
        witness=_named_roles(section.witness, "witness", place, roles),
        fresh_sign_in_s=section.fresh_sign_in or 0,
    )
    if len(policy.roles) < 2:
        place.fail("roles", f"names {len(policy.roles)} roles", "name two: nobody breaks the glass alone")
    return built(BreakGlass, section, policy=policy)


def _stage(section: StageSection, name: str, place: FilePlace, around: Around) -> Stage:
    if not NAME.fullmatch(name):
        place.fail("", "is not a stage's name", "use up to 63 lower-case letters, digits and dashes")
    if section.candidate and not section.registry:
        remedy = "add registry: true: candidates are entries there"
        place.fail("candidate", "is true, and the stage is no registry", remedy)
    if section.registry and around.registry is None:
        place.fail("registry", "is true, and there is no registry", "add the section `registry`")
    environment = None if section.registry else _environment(section.environment, place, around.workspaces)
    if environment is not None and section.serve.online is None:
        place.fail("serve", "names no online endpoint", "give serve.online: tests and gates ask the endpoint")
    serving = built(Serving, section.serve)
    _refuse_unasked(section, place)
    _refuse_untried(section, place)
    if section.rehearse and (environment is None or section.rollout is not None):
        problem = "is true, and the stage is the registry" if section.registry else "is true beside `rollout`"
        place.fail("rehearse", problem, "rehearse where a version is deployed before it enters the registry")
    return built(
        Stage,
        section,
        name=name,
        environment=environment,
        registry=around.registry if section.registry else None,
        serving=serving,
        change=change_of(section.change, section.candidate, place.inside("change")),
        rollout=rollout_of(section.rollout, serving, place.inside("rollout")),
        entry_gates=_gates(section.entry, place.inside("entry")),
        exit_gates=_gates(section.exit, place.inside("exit")),
        approvals=_approvals(section.approvals, place.inside("approvals"), around.roles),
        training=stage_training_of(section.train, around.pattern(name), place, environment, section.exit, around.hub)
        if section.train is not None
        else (),
    )


def _refuse_unasked(section: StageSection, place: FilePlace) -> None:
    """Production is never reached without people by an oversight: configuration must say so aloud."""
    if section.rollout is None:
        return
    if section.registry:
        place.fail("rollout", "is set, and the stage is the registry", "set it on a stage with an environment")
    if not section.approvals.roles and not section.approvals.nobody_is_asked:
        remedy = "name the roles that must approve, or write approvals.nobody_is_asked: true"
        place.inside("approvals").fail("roles", "is empty, and the stage shifts production traffic", remedy)


def _refuse_untried(section: StageSection, place: FilePlace) -> None:
    """The gate on batch rows asks what a batch deployment has answered, which is there at the exit alone."""
    for phase, gates in (("entry", section.entry), ("exit", section.exit)):
        if BATCH_GATE in gates and (phase == "entry" or section.registry or section.serve.batch is None):
            remedy = "ask it at the exit of a stage with serve.batch, or remove it"
            place.inside(phase).fail(BATCH_GATE, "has no batch deployment to ask", remedy)


def _refuse_headless_trials(place: FilePlace, stages: Iterable[Stage], models: Iterable[Promotable]) -> None:
    """The rows of a trial have names, and so their file has a header: as a contract without one, it is another file."""
    files = place.report.contracts
    contracts = [
        (model.name, model.contract, files[model.contract].contract) for model in models if model.contract in files
    ]
    headless = [
        (name, path) for name, path, known in contracts if known and known.format == "csv" and not known.csv.header
    ]
    for stage in stages:
        if headless and any(spec.gate == BATCH_GATE for spec in stage.exit_gates):
            name, path = headless[0]
            problem = f"cannot make a file for model {name}, whose contract {path} says csv.header: false"
            remedy = "remove header: false from the contract, or remove the gate"
            place.inside(f"{stage.name}.exit").fail(BATCH_GATE, problem, remedy)


def _environment(name: str | None, place: FilePlace, workspaces: Mapping[str, Workspace]) -> Workspace:
    if name is None:
        place.fail("environment", "is missing", "name the environment that the stage leads to, or give registry: true")
    elif name not in workspaces:
        remedy = f"use one of {', '.join(workspaces) or 'none'}, or registry: true"
        place.fail("environment", f"is {name!r}", remedy)
    nowhere = Workspace(name=name or "", subscription="", resource_group="", workspace="")
    return workspaces.get(name or "", nowhere)


def _gates(section: Mapping[str, dict[str, Any]], place: FilePlace) -> tuple[GateSpec, ...]:
    return with_sources((gate_of(name, options, place, name) for name, options in section.items()), place)


def gate_of(gate: str, options: Mapping[str, Any], place: FilePlace, field_name: str) -> GateSpec:
    """The *gate* with *options* from the field *field_name*; what the gate says against them is reported."""
    spec, problems = read_gate(gate, options)
    for objection in problems:
        where = field_name if objection.option == "gate" else f"{field_name}.{objection.option}"
        place.fail(where, objection.problem, objection.remedy)
    return with_metric_source(spec, place, f"{field_name}.metric")


def _approvals(section: ApprovalsSection, place: FilePlace, roles: Mapping[str, Role]) -> ApprovalPolicy:
    for name, delegate in section.delegates.items():
        if name not in roles or delegate not in roles:
            remedy = f"map a role to a role: {', '.join(roles) or 'none'}"
            place.inside("delegates").fail(name, f"is {delegate!r}", remedy)
    return built(
        ApprovalPolicy,
        section,
        roles=_named_roles(section.roles, "roles", place, roles),
        witness=_named_roles(section.witness, "witness", place, roles),
        delegates={name: roles[delegate] for name, delegate in section.delegates.items() if delegate in roles},
    )


def _named_roles(
    names: tuple[str, ...], field_name: str, place: FilePlace, roles: Mapping[str, Role]
) -> tuple[Role, ...]:
    for name in names:
        if name not in roles:
            remedy = f"use roles of the section `roles`: {', '.join(roles) or 'none'}"
            place.fail(field_name, f"names {name!r}", remedy)
    for name in sorted({name for name in names if names.count(name) > 1}):
        place.fail(field_name, f"names {name!r} twice", "name it once: a role decides once, by one person")
    return tuple(roles[name] for name in names if name in roles)


def _refuse_unregistered_releases(place: FilePlace, stages: tuple[Stage, ...]) -> None:
    """Production gets what the central registry has: an entry that was approved, and that nobody has touched since."""
    registries = [stage.name for stage in stages if stage.registry is not None and not stage.candidate]
    for stage in stages:
        if stage.rollout is not None and stage.source not in registries:
            remedy = f"let it lead from a stage that enters the registry: {', '.join(registries) or 'there is none'}"
            place.fail(f"{stage.name}.from", f"is {stage.source!r}, and the stage shifts production traffic", remedy)
        if stage.on_registration and stage.source not in registries:
            remedy = f"let the stage lead from one that enters the registry: {', '.join(registries) or 'there is none'}"
            problem = f"is true, and the stage leads from {stage.source!r}, where nothing is registered by approval"
            place.fail(f"{stage.name}.on_registration", problem, remedy)


def _refuse_strange_sources(place: FilePlace, stages: tuple[Stage, ...], workspaces: Mapping[str, Workspace]) -> None:
    """Every edge leads from an environment or from a stage, and none back."""
    sources = {stage.name: stage.source for stage in stages}
    for stage in stages:
        passed, name = {stage.name}, stage.source
        while name in sources and name not in passed:
            passed.add(name)
            name = sources[name]
        if name in passed:
            place.fail(f"{stage.name}.from", f"closes a circle at {name!r}", "let every edge lead upwards")
        elif name and name not in workspaces:
            place.fail(f"{stage.name}.from", f"is {name!r}", f"use a stage or one of {', '.join(workspaces)}")
