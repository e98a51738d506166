"""The organisation, its projects, people and groups, and how Azure DevOps names them."""

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signalbox.emulators.tokens import PRINCIPAL, Person

AUDIENCE = "499b84ac-1321-427f-aa17-267ca6975798"
APP = "Signalbox"
_DOMAIN = "00000000-0000-0000-0000-0000000000d1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """*base* is the collection's address without a slash at its end; *groups* lists principal names by group."""

    name: str
    base: str
    projects: tuple[Project, ...]
    persons: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def project(self, key: str) -> Project | None:
        """By id or by name, as Azure DevOps takes either."""
        return next((project for project in self.projects if key.lower() in (project.id, project.name.lower())), None)

    def member(self, oid: str) -> "Member | None":
        """The member with the directory's object id *oid*."""
        if oid == PRINCIPAL:
            return Member(name=APP, unique_name=PRINCIPAL, oid=PRINCIPAL, kind="servicePrincipal")
        person = next((candidate for candidate in self.persons.values() if candidate.oid == oid), None)
        return None if person is None else Member(name=person.name, unique_name=person.upn, oid=person.oid)

    def named(self, name: str) -> "Member":
        """A person by principal name, a group, or the app. Raises KeyError."""
        if name == APP:
            return Member(name=APP, unique_name=PRINCIPAL, oid=PRINCIPAL, kind="servicePrincipal")
        if name in self.groups:
            return Member(name=name, unique_name=self._scoped_name(name), oid=name, kind="group")
        person = self.persons[name.lower()]
        return Member(name=person.name, unique_name=person.upn, oid=person.oid)

    def _scoped_name(self, group: str) -> str:
        """A group's unique name is its project's address and its own name; `[project]\\name` is only displayed."""
        scope, _, name = group.removeprefix("[").partition("]\\")
        project = self.project(scope)
        address = f"Classification/TeamProject/{project.id}" if project else f"Framework/IdentityDomain/{_DOMAIN}"
        return f"vstfs:///{address}\\{name}"

    def described(self, descriptor: str) -> "Member | None":
        """By descriptor, as the Graph API asks."""
        everybody = [APP, *self.groups, *self.persons]
        return next((member for name in everybody if (member := self.named(name)).descriptor == descriptor), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody whom the organisation knows: *kind* is `user`, `group` or `servicePrincipal`."""

    name: str
    unique_name: str
    oid: str
    kind: str = "user"

    @property
    def id(self) -> str:
        """Azure DevOps has an id of its own for everybody, which is not the directory's."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.oid))

    @property
    def descriptor(self) -> str:
        prefix = {"user": "aad", "group": "vssgp", "servicePrincipal": "aadsp"}[self.kind]
        return f"{prefix}.{urlsafe_b64encode(self.id.encode()).decode().rstrip('=')}"

    def ref(self) -> dict[str, Any]:
        """An IdentityRef, as in the recordings."""
        shape = {"displayName": self.name, "id": self.id, "uniqueName": self.unique_name, "descriptor": self.descriptor}
        return shape | ({"isContainer": True} if self.kind == "group" else {})

    def graph(self) -> dict[str, Any]:
        """A GraphUser: origin and originId lead to the directory."""
        return {
            "subjectKind": self.kind,
            "principalName": self.unique_name,
            "mailAddress": self.unique_name if self.kind == "user" else "",
            "origin": "aad",
            "originId": self.oid,
            "displayName": self.name,
            "descriptor": self.descriptor,
        }
