"""The app itself: whether it lives and is ready, its configuration, its API's document, and the doctor's findings."""

import asyncio
from dataclasses import dataclass
from typing import Any

from shared.domain.access.redaction import without_secrets
from shared.domain.configuration_changes import ConfigurationChange, changes_between, content_of
from shared.domain.inference.routes import Route, Workspace
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.ladder import Stage
from shared.domain.schedules.due_times import Schedule
from shared.operations.doctor.findings import Finding
from shared.records import paths
from shared.records.operations import ConfigurationSeen, configurations_seen
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem
from triggers.http.operations.dependency_checks import PATIENCE_S, Dependency, ping


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    status: str
    routes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Answered with 503 unless every dependency is ready."""

    ready: bool
    dependencies: tuple[Dependency, ...]

    @property
    def http_status(self) -> int:
        return 200 if self.ready else 503


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaPermissions:
    """*allows*: where the role may act, by action; `all` is everywhere."""

    role: str
    allows: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """*accounts* are those of containers that are not in the Data Hub's."""

    staging: str
    accounts: dict[str, str]
    environments: tuple[Workspace, ...]
    routes: tuple[Route, ...]
    schedules: tuple[Schedule, ...]
    ladder: tuple[Stage, ...]
    permissions: tuple[PersonaPermissions, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeConfiguration:
    """Everything that is configured and inside the caller's scope, by section; what looks like a secret is left out.

    *since* is when the app was first found with it, empty where that is not on record yet or was not asked for.
    """

    digest: str
    since: str
    sections: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationHistory:
    """The newest first."""

    configurations: tuple[ConfigurationSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationShown:
    """One of them: *since* it was first seen, what it said, and the *changes* against the one *before* it."""

    digest: str
    since: str
    before: str
    changes: tuple[ConfigurationChange, ...]
    sections: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """The worst finding first; *grades* counts them."""

    grades: dict[str, int]
    findings: tuple[Finding, ...]


async def health(request: ApiRequest) -> Alive:
    """Whether the app lives: its settings and configuration are valid"""
    return Alive(status="alive", routes=tuple(route.name for route in request.clients.configuration.routes))


async def readiness(request: ApiRequest) -> Readiness:
    """Each dependency asked whether it answers, all at once, in at most five seconds"""
    looks = request.clients.dependencies
    dependencies = await asyncio.gather(*(ping(name, look, PATIENCE_S) for name, look in looks.items()))
    return Readiness(ready=all(dependency.ready for dependency in dependencies), dependencies=tuple(dependencies))


async def openapi(request: ApiRequest) -> dict[str, Any]:
    """This document"""
    from triggers.http.openapi import document  # It describes this module too.

    del request
    return document()


async def show_configuration(request: ApiRequest) -> Configured:
    """Routes, schedules, ladder and who may do what; read only"""
    configuration = request.clients.configuration
    return Configured(
        staging=configuration.hub.staging,
        accounts=configuration.accounts_elsewhere,
        environments=configuration.workspaces,
        routes=configuration.routes,
        schedules=configuration.schedules,
        ladder=configuration.ladder.stages,
        permissions=tuple(
            PersonaPermissions(
                role=persona.role.name, allows={action.value: places for action, places in persona.allows.items()}
            )
            for persona in configuration.permissions.personas
        ),
    )


def show_whole_configuration(request: ApiRequest) -> WholeConfiguration:
    """All sections of the configuration with their defaults, without secrets"""
    content = without_secrets(content_of(request.clients.configuration))
    digest = canonical_digest(content)
    newest = configurations_seen(request.clients.store)[:1] if request.scope.whole else ()
    since = newest[0].at if newest and newest[0].digest == digest else ""
    return WholeConfiguration(digest=digest, since=since, sections=content)


def list_configurations(request: ApiRequest) -> ConfigurationHistory:
    """The configurations that sweeps have found the app with, and when each was first found"""
    return ConfigurationHistory(configurations=configurations_seen(request.clients.store))


def show_past_configuration(request: ApiRequest, digest: str) -> ConfigurationShown:
    """What one of them said, and what it changed"""
    store = request.clients.store
    seen = configurations_seen(store)
    place = next((number for number, entry in enumerate(seen) if entry.digest.endswith(f":{digest}")), None)
    content = None if place is None else store.document(paths.configuration(digest))
    if place is None or content is None:
        raise Problem(404, "no such configuration", f"the app was not found with {digest!r}; list those that it was")
    before = seen[place + 1].digest if place + 1 < len(seen) else ""
    content_before = store.document(paths.configuration(before)) if before else None
    changes = () if content_before is None else changes_between(content_before, content)
    return ConfigurationShown(
        digest=seen[place].digest, since=seen[place].at, before=before, changes=changes, sections=dict(content)
    )


async def examine_everything(request: ApiRequest) -> Examined:
    """Every finding, the worst first; how many there are of each grade."""
    from shared.operations.doctor.examine import examine  # It needs more than a liveness check should wait for.

    findings = await asyncio.to_thread(examine, request.clients)
    grades = [finding.grade.value for finding in findings]
    return Examined(grades={grade: grades.count(grade) for grade in dict.fromkeys(grades)}, findings=findings)
