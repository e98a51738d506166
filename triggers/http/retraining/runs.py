"""Runs of training over HTTP: what is trained and watched, all runs, and one with its causes and data."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from shared.clients import Clients
from shared.codec import decode
from shared.domain.drift.watch import DriftWatch
from shared.domain.retraining.decision import PastRun
from shared.domain.retraining.rules import Budget, Retraining
from shared.records import paths as records
from shared.records.drift import read_window
from shared.records.retraining import (
    RecordedVerdict,
    TrainedOn,
    TrainingLineage,
    book_of,
    find_claim,
    find_retraining,
    find_trial,
    open_causes,
)
from shared.records.store import plain_record
from shared.validation.rules import OptionalName, Text
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.pages import PAGE, Cursor, Limit, order_of, page
from triggers.http.exchange.problems import Problem
from triggers.http.retraining.requests import CauseRow, TrainingRow, VerdictRow, cause_row

_MOST_FILES = 200  # Of a training set, in an answer.


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedVersion:
    """The last look at a version; *looked* is empty before the first, *outcome* what it found."""

    version: str
    outcome: str
    because: str
    looked: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLearning:
    """A model that is retrained, watched for drift, or both. *spent* counts the runs within the budget's time.

    *decided* is the last decision on its causes, None before the first; *waiting* causes are open.
    """

    model: str
    retrained: bool
    watched: bool
    running: str = ""
    waiting: int = 0
    spent: float = 0.0
    budget: Budget | None = None
    decided: VerdictRow | None = None
    versions: tuple[WatchedVersion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """By name."""

    models: tuple[ModelLearning, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFilters:
    """*outcome*: as runs of training end, such as `better` or `failed`; `under way` for those that have not. *sort* is
    a column, with `-` before it the greatest first; the newest first where it is empty."""

    model: OptionalName = ""
    outcome: OptionalName = ""
    sort: Annotated[str, Text(shortest=0, longest=10, pattern=r"(-?(opened|model|outcome|cost))?")] = ""
    limit: Limit = PAGE
    cursor: Cursor = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPage:
    """The newest first; *next* is the `cursor` of the next page, empty at the end."""

    retrainings: tuple[TrainingRow, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSetShown:
    """What a run was trained on: the first *files* of all there are, and the digest of what was kept apart."""

    files: tuple[TrainedOn, ...]
    total: int
    rows: int
    holdout: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialShown:
    """How the challenger was measured and judged, beside which champion; *evidence* as it was recorded."""

    at: str
    verdict: dict[str, Any]
    champion: str
    metrics: dict[str, float]
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingShown(TrainingRow):
    """*answers* are the causes that it claimed; *data* and *trial* are None before they are recorded."""

    answers: tuple[CauseRow, ...] = ()
    data: TrainingSetShown | None = None
    trial: TrialShown | None = None


async def show_learning(request: ApiRequest) -> Learning:
    """Each model that is retrained or watched: what runs, what was decided last, what was spent, how it drifts."""
    configuration = request.clients.configuration
    names = sorted({rules.model for rules in configuration.retraining} | {watch.model for watch in configuration.drift})
    return await asyncio.to_thread(lambda: Learning(models=tuple(_learning(request.clients, name) for name in names)))


async def list_retrainings(request: ApiRequest, query: TrainingFilters) -> TrainingPage:
    """Runs of training of every model that is retrained, the newest first"""
    return await asyncio.to_thread(_page, request.clients, query)


async def show_training(request: ApiRequest, run: str) -> TrainingShown:
    """One run of training: the causes that it answers, the files that it was trained on, and how it was judged"""
    return await asyncio.to_thread(_shown, request.clients, run)


def _learning(clients: Clients, model: str) -> ModelLearning:
    rules = next((rules for rules in clients.configuration.retraining if rules.model == model), None)
    watch = clients.configuration.watch(model)
    trained = {} if rules is None else _trained(clients, rules)
    versions = () if watch is None else _versions(clients, watch)
    return ModelLearning(
        model=model, retrained=rules is not None, watched=watch is not None, versions=versions, **trained
    )


def _trained(clients: Clients, rules: Retraining) -> dict[str, Any]:
    store, model = clients.store, rules.model
    book = book_of(store, model)
    newest = max(store.blobs(records.verdicts(model)), key=lambda blob: blob.modified, default=None)
    verdict = store.get(RecordedVerdict, newest.path) if newest else None
    since = clients.clock.now() - timedelta(seconds=rules.budget.within_s)
    return {
        "running": book.running,
        "waiting": len(open_causes(store, model)),
        "spent": round(sum(run.cost for run in book.runs if run.started > since), 4),
        "budget": rules.budget,
        "decided": decode(VerdictRow, plain_record(verdict)) if verdict else None,
    }


def _versions(clients: Clients, watch: DriftWatch) -> tuple[WatchedVersion, ...]:
    folder, rows = records.drift_windows(watch.model), list[WatchedVersion]()
    for blob in clients.store.blobs(folder):
        version = blob.path.removeprefix(folder).removesuffix(".json")
        entry = read_window(clients.store, watch.model, version)
        if entry is not None:
            window = entry[0]
            row = WatchedVersion(
                version=version,
                outcome=window.outcome,
                because=window.because,
                looked=window.looked,
                rows=window.rows,
            )
            rows.append(row)
    return tuple(rows)


def _page(clients: Clients, query: TrainingFilters) -> TrainingPage:
    """The books name the runs and their times, so that only the records of one page are read.

    An outcome and a cost stand in the records alone: books keep a thousand runs at most, and then all are read.
    """
    order = order_of(query.sort or "-opened")
    runs = [
        (run, rules.model)
        for rules in clients.configuration.retraining
        if query.model in ("", rules.model)
        for run in book_of(clients.store, rules.model).runs
    ]
    rows = dict[str, TrainingRow]()
    if query.outcome or order.column in _OF_RECORDS:
        rows = {run.run: _row(clients, run, model) for run, model in runs}
    if query.outcome:
        runs = [entry for entry in runs if query.outcome == (rows[entry[0].run].outcome or "under way")]

    def place(entry: tuple[PastRun, str]) -> tuple[str, str]:
        run, model = entry
        value_of = _OF_RECORDS.get(order.column)
        of_book = model if order.column == "model" else run.started.isoformat()
        return (value_of(rows[run.run]) if value_of else of_book), run.run

    chosen, cursor = page(runs, place, query.limit, query.cursor, down=order.down)
    shown = tuple(rows.get(run.run) or _row(clients, run, model) for run, model in chosen)
    return TrainingPage(retrainings=shown, next=cursor)


# The values by which texts are in order as numbers are.
_OF_RECORDS: Mapping[str, Callable[[TrainingRow], str]] = {
    "outcome": lambda row: row.outcome,
    "cost": lambda row: f"{row.cost.counted if row.cost else 0.0:020.6f}",
}


def _row(clients: Clients, run: PastRun, model: str) -> TrainingRow:
    record = find_retraining(clients.store, run.run)
    written = plain_record(record) if record else {"model": model, "opened": run.started.isoformat()}
    return decode(TrainingRow, written | {"run": run.run})


def _shown(clients: Clients, run: str) -> TrainingShown:
    record, claim = find_retraining(clients.store, run), find_claim(clients.store, run)
    if record is None and claim is None:
        raise Problem(404, "no such run", f"no run of training is called {run!r}; `retrainings` lists them")
    written = plain_record(record) if record else {}
    causes = [cause_row(cause) for cause in claim.causes] if claim else []
    model = claim.request.rules.model if claim else ""
    row = decode(TrainingRow, {"model": model} | written | {"run": run})
    values = {name: getattr(row, name) for name in TrainingRow.__dataclass_fields__}
    return TrainingShown(**values, answers=tuple(causes), data=_data(clients, run), trial=_trial(clients, run))


def _data(clients: Clients, run: str) -> TrainingSetShown | None:
    lineage = clients.store.get(TrainingLineage, records.retraining_part(run, "data.json"))
    if lineage is None:
        return None
    members = lineage.members
    rows = sum(member.rows for member in members)
    return TrainingSetShown(files=members[:_MOST_FILES], total=len(members), rows=rows, holdout=lineage.holdout)


def _trial(clients: Clients, run: str) -> TrialShown | None:
    trial = find_trial(clients.store, run)
    if trial is None:
        return None
    return TrialShown(
        at=trial.at,
        verdict=trial.verdict,
        champion=trial.champion,
        metrics=trial.metrics,
        evidence=trial.evidence,
    )
