"""Whose a run, a promotion, a training or any other thing that was started is: by the names in it, and by nothing else.

No record has a team of its own. This is the one place that finds it.
"""

import asyncio
from typing import Any

from shared import contracts as c
from shared.codec import UndecodableError, decode
from shared.domain.configuration import Configuration
from shared.domain.devops.orders import TaskOrder
from shared.domain.promotion.models import ModelVersion
from shared.domain.teams.ownership import PLATFORM, Belonging
from shared.domain.teams.views import owner_of_path
from shared.durable.starting import Client, find_input
from shared.records import paths
from shared.records.datasets import PublicationRecord
from shared.records.datasets import paths as dataset_paths
from shared.records.datasets.imports import find_import
from shared.records.inference import OpenRun, find_run
from shared.records.production.answers import HeldPart, held_path
from shared.records.promotion import find_promotion
from shared.records.retraining import find_claim
from shared.records.store import RecordStore, read_json


def owner_of_run(configuration: Configuration, store: RecordStore, run: str) -> str | None:
    """The team whose route the run is of; None for a run that is neither recorded nor about to be opened."""
    record = find_run(store, run) or store.get(OpenRun, paths.open_run(run))
    return None if record is None else owner_of(configuration, record.inference)


def owner_of_promotion(configuration: Configuration, store: RecordStore, promotion: str) -> str | None:
    """The team whose model the promotion carries; None for one that is not recorded."""
    record = find_promotion(store, promotion)
    return None if record is None else owner_of(configuration, record.promotion)


def owner_of_training(configuration: Configuration, store: RecordStore, run: str) -> str | None:
    """The team whose model the run trains; None for a run that is not recorded."""
    claim = find_claim(store, run)
    return None if claim is None else owner_of(configuration, claim.request)


def owner_of_publication(configuration: Configuration, store: RecordStore, publication: str) -> str | None:
    """The team whose data set the publication makes a version of; None for one that is not recorded."""
    record = store.get(PublicationRecord, dataset_paths.publication(publication))
    return None if record is None else configuration.team_of(Belonging.DATASET, record.name)


def owner_of_import(configuration: Configuration, store: RecordStore, name: str) -> str | None:
    """The team for whose route the import fetches files; None for one that is not recorded."""
    record = find_import(store, name)
    return None if record is None else configuration.team_of(Belonging.ROUTE, record.route)


def owner_of_named(configuration: Configuration, store: RecordStore, name: str) -> str | None:
    """The team of the run, promotion, training, publication or import called *name*; None where none is recorded."""
    for find in (owner_of_run, owner_of_promotion, owner_of_training, owner_of_publication, owner_of_import):
        owner = find(configuration, store, name)
        if owner is not None:
            return owner
    return None


def owner_of_held_part(configuration: Configuration, store: RecordStore, part: str) -> str | None:
    """The team whose answers the part is of; None where it is not held."""
    hold = store.get(HeldPart, held_path(part))
    return None if hold is None else configuration.team_of(Belonging.ANSWERS, hold.answers)


async def owner_of_instance(
    configuration: Configuration, store: RecordStore, client: Client, instance: str
) -> str | None:
    """The team that the input of the orchestration *instance* is about; None where the host does not know it."""
    item = await find_input(client, instance)
    if item is None:
        return None
    name, raw = item
    orchestration = getattr(c, name.upper(), None)
    if not isinstance(orchestration, c.Orchestration):
        return PLATFORM
    try:
        # A client of the SDK gives the host the JSON text of an input, and the host keeps that as one JSON string.
        payload = decode(orchestration.takes, read_json(raw.encode()) if isinstance(raw, str) else raw)
    except UndecodableError:  # The input of a release that asked for something else.
        return PLATFORM
    if isinstance(payload, c.TaskFollowing) and payload.order.run:
        return await asyncio.to_thread(owner_of_named, configuration, store, payload.order.run)
    return owner_of(configuration, payload)


def owner_of(configuration: Configuration, payload: Any) -> str:
    """The team that *payload*, the input of an orchestration, is about; the platform where it is about no team's."""
    kind, name = _subject(payload)
    if kind is not None:
        return configuration.team_of(kind, name)
    match payload:
        case c.PromotionSet(promotions=promotions):
            owners = {owner_of(configuration, promotion) for promotion in promotions}
            return owners.pop() if len(owners) == 1 else PLATFORM
        case c.TaskFollowing(order=order):
            return owner_of_order(configuration, order)
    return PLATFORM


def owner_of_order(configuration: Configuration, order: TaskOrder) -> str:
    """The team that an order of Azure DevOps is about. What it follows is another thing, which has its own owner."""
    if order.model:
        return configuration.team_of(Belonging.MODEL, order.model.partition(":")[0])
    if order.route:
        return configuration.team_of(Belonging.ROUTE, order.route)
    return owner_of_path(configuration, order.path) if order.path else PLATFORM


def _subject(payload: Any) -> tuple[Belonging | None, str]:
    """The name by which *payload* belongs to somebody."""
    match payload:
        case c.Inference(route=route) | c.WindowWatch(route=route) | c.JobWait(route=route):
            return Belonging.ROUTE, route.name
        case c.FileCheck(route=route) | c.SourceImport(route=route):
            return Belonging.ROUTE, route
        case c.Telling(inference=inference) | c.OrphanedRun(inference=inference):
            return Belonging.ROUTE, inference.route.name
        case c.RecordsWatch(stream=stream):
            return Belonging.STREAM, stream
        case c.ScheduleFiring(schedule=schedule):
            return Belonging.SCHEDULE, schedule.name
        case c.DatasetPublication(rules=rules):
            return Belonging.DATASET, rules.name
        case c.OrphanedPublication(request=request):
            return Belonging.DATASET, request.rules.name
    return _model_of(payload)


def _model_of(payload: Any) -> tuple[Belonging | None, str]:
    match payload:
        case c.Promotion(model=ModelVersion(name=model)) | c.Recovery(model=ModelVersion(name=model)):
            return Belonging.MODEL, model
        case c.EntryRevocation(model=ModelVersion(name=model)):
            return Belonging.MODEL, model
        case c.Restoring(promotion=promotion) | c.RolloutStep(promotion=promotion):
            return Belonging.MODEL, promotion.model.name
        case c.RetrainingRun(rules=rules) | c.TrainingWait(request=c.RetrainingRun(rules=rules)):
            return Belonging.MODEL, rules.model
        case c.RetrainingWatch(model=model) | c.RollbackRequest(name=model) | c.RehearsalRequest(name=model):
            return Belonging.MODEL, model
        case c.DriftCheck(model=model):
            return Belonging.MODEL, model
    return None, ""
