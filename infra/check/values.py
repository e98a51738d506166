"""Values of an evaluation: objects that know their lines, what only Azure knows, resources and modules."""

from dataclasses import dataclass, field
from typing import Any

from infra.check.findings import Place


class Body(dict[str, Any]):
    """An object of a template; *places* says where each of its keys is written, *place* where it begins."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place, self.places = place, dict[str, Place]()

    def place_of(self, key: str) -> Place:
        return self.places.get(key, self.place)


class Runtime(str):
    """A value that only a deployment knows, written as `<RESOURCE ID#path>` so that equal ones compare equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where a template is deployed to."""

    subscription: str
    group: str = ""
    location: str = "westeurope"
    tenant: str = "00000000-0000-0000-0000-00000000aaaa"

    @property
    def id(self) -> str:
        base = f"/subscriptions/{self.subscription}"
        return f"{base}/resourceGroups/{self.group}" if self.group else base


@dataclass(slots=True, kw_only=True)
class Deployed:
    """A resource as it would be sent to Azure; *name* has the names of its parents, *scope* the id that it extends."""

    type: str
    version: str
    name: str
    id: str
    body: Body
    place: Place
    template: str
    deployment: Deployment
    existing: bool = False
    scope: str = ""

    @property
    def properties(self) -> dict[str, Any]:
        properties = self.body.get("properties", {})
        return properties if isinstance(properties, dict) else {}

    @property
    def short_name(self) -> str:
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Reference:
    """A path below a resource, such as `app.properties.defaultHostName`."""

    resource: Deployed
    path: tuple[str, ...]

    def runtime(self) -> Runtime:
        return Runtime(f"<{self.resource.id}#{'.'.join(self.path)}>")


@dataclass(slots=True)
class ModuleHandle:
    """A module's outputs; None in *outputs* where its condition says that it is not deployed."""

    symbol: str
    outputs: dict[str, Any] | None = None
    used: set[str] = field(default_factory=set)
