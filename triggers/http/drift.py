"""Drift and feature relevance over HTTP: how a model is watched, and checks of one file by themselves."""

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
from shared.validation.rules import Name, Whole
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem
from triggers.http.named_resources import HubPath, find_file, find_route


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
    watch = clients.configuration.watch(model)
    if watch is None:
        models = ", ".join(watch.model for watch in clients.configuration.drift) or "none"
        raise Problem(404, "model is not watched", f"model {model!r} has no `drift` section; those that have: {models}")
    folder = records.drift_windows(model)
    versions = [blob.path.removeprefix(folder).removesuffix(".json") for blob in clients.store.blobs(folder)]
    return DriftShown(model=model, watch=watch, versions=tuple(_version(clients, watch, name) for name in versions))


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
