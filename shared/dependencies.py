"""What the app needs to answer, by name: a look at each service that the settings and the configuration use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from shared.adapters.azure_ml_arm import place_path
from shared.adapters.reachability import reach
from shared.ports import Place

if TYPE_CHECKING:
    from shared.adapters.azure_ml_arm import Arm
    from shared.clients import Clients

Look = Callable[[], object]


def looks(clients: Clients, arm: Arm) -> Mapping[str, Look]:
    """Each raises where its service does not answer, or does not let the app in."""
    told, settings = clients.configuration, clients.settings
    registries = {stage.registry.name: stage.registry for stage in told.ladder.stages if stage.registry}
    places: list[tuple[str, Place]] = [(f"workspace {each.name}", each) for each in told.workspaces]
    places += [(f"registry {name}", registry) for name, registry in registries.items()]
    return {
        "hub": lambda: clients.hub.find(told.hub.state, "readiness"),
        **{name: partial(arm.get, place_path(place), f"look at {name}") for name, place in places},
        "event grid topic": partial(reach, settings.topic_endpoint),
        "token issuer": partial(reach, f"{settings.token_issuer}/.well-known/openid-configuration"),
        **dict(_messaging(clients)),
        **{f"organisation {name}": partial(_look_into, clients, name) for name in told.devops.organisations},
    }


def _messaging(clients: Clients) -> Iterator[tuple[str, Look]]:
    """Each queue that is received from and the topic that is told; nothing where there is no namespace."""
    for door in clients.queues.doors:
        yield f"queue of {door.value}", partial(clients.queues.dead, door, 1)
    if clients.settings.results_topic:
        yield "results topic", lambda: clients.messenger.reach(clients.settings.results_topic)


def _look_into(clients: Clients, organisation: str) -> str:
    """Whether the project is there does not matter: who may not come in, or gets no answer, hears so."""
    return clients.devops_facts.project_id(organisation, next(iter(clients.configuration.devops.projects), "readiness"))
