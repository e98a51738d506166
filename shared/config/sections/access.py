"""The sections about callers: roles, what each may do and where, and the machines that call."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from shared.config.fields import NAME, Names, Rule, Text, Texts
from shared.config.reading import FilePlace, built
from shared.domain.access.permissions import DEFAULT_PERSONAS, EVERYWHERE, Action, Machine, Permissions, Persona
from shared.domain.promotion.approvals import WITNESS, Role
from shared.domain.promotion.ladder import REGISTRY
from shared.domain.teams.ownership import PLATFORM

_ACTIONS = tuple(action.value for action in Action if action is not Action.ANYONE)


@dataclass(frozen=True, slots=True)
class _Places(Rule):
    """`all`, or a list of environments."""

    expected: str = "`all`, or a list of texts"

    def read(self, value: Any) -> tuple[str, ...]:
        if value == EVERYWHERE:
            return (EVERYWHERE,)
        if not isinstance(value, list) or not all(isinstance(place, str) and place.strip() for place in value):
            raise ValueError(self.expected)
        return tuple(value)

    def schema(self) -> dict[str, Any]:
        text = {"type": "string", "minLength": 1}
        return {"anyOf": [{"const": EVERYWHERE}, {"type": "array", "items": text}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSection:
    """Who may speak for a role: holders of an app role, members of a group (object id), or named persons."""

    app_role: Text | None = None
    group: Text | None = None
    people: Texts = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSection:
    """A caller that is no person; without *app* and *oid* it is known by a key of its name. It acts *as* roles."""

    acts_as: Annotated[Texts, Field(alias="as")]
    app: Text | None = None
    oid: Text | None = None


PermissionsSection = dict[str, Annotated[dict[str, Annotated[tuple[str, ...], _Places()]], Names(lambda: _ACTIONS)]]


def roles_of(sections: Mapping[str, RoleSection], place: FilePlace) -> dict[str, Role]:
    """The roles by name."""
    roles = {name: built(Role, section, name=name) for name, section in sections.items()}
    for name, role in roles.items():
        if name == WITNESS:
            place.fail(name, "is the name of the person who approves beside all roles", "give the role another name")
        if not (role.app_role or role.group or role.people):
            place.fail(name, "says nobody", "give app_role, group (object id) or people")
    return roles


def permissions_of(
    section: PermissionsSection | None,
    machines: Mapping[str, MachineSection],
    place: FilePlace,
    environments: tuple[str, ...],
    roles: Mapping[str, Role],
    team: str = PLATFORM,
) -> Permissions:
    """What the roles may do; those of a *team* with what is that team's alone.

    Without the section it is the default matrix: for the platform all of it, with the configured meaning of each role
    that it names; for a team what those of its roles may that are called like default ones.
    """
    if team == PLATFORM:
        roles = {persona.role.name: persona.role for persona in DEFAULT_PERSONAS} | dict(roles)
    if section is None:
        personas = tuple(
            Persona(role=roles[persona.role.name], allows=persona.allows, team=team)
            for persona in DEFAULT_PERSONAS
            if persona.role.name in roles
        )
    else:
        matrix = place.inside("permissions")
        personas = tuple(
            replace(_persona(allows, name, matrix, environments, roles), team=team) for name, allows in section.items()
        )
    names = tuple(persona.role.name for persona in personas)
    callers = place.inside("machines")
    return Permissions(
        personas=personas,
        machines=tuple(
            replace(_machine(machine, name, callers, names), team=team) for name, machine in machines.items()
        ),
    )


def _persona(
    allows: Mapping[str, tuple[str, ...]],
    name: str,
    place: FilePlace,
    environments: tuple[str, ...],
    roles: Mapping[str, Role],
) -> Persona:
    if name not in roles:
        place.fail(name, "is not a role", f"use one of the section `roles`: {', '.join(roles)}")
    section_place, place_names = place.inside(name), (*environments, REGISTRY)
    section_place.refuse_unknown(allows, _ACTIONS)
    for action, places in allows.items():
        for target in places:
            if target not in (*place_names, EVERYWHERE) or (target == EVERYWHERE and len(places) > 1):
                section_place.fail(action, f"names {target!r}", f"write `all`, or a list of {', '.join(place_names)}")
    places_of_action = {Action(action): places for action, places in allows.items() if action in _ACTIONS}
    return Persona(role=roles.get(name, Role(name=name)), allows=places_of_action)


def _machine(section: MachineSection, name: str, place: FilePlace, personas: tuple[str, ...]) -> Machine:
    if not NAME.fullmatch(name):
        place.fail(name, "is not a machine's name", "use up to 63 lower-case letters, digits and dashes")
    for persona in section.acts_as:
        if persona not in personas:
            remedy = f"use roles that have permissions: {', '.join(personas)}"
            place.inside(name).fail("as", f"names {persona!r}", remedy)
    return built(Machine, section, name=name)
