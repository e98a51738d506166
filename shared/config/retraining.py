"""`models.NAME.retraining`: which pipeline retrains a model, on which data, within which limits, and what follows."""

from collections.abc import Mapping
from typing import Any

from shared.config import paths
from shared.config.pipelines import read_compute, read_parameters, read_placed_pipeline
from shared.config.reader import NAME, Reader
from shared.domain.gates import GateSpec, read_gate
from shared.domain.inference.routes import Group, Workspace
from shared.domain.promotion.ladder import Ladder
from shared.domain.retraining.causes import CauseKind
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

FIELDS = (
    "pipeline",
    "experiment",
    "parameters",
    "compute",
    "data",
    "limits",
    "budget",
    "cost",
    "worth",
    "gate",
    "stop",
    "candidate",
    "promote_to",
    "give_up_after",
)
DATA = ("take", "kind", "contract", "key", "labels", "rows", "files", "age", "conflicts")
LIMITS = ("debounce", "longest_debounce", "min_interval", "runs", "within", "champion_age")
_SUFFIXES = {TrainingKind.TABULAR: ".csv", TrainingKind.BOXES: ".jsonl"}


def read_retrainings(reader: Reader, workspaces: Mapping[str, Workspace], ladder: Ladder) -> tuple[Retraining, ...]:
    """The `retraining` section of every model that has one."""
    models: Any = reader.raw("models")
    named = {name: raw for name, raw in models.items() if isinstance(raw, dict)} if isinstance(models, dict) else {}
    section = reader.inside("models") if named else reader
    wanted = [name for name, raw in named.items() if raw.get("retraining") is not None]
    found = [_retraining(section.inside(name).inside("retraining"), name, workspaces, ladder) for name in wanted]
    _refuse_shared_files(section, found)
    return tuple(found)


def _retraining(one: Reader, model: str, workspaces: Mapping[str, Workspace], ladder: Ladder) -> Retraining:
    one.known(FIELDS)
    pipeline = read_placed_pipeline(one.inside("pipeline", required=True), workspaces)
    data = one.inside("data")
    read = Retraining(
        model=model,
        pipeline=pipeline,
        experiment=one.text("experiment", model),
        parameters=read_parameters(one.inside("parameters")),
        compute=read_compute(one.inside("compute")),
        data=tuple(_data(data, name) for name in data.names()),
        limits=_limits(one.inside("limits")),
        budget=_budget(one.inside("budget")),
        rates=_rates(one.inside("cost")),
        worth=_worth(one.inside("worth")),
        gate=_gate(one),
        stop=_stop(one.inside("stop")),
        candidate=one.optional("candidate"),
        promote_to=one.optional("promote_to"),
        give_up_after_s=one.seconds("give_up_after", 6 * 3600),
    )
    if read.budget.amount and not read.rates.node_hour:
        one.fail("budget", "limits what costs nothing", "say what a node costs: `cost: {node_hour, hours}`")
    _refuse_unreachable(one, read, ladder)
    return read


def _data(section: Reader, name: str) -> TrainingRoute:
    one = section.inside(name)
    one.known(DATA)
    if not NAME.fullmatch(name):
        section.fail(name, "is not a name", "use up to 63 lower-case letters, digits and dashes")
    if name == HOLDOUT:
        section.fail(name, "is what the pipeline is given the hold-out as", "name this data otherwise")
    kind = TrainingKind(one.choice("kind", tuple(TrainingKind), TrainingKind.TABULAR))
    read = TrainingRoute(
        name=name,
        take=_take(one, kind),
        kind=kind,
        contract=_contract(one, kind),
        key=one.texts("key") or (("image_url",) if kind is TrainingKind.BOXES else ()),
        labels=one.texts("labels"),
        rows=one.whole("rows", 1, 2**31 - 1) or 0,
        files=one.whole("files", 1, 2**31 - 1) or 0,
        age_s=one.seconds("age", 86400) if one.has("age") else 0,
        conflicts=OnConflict(one.choice("conflicts", tuple(OnConflict), OnConflict.NEWEST)),
    )
    if kind is TrainingKind.TABULAR and not read.key:
        one.fail("key", "is missing", "name the columns that tell two rows apart, like [id]")
    if kind is TrainingKind.TABULAR and read.labels:
        one.fail("labels", "are of bounding boxes", "remove them, or use kind: boxes")
    return read


def _take(one: Reader, kind: TrainingKind) -> str:
    take = one.text("take")
    if take:
        one.fail_all("take", paths.take_problems(take, Group()))
        if not take.endswith(_SUFFIXES[kind]):
            one.fail("take", f"is {take!r}", f"training data of kind {kind.value} are {_SUFFIXES[kind]} files")
    return take


def _contract(one: Reader, kind: TrainingKind) -> str:
    if kind is TrainingKind.BOXES:
        if one.has("contract"):
            one.fail("contract", "is of tables", "remove it: boxes have rules of their own, and `labels`")
        return ""
    return one.contract("contract")


def _limits(one: Reader) -> Limits:
    one.known(LIMITS)
    plain = Limits()
    read = Limits(
        debounce_s=one.seconds("debounce", plain.debounce_s, least=0),
        longest_debounce_s=one.seconds("longest_debounce", plain.longest_debounce_s, least=0),
        min_interval_s=one.seconds("min_interval", 0, least=0),
        runs=one.whole("runs", 1, MOST_RUNS) or 0,
        within_s=one.seconds("within", 86400) if one.has("within") else 0,
        champion_age_s=one.seconds("champion_age", 0, least=0),
    )
    if bool(read.runs) != bool(read.within_s):
        one.fail("runs", "and `within` belong together", "give both: at most `runs` within `within`")
    if read.debounce_s > read.longest_debounce_s:
        one.fail("debounce", f"is {read.debounce_s} s, above longest_debounce", "use a shorter one")
    return read


def _budget(one: Reader) -> Budget:
    one.known(("amount", "within"))
    return Budget(amount=one.number("amount", 0.0), within_s=one.seconds("within", Budget().within_s))


def _rates(one: Reader) -> Rates:
    one.known(("node_hour", "hours"))
    return Rates(node_hour=one.number("node_hour", 0.0), hours=one.number("hours", 0.0))


def _worth(one: Reader) -> Worth:
    kinds = [kind.value for kind in CauseKind]
    one.known((*kinds, "times_cost"))
    by_kind = {name: one.number(name, 0.0) for name in kinds if one.has(name)}
    return Worth(by_kind=by_kind, times_cost=one.number("times_cost", 1.0))


def _gate(one: Reader) -> GateSpec:
    options: Any = one.raw("gate")
    if not isinstance(options, dict):
        one.fail("gate", "is missing" if options is None else f"is {options!r}", "give the options, like {metric: mae}")
        return GateSpec(gate="better_than_champion")
    spec, problems = read_gate("better_than_champion", options)
    for each in problems:
        one.fail(f"gate.{each.option}", each.problem, each.remedy)
    return spec


def _stop(one: Reader) -> StopRule:
    one.known(("metric", "above", "below"))
    if not one.names():
        return StopRule()
    bounds = {name: one.number(name, 0.0) if one.has(name) else None for name in ("above", "below")}
    if not any(one.has(name) for name in bounds):
        one.fail("above", "is missing", "give `above` or `below`: beyond it the run is cancelled")
    return StopRule(metric=one.text("metric"), above=bounds["above"], below=bounds["below"])


def _refuse_unreachable(one: Reader, read: Retraining, ladder: Ladder) -> None:
    """What follows a better challenger must be there: the hold-out, the stage to promote to and that of candidates."""
    if read.model not in {model.name for model in ladder.models}:
        one.fail("", "needs a hold-out to judge by", f"add models.{read.model}.promotion")
    stages = {stage.name: stage for stage in ladder.stages}
    source = read.pipeline.workspace.name
    for field, name, central in (("candidate", read.candidate, True), ("promote_to", read.promote_to, False)):
        stage = stages.get(name)
        if name and (stage is None or stage.candidate is not central):
            fitting = [each.name for each in ladder.stages if each.candidate is central]
            one.fail(field, f"is {name!r}", f"use one of {', '.join(fitting) or '(none configured)'}")
        elif stage is not None and source and not _leads(stages, source, name):
            one.fail(
                field, f"is {name!r}, where no edge from {source!r} leads", "let the pipeline run where one begins"
            )


def _leads(stages: Mapping[str, Any], source: str, name: str) -> bool:
    seen = set[str]()
    while name in stages and name not in seen and name != source:
        seen.add(name)
        name = stages[name].source
    return name == source


def _refuse_shared_files(section: Reader, found: list[Retraining]) -> None:
    """The same files may train two models, but not twice the same one."""
    for rules in found:
        seen: dict[str, str] = {}
        for route in rules.data:
            first = seen.setdefault(paths.same_files(route.take), route.name)
            if first != route.name and route.take:
                field = f"{rules.model}.retraining.data.{route.name}.take"
                section.fail(field, f"is the same as that of {first}", "give each its own files")
