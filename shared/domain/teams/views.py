"""The configuration as members of teams see it, and the owners of what is named by a path or an address.

What no team owns belongs to the platform, so that it is seen by the platform's roles alone.
"""

from collections.abc import Iterator
from dataclasses import replace

from shared.domain.configuration import Configuration
from shared.domain.inference.routes import Route
from shared.domain.paths.intersection import witness
from shared.domain.teams.ownership import PLATFORM, Belonging, Scope


def configuration_seen_by(configuration: Configuration, scope: Scope) -> Configuration:
    """*configuration* without what is outside *scope*: its names are neither found there nor listed in messages."""
    if scope.whole:
        return configuration

    def is_inside(kind: Belonging, name: str) -> bool:
        return scope.covers(configuration.team_of(kind, name))

    ladder, permissions = configuration.ladder, configuration.permissions
    teams = tuple(team for team in configuration.teams if scope.covers(team.name))
    return replace(
        configuration,
        routes=tuple(route for route in configuration.routes if is_inside(Belonging.ROUTE, route.name)),
        workspaces=tuple(
            workspace
            for workspace in configuration.workspaces
            if scope.covers(PLATFORM)
            or any(not team.environments or workspace.name in team.environments for team in teams)
        ),
        ladder=replace(
            ladder,
            stages=tuple(stage for stage in ladder.stages if is_inside(Belonging.STAGE, stage.name)),
            models=tuple(model for model in ladder.models if is_inside(Belonging.MODEL, model.name)),
        ),
        retraining=tuple(rules for rules in configuration.retraining if is_inside(Belonging.MODEL, rules.model)),
        schedules=tuple(entry for entry in configuration.schedules if is_inside(Belonging.SCHEDULE, entry.name)),
        streams=tuple(stream for stream in configuration.streams if is_inside(Belonging.STREAM, stream.name)),
        drift=tuple(watch for watch in configuration.drift if is_inside(Belonging.MODEL, watch.model)),
        answers=tuple(rule for rule in configuration.answers if is_inside(Belonging.ANSWERS, rule.name)),
        datasets=tuple(rules for rules in configuration.datasets if is_inside(Belonging.DATASET, rules.name)),
        permissions=replace(
            permissions,
            # The platform's own stay: they may act there too, and messages say who may.
            personas=tuple(own for own in permissions.personas if own.team == PLATFORM or scope.covers(own.team)),
            machines=tuple(own for own in permissions.machines if own.team == PLATFORM or scope.covers(own.team)),
        ),
        notices=replace(
            configuration.notices,
            recipients=tuple(each for each in configuration.notices.recipients if scope.covers(each.team)),
            owners={
                name: owner for name, owner in configuration.notices.owners.items() if is_inside(Belonging.MODEL, name)
            },
        ),
        teams=teams,
    )


def configuration_of_owner(configuration: Configuration, kind: Belonging, name: str) -> Configuration:
    """*configuration* with what belongs to the owner of *name* alone; as it is where there are no teams."""
    if not configuration.teams:
        return configuration
    return configuration_seen_by(configuration, Scope(teams=frozenset({configuration.team_of(kind, name)})))


def owner_of_path(configuration: Configuration, location: str) -> str:
    """The team whose routes or training data take the file at *location* (container/path), or whose hold-out it is."""
    return next(iter(_owners_of_path(configuration, location)), PLATFORM)


def _owners_of_path(configuration: Configuration, location: str) -> Iterator[str]:
    hub = configuration.hub_of(location.partition("/")[0])
    if hub is not None:
        yield hub.team
    for route in configuration.routes:
        if route.captures(location) is not None or route.marked(location):
            yield configuration.team_of(Belonging.ROUTE, route.name)
    for rules in configuration.retraining:
        if any(data.takes(location) for data in rules.data):
            yield configuration.team_of(Belonging.MODEL, rules.model)
    for model in configuration.ladder.models:
        if location in (model.holdout.path, model.holdout.answers):
            yield configuration.team_of(Belonging.MODEL, model.name)


def owner_of_folder(configuration: Configuration, folder: str) -> str:
    """The one team whose files can lie in *folder* (container/path/); the platform where it is none, or several."""
    hub = configuration.hub_of(folder.partition("/")[0])
    if hub is not None:
        return hub.team
    owners = {
        configuration.team_of(kind, name)
        for kind, name, take in _takes(configuration)
        if witness(f"{folder}**", take) is not None or witness(f"{folder}*", take) is not None
    }
    return owners.pop() if len(owners) == 1 else PLATFORM


def _takes(configuration: Configuration) -> Iterator[tuple[Belonging, str, str]]:
    yield from ((Belonging.ROUTE, route.name, route.take) for route in configuration.routes)
    for rules in configuration.retraining:
        yield from ((Belonging.MODEL, rules.model, data.take) for data in rules.data)
    for model in configuration.ladder.models:  # A hold-out that is a published version lies in no folder of the hub.
        yield from ((Belonging.MODEL, model.name, path) for path in (model.holdout.path, model.holdout.answers) if path)


def owner_of_endpoint(configuration: Configuration, environment: str, endpoint: str) -> str:
    """The team whose stage, route or answers name the endpoint; endpoints of two teams are refused at load."""
    for stage in configuration.ladder.stages:
        is_there = stage.environment is not None and stage.environment.name == environment
        if is_there and endpoint in (stage.serving.online, stage.serving.batch):
            return configuration.team_of(Belonging.STAGE, stage.name)
    for route in configuration.routes:
        if _scores_at(route, environment, endpoint):
            return configuration.team_of(Belonging.ROUTE, route.name)
    for rule in configuration.answers:
        if (rule.workspace.name, rule.endpoint) == (environment, endpoint):
            return configuration.team_of(Belonging.ANSWERS, rule.name)
    return PLATFORM


def _scores_at(route: Route, environment: str, endpoint: str) -> bool:
    return (route.score.workspace.name, route.score.endpoint) == (environment, endpoint)
