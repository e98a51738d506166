"""`models.NAME.drift`: what is watched, what counts as drift, and what follows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from shared.config.document import read_document
from shared.config.fields import Character, Duration, Location, Number, Seconds, Share, Text, Texts
from shared.config.reading import FilePlace, built
from shared.domain.drift.reference import PLACE
from shared.domain.drift.rule import DriftRule
from shared.domain.drift.watch import DriftWatch, Labels, OutputField
from shared.domain.inference.routes import Route
from shared.validation.rules import Whole

_EACH_RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftWindowSection:
    """How rows are gathered before they are looked at."""

    rows: Annotated[int, Whole(least=1, most=10**9)] | None = None
    longest: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSection:
    """The model's output in the lines it writes; *field* counts from 1, without it the last one."""

    name: Text
    field: Annotated[int, Whole(least=1, most=1000)] | None = None
    delimiter: Annotated[str, Character()] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsSection:
    """Where rows with known answers lie: the newest file below *path*."""

    path: Location
    target: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftSection:
    """How a model is watched."""

    routes: Texts = ()
    answers: bool | None = None
    every: Annotated[int, Duration(least=60, word=_EACH_RUN)] | None = None
    window: DriftWindowSection = field(default_factory=DriftWindowSection)
    alpha: Annotated[float, Number(most=1, between=True, example=DriftRule().alpha)] | None = None
    effect: Annotated[float, Number(most=1, between=True, example=DriftRule().effect)] | None = None
    minimum_rows: Annotated[int, Whole(least=20, most=10**9)] | None = None
    power: Annotated[float, Number(most=1, between=True, example=DriftRule().power)] | None = None
    score_must_move: bool | None = None
    output: OutputSection | None = None
    labels: LabelsSection | None = None
    retrain: bool | None = None
    tell: Texts = ()
    sources: Texts = ()
    coefficient: Share | None = None


def watches_of(
    sections: Mapping[str, DriftSection], place: FilePlace, routes: tuple[Route, ...]
) -> tuple[DriftWatch, ...]:
    """How each model that has a section is watched; *place* is that of the models."""
    watches = tuple(
        _watch(section, model, place.inside(f"{model}.drift"), routes) for model, section in sections.items()
    )
    _refuse_shared_sources(place, watches)
    for watch in watches:
        _warn_without_reference(place.inside(watch.model), watch, routes)
    return watches


def _watch(section: DriftSection, model: str, place: FilePlace, routes: tuple[Route, ...]) -> DriftWatch:
    scoring = [route.name for route in routes if route.score.model == model]
    for name in section.routes:
        if name not in scoring:
            route_names = ", ".join(scoring) or "none does"
            place.fail("routes", f"names {name!r}", f"use routes that score {model}: {route_names}")
    window = built(DriftWatch, section.window, model=model)
    watch = built(
        DriftWatch,
        section,
        model=model,
        rule=built(DriftRule, section),
        rows=window.rows,
        longest_s=window.longest_s,
        output=built(OutputField, section.output) if section.output else None,
        labels=_labels(section.labels, place.inside("labels")),
    )
    if watch.rows < watch.rule.minimum_rows:
        problem = f"is {watch.rows}, below minimum_rows"
        place.fail("window.rows", problem, f"use at least {watch.rule.minimum_rows}")
    return watch


def _labels(section: LabelsSection | None, place: FilePlace) -> Labels | None:
    if section is None:
        return None
    if section.path and not all(section.path.partition("/")[::2]):
        remedy = "write CONTAINER/PATH of the file, or of the folder the files lie in"
        place.fail("path", f"is {section.path!r}", remedy)
    return built(Labels, section)


def _warn_without_reference(place: FilePlace, watch: DriftWatch, routes: tuple[Route, ...]) -> None:
    """Say of each contract that names no profile that its model's versions must bring one: else nothing is compared."""
    scoring = [route for route in routes if route.score.model == watch.model]
    contracts = [route.contract for route in scoring if not watch.routes or route.name in watch.routes]
    for contract in dict.fromkeys(contracts):
        if contract and not _names_reference(place.report.home / contract):
            problem = f"watches the model, and {contract} names no reference profile"
            remedy = f"bring {PLACE} in the bundle of every version, or write one with `signalbox profile`"
            place.fail("drift", problem, remedy, level="warning")


def _names_reference(contract: Path) -> bool:
    """Also where the contract cannot be read: its own findings say that."""
    document, _ = read_document(contract)
    return document is None or isinstance(document.content.get("distribution"), dict)


def _refuse_shared_sources(place: FilePlace, watches: Iterable[DriftWatch]) -> None:
    """One event is about one model."""
    models: dict[str, str] = {}
    for watch in watches:
        for source in watch.sources:
            first = models.setdefault(source.lower(), watch.model)
            if first != watch.model:
                problem = f"names {source!r}, as {first} does"
                place.fail(f"{watch.model}.drift.sources", problem, "let every monitor and alert mean one model")
