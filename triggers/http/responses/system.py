"""What callers are told about the app itself; there is no secret in any of it."""

from dataclasses import dataclass

from shared.domain.inference.routes import Route, Workspace
from shared.domain.promotion.ladder import Stage
from shared.domain.schedules.due_times import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    status: str
    routes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """*error* is empty where the dependency answered."""

    name: str
    ready: bool
    took_ms: float
    error: str = ""


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
    environments: tuple[Workspace, ...]
    routes: tuple[Route, ...]
    schedules: tuple[Schedule, ...]
    ladder: tuple[Stage, ...]
    permissions: tuple[PersonaPermissions, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    name: str
    owner: str
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPage:
    models: tuple[ModelRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionAt:
    """*place* is an environment, or `registry`."""

    place: str
    version: str
    kind: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShown:
    name: str
    owner: str
    versions: tuple[VersionAt, ...]
