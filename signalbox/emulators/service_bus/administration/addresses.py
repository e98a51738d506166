"""What an address of the administration names: a list, or an entity of one of four kinds. Pure functions."""

import re
from dataclasses import dataclass

from signalbox.emulators.service_bus.administration.catalogue import Kind
from signalbox.emulators.service_bus.administration.refusals import bad
from signalbox.emulators.service_bus.entities import DEFAULT_RULE, RULES, SUBSCRIPTIONS

_BELOW = re.compile(
    r"(?P<topic>.+?)/subscriptions(?:/(?P<subscription>[^/]+)(?:/(?P<rules>rules)(?:/(?P<rule>[^/]+))?)?)?"
)
_SEGMENT = re.compile(r"[A-Za-z0-9_.\-]+")
_LONGEST = {Kind.QUEUES: 260, Kind.TOPICS: 260, Kind.SUBSCRIPTIONS: 50, Kind.RULES: 50}
_SEGMENTS = (
    "contains character(s) that is not allowed by Service Bus. Entity segments can contain only letters, numbers, "
    "periods (.), hyphens (-), and underscores (_)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """*kind* is None at the top of the namespace, where the description tells queues from topics.

    *parent* is the path of the topic or subscription to which the entity or the list belongs.
    """

    kind: Kind | None
    path: str = ""
    name: str = ""
    parent: str = ""
    is_list: bool = False


def read_address(path: str) -> Address:
    path = path.strip("/")
    lists = {f"$resources/{kind}": kind for kind in (Kind.QUEUES, Kind.TOPICS)}
    if path.lower() in lists:
        return Address(kind=lists[path.lower()], is_list=True)
    match = re.fullmatch(_BELOW, path) or re.fullmatch(_BELOW.pattern, path, re.IGNORECASE)
    if match is None:
        return Address(kind=None, path=path.lower(), name=path)
    topic = match["topic"].lower()
    if match["subscription"] is None:
        return Address(kind=Kind.SUBSCRIPTIONS, parent=topic, is_list=True)
    subscription = f"{topic}{SUBSCRIPTIONS}{match['subscription'].lower()}"
    if match["rules"] is None:
        return Address(kind=Kind.SUBSCRIPTIONS, path=subscription, name=match["subscription"], parent=topic)
    if match["rule"] is None:
        return Address(kind=Kind.RULES, parent=subscription, is_list=True)
    path = f"{subscription}{RULES}{match['rule'].lower()}"
    return Address(kind=Kind.RULES, path=path, name=match["rule"], parent=subscription)


def check_name(kind: Kind, name: str) -> None:
    """Raises AdministrationError for a name that the service does not give to an entity of the *kind*."""
    if len(name) > _LONGEST[kind]:
        raise bad(f"The entity name or path '{name}' exceeds the '{_LONGEST[kind]}' character limit.")
    if kind is Kind.RULES and name == DEFAULT_RULE:
        return
    segments = name.split("/")
    if not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise bad(f"'{name}' {_SEGMENTS}")
    if not (name[0].isalnum() and name[-1].isalnum()):
        raise bad(f"'{name}' must start and end with a letter or number.")
