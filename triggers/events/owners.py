"""Whose an event, a kept message or a message of a queue is: the team that owns everything it names.

What cannot be read, and what is about several teams or none, is the platform's.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.clients import Clients
from shared.domain.events import BlobArrived, ModelRegistered, UnreadableEvent
from shared.domain.teams.ownership import PLATFORM, Belonging
from shared.domain.teams.views import owner_of_path
from triggers.events.envelopes import is_storage_event, read_event
from triggers.queues.queue_messages import kept_message


def owner_of_events(clients: Clients, raw_events: Iterable[Any]) -> str:
    """The one team that all of *raw_events* are about."""
    owners = {owner_of_event(clients, raw) for raw in raw_events}
    return owners.pop() if len(owners) == 1 else PLATFORM


def owner_of_event(clients: Clients, raw: Any) -> str:
    """The team that the event, or the message that was kept as *raw*, is about."""
    message = kept_message(raw)
    if message is not None:
        return owner_of_message(clients, message.data)
    try:
        event = read_event(raw, clients.configuration.hub.account, clients.configuration.accounts_elsewhere)
    except UnreadableEvent:
        return PLATFORM
    match event:
        case BlobArrived(arrival=arrival):
            return owner_of_path(clients.configuration, arrival.location)
        case ModelRegistered(model=model):
            return _owner_of_model(clients, model.name)
    return PLATFORM


def owner_of_message(clients: Clients, data: Any) -> str:
    """The team that *data*, the content of a message, is about: records of a stream, or files of the hub."""
    if is_storage_event(data):
        return owner_of_event(clients, data)
    if not isinstance(data, Mapping):
        return PLATFORM
    configuration = clients.configuration
    if isinstance(data.get("stream"), str):
        return configuration.team_of(Belonging.STREAM, data["stream"])
    paths = data["paths"] if isinstance(data.get("paths"), list) else [data.get("check")]
    owners = {owner_of_path(configuration, path) if isinstance(path, str) else PLATFORM for path in paths}
    return owners.pop() if len(owners) == 1 else PLATFORM


def _owner_of_model(clients: Clients, name: str) -> str:
    """Events of Resource Manager spell names in any case."""
    names = {model for team in clients.configuration.teams for model in team.names.get(Belonging.MODEL, ())}
    spelled = next((model for model in names if model.lower() == name.lower()), name)
    return clients.configuration.team_of(Belonging.MODEL, spelled)
