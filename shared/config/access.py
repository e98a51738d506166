"""The sections of `signalbox.yaml` about callers: what each role may do and where, and the machines that call."""

from typing import Any

from shared.config.reader import NAME, Reader
from shared.config.shapes import TEXT, mapping, named
from shared.domain.access.permissions import DEFAULT_PERSONAS, EVERYWHERE, Action, Machine, Permissions, Persona
from shared.domain.promotion.approvals import Role
from shared.domain.promotion.ladder import REGISTRY

SECTIONS = ("permissions", "machines")
_ACTIONS = tuple(action.value for action in Action if action is not Action.ANYONE)


def read_permissions(reader: Reader, environments: tuple[str, ...], roles: dict[str, Role]) -> Permissions:
    """The matrix; without the section, the default one, with the configured meaning of each role it names."""
    known = {each.role.name: each.role for each in DEFAULT_PERSONAS} | roles
    section = reader.inside("permissions")
    if reader.has("permissions"):
        personas = tuple(_persona(section, name, environments, known) for name in section.names())
    else:
        personas = tuple(Persona(role=known[each.role.name], allows=each.allows) for each in DEFAULT_PERSONAS)
    names = tuple(each.role.name for each in personas)
    callers = reader.inside("machines")
    return Permissions(personas=personas, machines=tuple(_machine(callers, name, names) for name in callers.names()))


def _persona(section: Reader, name: str, environments: tuple[str, ...], roles: dict[str, Role]) -> Persona:
    if name not in roles:
        section.fail(name, "is not a role", f"use one of the section `roles`: {', '.join(roles)}")
    one = section.inside(name)
    one.known(_ACTIONS)
    allows = {Action(action): _places(one, action, environments) for action in one.names() if action in _ACTIONS}
    return Persona(role=roles.get(name, Role(name=name)), allows=allows)


def _places(one: Reader, action: str, environments: tuple[str, ...]) -> tuple[str, ...]:
    if one.raw(action) == EVERYWHERE:
        return (EVERYWHERE,)
    known, places = (*environments, REGISTRY), one.texts(action)
    for place in places:
        if place not in known:
            one.fail(action, f"names {place!r}", f"write `all`, or a list of {', '.join(known)}")
    return places


def _machine(section: Reader, name: str, personas: tuple[str, ...]) -> Machine:
    if not NAME.fullmatch(name):
        section.fail(name, "is not a machine's name", "use up to 63 lower-case letters, digits and dashes")
    one = section.inside(name)
    one.known(("app", "oid", "as"))
    acts_as = one.texts("as")
    for persona in acts_as:
        if persona not in personas:
            one.fail("as", f"names {persona!r}", f"use roles that have permissions: {', '.join(personas)}")
    return Machine(name=name, acts_as=acts_as, app=one.optional("app"), oid=one.optional("oid"))


def access_schemas() -> dict[str, Any]:
    places = {"anyOf": [{"const": EVERYWHERE}, {"type": "array", "items": TEXT}]}
    machine = mapping({"app": TEXT, "oid": TEXT, "as": {"type": "array", "items": TEXT}}, required=("as",))
    return {"permissions": named(mapping(dict.fromkeys(_ACTIONS, places))), "machines": named(machine)}
