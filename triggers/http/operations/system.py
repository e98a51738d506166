"""The app itself: whether it lives and is ready, its configuration, its API's document, and the doctor's findings."""

import asyncio
from dataclasses import dataclass
from typing import Any

from shared.domain.inference.routes import Route, Workspace
from shared.domain.promotion.ladder import Stage
from shared.domain.schedules.due_times import Schedule
from shared.operations.doctor.findings import Finding
from triggers.http.api_route import ApiRequest
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
    staging: str
    environments: tuple[Workspace, ...]
    routes: tuple[Route, ...]
    schedules: tuple[Schedule, ...]
    ladder: tuple[Stage, ...]
    permissions: tuple[PersonaPermissions, ...]


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


async def examine_everything(request: ApiRequest) -> Examined:
    """Every finding, the worst first; how many there are of each grade."""
    from shared.operations.doctor.examine import examine  # It needs more than a liveness check should wait for.

    findings = await asyncio.to_thread(examine, request.clients)
    grades = [finding.grade.value for finding in findings]
    return Examined(grades={grade: grades.count(grade) for grade in dict.fromkeys(grades)}, findings=findings)
