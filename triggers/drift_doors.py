"""What the doors of drift, relevance and alerts do; `triggers.api` opens them."""

import asyncio
import json
from dataclasses import asdict
from typing import Any

from shared.clients import Clients
from shared.codec import encode
from shared.domain import records
from shared.domain.drift.detector import detect
from shared.domain.drift.relevance import RelevanceError, relevance
from shared.domain.drift.rule import DriftRule
from shared.domain.routes import Route
from shared.ports import Blob, HubFile
from shared.watching import read_window, reference_of
from triggers import requests as asked
from triggers.doors import Call
from triggers.hub_events import receive
from triggers.problems import Problem

Answer = dict[str, Any]


async def show_drift(call: Call, model: str) -> Answer:
    """How *model* is watched, and for each version its window, its last report and what could not be checked."""
    return await asyncio.to_thread(_show, call.clients, model)


async def check_drift_now(call: Call, body: asked.DriftAsked) -> Answer:
    """The verdict on one file by itself: it is counted in no window, and nothing follows from it."""
    return await asyncio.to_thread(_check, call.clients, body)


async def show_relevance(call: Call, body: asked.RelevanceAsked) -> Answer:
    return await asyncio.to_thread(_relevance, call.clients, body)


async def receive_alert(call: Call, body: Any) -> Answer:
    """An Azure Monitor alert in the common alert schema, as a webhook of an action group sends it."""
    return {"done": list(await receive(call.client, call.clients, body))}


def _show(clients: Clients, model: str) -> Answer:
    watch = clients.configuration.watch(model)
    if watch is None:
        known = ", ".join(each.model for each in clients.configuration.drift) or "none"
        raise Problem(404, "not watched", f"model {model!r} has no `drift` section; those that have: {known}")
    state, folder = clients.configuration.hub.state, records.drift_windows(model)
    versions = [blob.path.removeprefix(folder).removesuffix(".json") for blob in clients.hub.list(state, folder)]
    return {"model": model, "watch": encode(watch), "versions": [_version(clients, model, each) for each in versions]}


def _version(clients: Clients, model: str, version: str) -> Answer:
    state, found = clients.configuration.hub.state, read_window(clients, model, version)
    window: Answer = encode(found[0]) if found else {}
    window.pop("before", None)
    window["runs"] = len(window.get("runs", ()))
    reports = list(clients.hub.list(state, f"{records.drift_folder(model, version)}windows/"))
    newest = max(
        (blob for blob in reports if "/look-" in blob.path and blob.path.endswith(".html")),
        key=lambda blob: blob.modified,
        default=None,
    )
    report = newest.path.removesuffix("html") + "json" if newest else ""
    return {
        "version": version,
        "window": window,
        "report": json.loads(clients.hub.read(state, report) or b"null") if report else None,
        "page": f"{state}/{newest.path}" if newest else "",
        "problem": json.loads(clients.hub.read(state, records.drift_problem(model, version)) or b"null"),
    }


def _check(clients: Clients, body: asked.DriftAsked) -> Answer:
    route, blob = _route(clients, body.route), _blob(clients, body.path)
    score = route.score
    watch = clients.configuration.watch(score.model)
    reference = reference_of(clients, score.workspace, score.model, score.version, route.contract)
    files = [HubFile(name=body.path, blob=blob)]
    counted = clients.drift_files.count(route.contract, reference, files)
    verdict = detect(reference.inputs_alone, counted, watch.rule if watch else DriftRule())
    return {"model": f"{score.model}:{score.version}", "path": body.path, **encode(verdict.to_dict())}


def _relevance(clients: Clients, body: asked.RelevanceAsked) -> Answer:
    columns = clients.drift_files.columns(_blob(clients, body.path))
    try:
        found = relevance(columns, body.target, bins=body.bins, resamples=body.resamples, seed=body.seed)
    except RelevanceError as error:
        raise Problem(422, "no relevance", str(error)) from error
    return {**encode(asdict(found)), "selected": list(found.selected)}


def _route(clients: Clients, name: str) -> Route:
    try:
        return clients.configuration.route(name)
    except KeyError as error:
        raise Problem(404, "no such route", str(error.args[0])) from error


def _blob(clients: Clients, path: str) -> Blob:
    container, _, inner = path.partition("/")
    blob = clients.hub.find(container, inner)
    if blob is None:
        raise Problem(404, "no such file", f"path {path!r} is not in the hub; name it as container/path")
    return blob
