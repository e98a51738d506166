"""What the doors of drift, relevance and alerts do; `triggers.http.routes` opens them."""

import asyncio
from dataclasses import fields
from datetime import timedelta
from typing import Any

from shared.application.drift.watches import reference_of
from shared.clients import Clients
from shared.codec import decode, encode
from shared.domain.drift.detector import DriftVerdict, detect
from shared.domain.drift.relevance import Relevance, RelevanceError, relevance
from shared.domain.drift.rule import DriftRule
from shared.domain.drift.watch import DriftWatch, DriftWindow
from shared.domain.promotion.models import ModelVersion
from shared.ports import HubFile
from shared.records import paths as records
from shared.records.drift import FailedCheck, read_window
from triggers.events.event_grid import receive
from triggers.http import requests as asked
from triggers.http.door import Call
from triggers.http.named_resources import find_file, find_route
from triggers.http.problems import Problem
from triggers.http.responses import models as answers


async def show_drift(call: Call, model: str) -> answers.DriftShown:
    """How *model* is watched, and for each version its window, its last report and what could not be checked."""
    return await asyncio.to_thread(_show, call.clients, model)


async def check_drift_now(call: Call, body: asked.DriftAsked) -> answers.DriftChecked:
    """The verdict on one file by itself: it is counted in no window, and nothing follows from it."""
    return await asyncio.to_thread(_check, call.clients, body)


async def show_relevance(call: Call, body: asked.RelevanceAsked) -> answers.RelevanceShown:
    """What each column of a table tells about the target: F, chi-squared and mutual information."""
    return await asyncio.to_thread(_relevance, call.clients, body)


async def receive_alert(call: Call, body: Any) -> answers.AlertTaken:
    """An Azure Monitor alert in the common alert schema, as a webhook of an action group sends it."""
    return answers.AlertTaken(done=tuple(await receive(call.client, call.clients, body)))


def _show(clients: Clients, model: str) -> answers.DriftShown:
    watch = clients.configuration.watch(model)
    if watch is None:
        known = ", ".join(each.model for each in clients.configuration.drift) or "none"
        raise Problem(404, "not watched", f"model {model!r} has no `drift` section; those that have: {known}")
    folder = records.drift_windows(model)
    versions = [blob.path.removeprefix(folder).removesuffix(".json") for blob in clients.store.blobs(folder)]
    watched = tuple(_version(clients, watch, version) for version in versions)
    return answers.DriftShown(model=model, watch=watch, versions=watched)


def _version(clients: Clients, watch: DriftWatch, version: str) -> answers.VersionWatched:
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
    return answers.VersionWatched(
        version=version,
        windows_month=windows,
        false_alarm_month=watch.false_alarm_rate(windows),
        window=_window(record[0]) if record else None,
        report=store.document(report) if report else None,
        page=f"{store.container}/{newest.path}" if newest else "",
        problem=answers.DriftProblem(at=problem.at, because=problem.because) if problem else None,
    )


def _window(window: DriftWindow) -> answers.WindowShown:
    return decode(answers.WindowShown, encode(window) | {"runs": len(window.runs)})


def _check(clients: Clients, body: asked.DriftAsked) -> answers.DriftChecked:
    route, blob = find_route(clients, body.route), find_file(clients, body.path)
    score = route.score
    watch = clients.configuration.watch(score.model)
    version = ModelVersion(name=score.model, version=score.version)
    ports = (clients.store, clients.models, clients.bundles, clients.drift_files)
    reference = reference_of(*ports, score.workspace, version, route.contract)
    files = [HubFile(name=body.path, blob=blob)]
    counted = clients.drift_files.count(route.contract, reference, files)
    verdict = detect(reference.inputs_alone, counted, watch.rule if watch else DriftRule())
    return answers.DriftChecked(model=f"{score.model}:{score.version}", path=body.path, **_fields(verdict))


def _relevance(clients: Clients, body: asked.RelevanceAsked) -> answers.RelevanceShown:
    columns = clients.drift_files.columns(find_file(clients, body.path))
    try:
        found = relevance(columns, body.target, bins=body.bins, resamples=body.resamples, seed=body.seed)
    except RelevanceError as error:
        raise Problem(422, "no relevance", str(error)) from error
    return answers.RelevanceShown(selected=found.selected, **_fields(found))


def _fields(found: DriftVerdict | Relevance) -> dict[str, Any]:
    return {field.name: getattr(found, field.name) for field in fields(found)}
