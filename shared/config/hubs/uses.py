"""Every place of the configuration that names data by where it lies: one list, so that no rule about data forgets one.

`tests/unit/config/test_hubs.py` compares it with the fields of the sections that take a location.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.configuration import Configuration
from shared.domain.inference.routes import Route, Workspace
from shared.domain.promotion.ladder import Promotable
from shared.domain.schedules.due_times import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse:
    """*field* names files at *location*, and they are read or written in *workspace*; without one, what is read there
    decides about production, wherever that happens. *is_folder*: what lies below is meant, too."""

    field: str
    location: str
    workspace: Workspace | None = None
    is_folder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteInput(DataUse):
    """Files that *route* scores."""

    route: Route


def data_uses(configuration: Configuration) -> Iterator[DataUse]:
    """Every use."""
    yield from route_inputs(configuration)
    for route in configuration.routes:
        field = f"routes.{route.name}.publish"
        yield DataUse(field=field, location=route.publish, workspace=route.score.workspace)
    for rule in configuration.answers:
        yield DataUse(field=f"answers.{rule.name}.publish", location=rule.publish, workspace=rule.workspace)
    for rules in configuration.retraining:
        for data in rules.data:
            field = f"models.{rules.model}.retraining.data.{data.name}.take"
            yield DataUse(field=field, location=data.take, workspace=rules.pipeline.workspace)
    for watch in configuration.drift:
        if watch.labels is not None:
            yield DataUse(field=f"models.{watch.model}.drift.labels.path", location=watch.labels.path, is_folder=True)
    for model in configuration.ladder.models:
        yield from holdout_uses(model)
    yield from stage_uses(configuration)


def route_inputs(configuration: Configuration) -> Iterator[RouteInput]:
    """What routes score: what they take, what schedules have them score, and what streams land for them."""
    routes = {route.name: route for route in configuration.routes}
    places = [(f"routes.{name}.take", route.take, name) for name, route in routes.items()]
    places += [
        (f"schedules.{schedule.name}.input", schedule.input, schedule.of)
        for schedule in configuration.schedules
        if schedule.input and schedule.target is Target.SCORE
    ]
    places += [(f"streams.{stream.name}.land", stream.land, stream.route) for stream in configuration.streams]
    for field, location, name in places:
        if name in routes:  # Where it is not, that is a finding of its own.
            route = routes[name]
            yield RouteInput(field=field, location=location, workspace=route.score.workspace, route=route)


def holdout_uses(model: Promotable) -> Iterator[DataUse]:
    """The files with known answers that judge *model*."""
    for name, location in (("path", model.holdout.path), ("answers", model.holdout.answers)):
        if location:
            yield DataUse(field=f"models.{model.name}.promotion.holdout.{name}", location=location)


def stage_uses(configuration: Configuration) -> Iterator[DataUse]:
    """The folders that stages of the ladder train on."""
    for stage in configuration.ladder.stages:
        for training in stage.training:
            for folder in training.data:
                field = f"ladder.{stage.name}.train.{training.model}.data.{folder.name}.path"
                yield DataUse(field=field, location=folder.path, is_folder=True)
