"""`models.NAME.retraining`: which pipeline retrains a model, on which data, within which limits, and what follows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from shared.config import paths
from shared.config.contracts import named_contract
from shared.config.fields import (
    NAME,
    Advice,
    Amount,
    Count,
    Location,
    Names,
    Seconds,
    Text,
    Texts,
    ZeroOrMoreSeconds,
)
from shared.config.reading import FilePlace, built
from shared.config.sections.ladder import gate_of, gate_schema
from shared.config.sections.routes import workspace_of
from shared.config.sections.training.pipelines import ComputeSection, Parameters, PlacedPipelineSection, pipeline_of
from shared.domain.inference.routes import Group, Workspace
from shared.domain.promotion.ladder import Ladder, Stage
from shared.domain.retraining.causes import CauseKind
from shared.domain.retraining.pipelines import TrainingCompute
from shared.domain.retraining.rules import (
    HOLDOUT,
    MOST_RUNS,
    Budget,
    Limits,
    OnConflict,
    Rates,
    Retraining,
    StopRule,
    TrainingKind,
    TrainingRoute,
    Worth,
)
from shared.validation.rules import Whole

_SUFFIXES = {TrainingKind.TABULAR: ".csv", TrainingKind.BOXES: ".jsonl"}
_GATE = "better_than_champion"
_TIMES_COST = "times_cost"


class _GateOptions:
    """The JSON Schema of the gate's options, from the registry of gates."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return gate_schema(_GATE)


def _worth_names() -> list[str]:
    return [*(kind.value for kind in CauseKind), _TIMES_COST]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSection:
    """Which files train a model, and how much new data starts a run."""

    take: Location
    kind: TrainingKind = TrainingKind.TABULAR
    contract: Text | None = None
    key: Texts = ()
    labels: Texts = ()
    rows: Count | None = None
    files: Count | None = None
    age: Seconds | None = None
    conflicts: OnConflict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsSection:
    """How long causes are gathered, and how often a model is trained at most."""

    debounce: ZeroOrMoreSeconds | None = None
    longest_debounce: ZeroOrMoreSeconds | None = None
    min_interval: ZeroOrMoreSeconds | None = None
    runs: Annotated[int, Whole(least=1, most=MOST_RUNS)] | None = None
    within: Seconds | None = None
    champion_age: ZeroOrMoreSeconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSection:
    """What all runs of a model may cost within a time."""

    amount: Amount | None = None
    within: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSection:
    """What a node costs for an hour, and for how many hours a run is expected to use its nodes."""

    node_hour: Amount | None = None
    hours: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSection:
    """A logged metric beyond which a run is cancelled while it trains."""

    __pydantic_config__: ClassVar = {"json_schema_extra": {"required": ["metric"]}}

    metric: Text | None = None
    above: Amount | None = None
    below: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingSection:
    """How a model is retrained."""

    pipeline: PlacedPipelineSection
    gate: Annotated[dict[str, Any], Advice("give the options, like {metric: mae}"), _GateOptions()]
    experiment: Text | None = None
    parameters: Parameters = field(default_factory=dict)
    compute: ComputeSection = field(default_factory=ComputeSection)
    data: dict[str, DataSection] = field(default_factory=dict)
    limits: LimitsSection = field(default_factory=LimitsSection)
    budget: BudgetSection = field(default_factory=BudgetSection)
    cost: CostSection = field(default_factory=CostSection)
    worth: Annotated[dict[str, Amount], Names(_worth_names)] = field(default_factory=dict)
    stop: StopSection | None = None
    candidate: Text | None = None
    promote_to: Text | None = None
    give_up_after: Seconds | None = None


def retrainings_of(
    sections: Mapping[str, RetrainingSection], place: FilePlace, workspaces: Mapping[str, Workspace], ladder: Ladder
) -> tuple[Retraining, ...]:
    """How each model that has a section is retrained; *place* is that of the models."""
    rules = tuple(
        _retraining(section, model, place.inside(f"{model}.retraining"), workspaces, ladder)
        for model, section in sections.items()
    )
    _refuse_shared_files(place, rules)
    return rules


def _retraining(
    section: RetrainingSection, model: str, place: FilePlace, workspaces: Mapping[str, Workspace], ladder: Ladder
) -> Retraining:
    pipeline = place.inside("pipeline")
    rules = built(
        Retraining,
        section,
        model=model,
        pipeline=pipeline_of(
            section.pipeline, pipeline, workspace_of(section.pipeline.environment, pipeline, workspaces)
        ),
        experiment=section.experiment or model,
        compute=built(TrainingCompute, section.compute),
        data=tuple(_data(data, name, place.inside(f"data.{name}")) for name, data in section.data.items()),
        limits=_limits(section.limits, place.inside("limits")),
        budget=built(Budget, section.budget),
        rates=built(Rates, section.cost),
        worth=_worth(section.worth, place.inside("worth")),
        gate=gate_of(_GATE, section.gate, place, "gate"),
        stop=_stop(section.stop, place.inside("stop")),
    )
    if rules.budget.amount and not rules.rates.node_hour:
        place.fail("budget", "limits what costs nothing", "say what a node costs: `cost: {node_hour, hours}`")
    _refuse_unreachable(place, rules, ladder)
    return rules


def _data(section: DataSection, name: str, place: FilePlace) -> TrainingRoute:
    if not NAME.fullmatch(name):
        place.fail("", "is not a name", "use up to 63 lower-case letters, digits and dashes")
    if name == HOLDOUT:
        place.fail("", "is what the pipeline is given the hold-out as", "name this data otherwise")
    if section.take:
        place.fail_all("take", paths.take_problems(section.take, Group()))
        if not section.take.endswith(_SUFFIXES[section.kind]):
            remedy = f"training data of kind {section.kind.value} are {_SUFFIXES[section.kind]} files"
            place.fail("take", f"is {section.take!r}", remedy)
    boxes = section.kind is TrainingKind.BOXES
    if not boxes:
        _check_table(section, place)
    elif section.contract is not None:
        place.fail("contract", "is of tables", "remove it: boxes have rules of their own, and `labels`")
    contract = "" if boxes else named_contract(place, section.contract or "")
    key = section.key or (("image_url",) if boxes else ())
    return built(TrainingRoute, section, name=name, contract=contract, key=key)


def _check_table(section: DataSection, place: FilePlace) -> None:
    if section.contract is None:
        place.fail("contract", "is missing", "name a data contract beside the configuration")
    if not section.key:
        place.fail("key", "is missing", "name the columns that tell two rows apart, like [id]")
    if section.labels:
        place.fail("labels", "are of bounding boxes", "remove them, or use kind: boxes")


def _limits(section: LimitsSection, place: FilePlace) -> Limits:
    limits = built(Limits, section)
    if bool(limits.runs) != bool(limits.within_s):
        place.fail("runs", "and `within` belong together", "give both: at most `runs` within `within`")
    if limits.debounce_s > limits.longest_debounce_s:
        place.fail("debounce", f"is {limits.debounce_s} s, above longest_debounce", "use a shorter one")
    return limits


def _worth(section: Mapping[str, float], place: FilePlace) -> Worth:
    place.refuse_unknown(section, _worth_names())
    by_kind = {name: amount for name, amount in section.items() if name != _TIMES_COST}
    return Worth(by_kind=by_kind, times_cost=section.get(_TIMES_COST, Worth().times_cost))


def _stop(section: StopSection | None, place: FilePlace) -> StopRule:
    if section in (None, StopSection()):
        return StopRule()
    if section.metric is None:
        place.fail("metric", "is missing", "name the metric that the run logs")
    if section.above is None and section.below is None:
        place.fail("above", "is missing", "give `above` or `below`: beyond it the run is cancelled")
    return built(StopRule, section)


def _refuse_unreachable(place: FilePlace, rules: Retraining, ladder: Ladder) -> None:
    """What follows a better challenger must be there: the hold-out, the stage to promote to and that of candidates."""
    if rules.model not in {model.name for model in ladder.models}:
        place.fail("", "needs a hold-out to judge by", f"add models.{rules.model}.promotion")
    stages = {stage.name: stage for stage in ladder.stages}
    source = rules.pipeline.workspace.name
    for name, target, central in (("candidate", rules.candidate, True), ("promote_to", rules.promote_to, False)):
        stage = stages.get(target)
        if target and (stage is None or stage.candidate is not central):
            fitting = [candidate.name for candidate in ladder.stages if candidate.candidate is central]
            place.fail(name, f"is {target!r}", f"use one of {', '.join(fitting) or '(none configured)'}")
        elif stage is not None and source and not _leads(stages, source, target):
            problem = f"is {target!r}, where no edge from {source!r} leads"
            place.fail(name, problem, "let the pipeline run where one begins")


def _leads(stages: Mapping[str, Stage], source: str, target: str) -> bool:
    visits = set[str]()
    while target in stages and target not in visits and target != source:
        visits.add(target)
        target = stages[target].source
    return target == source


def _refuse_shared_files(place: FilePlace, models: Iterable[Retraining]) -> None:
    """The same files may train two models, but not twice the same one."""
    for rules in models:
        names: dict[str, str] = {}
        for route in rules.data:
            first = names.setdefault(paths.same_files(route.take), route.name)
            if first != route.name and route.take:
                path = f"{rules.model}.retraining.data.{route.name}.take"
                place.fail(path, f"is the same as that of {first}", "give each its own files")
