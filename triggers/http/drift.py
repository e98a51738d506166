"""Drift and feature relevance over HTTP: how a model is watched, and checks of one file by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Annotated, Any

from shared.application.drift.watches import reference_of
from shared.application.inference.scoring import current_scoring
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain.drift.detector import DriftVerdict, detect
from shared.domain.drift.relevance import FeatureRelevance, Relevance, RelevanceError, relevance
from shared.domain.drift.rule import DriftRule
from shared.domain.drift.watch import DriftWatch, DriftWindow
from shared.domain.promotion.models import ModelVersion
from shared.ports import HubFile
from shared.records import paths as records
from shared.records.drift import FailedCheck, read_window
from shared.validation.rules import Name, OptionalName, Whole
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem
from triggers.http.named_resources import HubPath, find_file, find_route

_MOST_LOOKS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftAsked:
    """The file at *path* (container/path in the hub), as *route* would read it, beside the reference of its model."""

    path: HubPath
    route: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceAsked:
    """What the columns of the table at *path* tell about *target*; the same *seed* gives the same answer."""

    path: HubPath
    target: Name
    resamples: Annotated[int, Whole(least=0, most=1000)] = 100
    bins: Annotated[int, Whole(least=2, most=20)] = 5
    seed: Annotated[int, Whole(least=0, most=2**31 - 1)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowShown:
    """*runs* counts the runs in it; *looks* says how often it was looked at; times are ISO 8601 UTC."""

    number: int
    opened: str
    reference: str
    rows: int = 0
    runs: int = 0
    looks: int = 0
    looked: str = ""
    looked_rows: int = 0
    closed: str = ""
    outcome: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftProblem:
    at: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionWatched:
    """*report* is the newest report as it was written, *page* (container/path) the same for people.

    *windows_month* windows were looked at in the last 30 days; *false_alarm_month* is the probability that at least one
    of so many raises a false alarm, at most.
    """

    version: str
    windows_month: int = 0
    false_alarm_month: float = 0.0
    window: WindowShown | None = None
    report: Any = None
    page: str = ""
    problem: DriftProblem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftShown:
    model: str
    watch: DriftWatch
    versions: tuple[VersionWatched, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFilters:
    """*version*: of one version of the model; the newest *limit* looks."""

    version: OptionalName = ""
    limit: Annotated[int, Whole(least=1, most=_MOST_LOOKS)] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLook:
    """How far a column was from the reference at one look, and its *share* of all that moved; None where unmeasured."""

    column: str
    part: str
    movement: str
    effect: float | None
    share: float
    score_shift: float | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceLook:
    """What a column told about the answer, before and at the look, in nats."""

    name: str
    change: str
    before: float
    after: float
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLook:
    """One report: *by* says what the shares are of, *effect* from where on a distance counts."""

    version: str
    window: int
    look: int
    at: str
    outcome: str
    because: str
    rows: int
    effect: float
    by: str
    score: str
    columns: tuple[ColumnLook, ...]
    relevance: tuple[RelevanceLook, ...] = ()
    relevance_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLooks:
    """The newest look first; *total* counts all that are kept."""

    model: str
    total: int
    looks: tuple[DriftLook, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftChecked(DriftVerdict):
    """*needed* rows would decide an inconclusive check; *by* says what the columns' shares are of."""

    model: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceShown:
    """The most telling column first; *alpha* bounds the false discovery rate of *selected*."""

    target: str
    rows: int
    bins: int
    alpha: float
    resamples: int
    seed: int
    features: tuple[FeatureRelevance, ...]
    selected: tuple[str, ...]


def show_drift(request: ApiRequest, model: str) -> DriftShown:
    """How *model* is watched, and for each version its window, its last report and what could not be checked."""
    clients = request.clients
    watch = _watch(clients, model)
    folder = records.drift_windows(model)
    versions = [blob.path.removeprefix(folder).removesuffix(".json") for blob in clients.store.blobs(folder)]
    return DriftShown(model=model, watch=watch, versions=tuple(_version(clients, watch, name) for name in versions))


def list_drift_looks(request: ApiRequest, model: str, query: LookFilters) -> DriftLooks:
    """What was found at each look at *model*, column by column: how it drifts over time."""
    _watch(request.clients, model)
    store = request.clients.store
    folder = records.drift_folder(model, query.version) if query.version else f"{records.DRIFT}{model}/"
    reports = sorted(
        (blob for blob in store.blobs(folder) if "/look-" in blob.path and blob.path.endswith(".json")),
        key=lambda blob: (blob.modified, *_place_of(blob.path)),
        reverse=True,
    )
    documents = (store.document(blob.path) for blob in reports[: query.limit])
    return DriftLooks(model=model, total=len(reports), looks=tuple(_look(report) for report in documents if report))


def _place_of(path: str) -> tuple[str, int]:
    """The window and the look of a report: of those that were written in one moment, the later look is newer."""
    window, _, look = path.rpartition("/look-")
    return window, int(look.removesuffix(".json"))


def _look(report: Mapping[str, Any]) -> DriftLook:
    verdict = report["verdict"]
    return DriftLook(
        version=report["version"],
        window=report["window"],
        look=report["look"],
        at=report["written"],
        outcome=report["outcome"],
        because=report["because"],
        rows=verdict["rows"],
        effect=report["effect"],
        by=verdict["by"],
        score=verdict["score"]["movement"],
        columns=tuple(decode(ColumnLook, _named(ColumnLook, column)) for column in verdict["columns"]),
        relevance=tuple(decode(RelevanceLook, _named(RelevanceLook, change)) for change in report["relevance"]),
        relevance_note=report["relevance_note"],
    )


def _named(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in fields(kind)}


def _watch(clients: Clients, model: str) -> DriftWatch:
    watch = clients.configuration.watch(model)
    if watch is None:
        models = ", ".join(watch.model for watch in clients.configuration.drift) or "none"
        raise Problem(404, "model is not watched", f"model {model!r} has no `drift` section; those that have: {models}")
    return watch


def _version(clients: Clients, watch: DriftWatch, version: str) -> VersionWatched:
    store, model = clients.store, watch.model
    record = read_window(store, model, version)
    reports = [
        blob
        for blob in store.blobs(f"{records.drift_folder(model, version)}windows/")
        if "/look-" in blob.path and blob.path.endswith(".html")
    ]
    newest = max(reports, key=lambda blob: blob.modified, default=None)
    report = newest.path.removesuffix("html") + "json" if newest else ""
    since = clients.clock.now() - timedelta(days=30)
    windows = len({blob.path.rpartition("/")[0] for blob in reports if blob.modified >= since})
    problem = store.get(FailedCheck, records.drift_problem(model, version))
    return VersionWatched(
        version=version,
        windows_month=windows,
        false_alarm_month=watch.false_alarm_rate(windows),
        window=_window(record[0]) if record else None,
        report=store.document(report) if report else None,
        page=f"{store.container}/{newest.path}" if newest else "",
        problem=DriftProblem(at=problem.at, because=problem.because) if problem else None,
    )


def _window(window: DriftWindow) -> WindowShown:
    return decode(WindowShown, encode(window) | {"runs": len(window.runs)})


def check_drift_now(request: ApiRequest, body: DriftAsked) -> DriftChecked:
    """The verdict on one file by itself: it is counted in no window, and nothing follows from it."""
    clients = request.clients
    route, blob = find_route(clients, body.route), find_file(clients, body.path)
    score = current_scoring(clients.endpoints, route.score)
    route = route.scored_by(score)
    watch = clients.configuration.watch(score.model)
    version = ModelVersion(name=score.model, version=score.version)
    ports = (clients.store, clients.models, clients.bundles, clients.drift_files)
    reference = reference_of(*ports, score.workspace, version, route.contract)
    files = [HubFile(name=body.path, blob=blob)]
    counts = clients.drift_files.count(route.contract, reference, files)
    verdict = detect(reference.inputs_alone, counts, watch.rule if watch else DriftRule())
    return DriftChecked(model=score.scored_model, path=body.path, **_fields(verdict))


def show_relevance(request: ApiRequest, body: RelevanceAsked) -> RelevanceShown:
    """What each column of a table tells about the target: F, chi-squared and mutual information."""
    columns = request.clients.drift_files.columns(find_file(request.clients, body.path))
    try:
        result = relevance(columns, body.target, bins=body.bins, resamples=body.resamples, seed=body.seed)
    except RelevanceError as error:
        raise Problem(422, "relevance cannot be measured", str(error)) from error
    return RelevanceShown(selected=result.selected, **_fields(result))


def _fields(result: DriftVerdict | Relevance) -> dict[str, Any]:
    return {field.name: getattr(result, field.name) for field in fields(result)}
