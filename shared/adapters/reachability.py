"""Whether services answer at all, each with one small request: any answer that is not a fault of its own counts."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Protocol

from azure.core import PipelineClient
from azure.core.rest import HttpRequest, HttpResponse

from shared.adapters.azure_faults import translated
from shared.adapters.azure_ml.arm import Arm, place_path
from shared.domain.configuration import Configuration
from shared.domain.failures import Transient
from shared.ports import DataHub, DevOpsFacts, Messenger, Place, Queues

_TIMEOUT_S = 4
Look = Callable[[], object]


class Addresses(Protocol):
    """What is asked of the settings."""

    @property
    def topic_endpoint(self) -> str: ...
    @property
    def token_issuer(self) -> str: ...
    @property
    def results_topic(self) -> str: ...


class Reached(Protocol):
    """The clients that are asked whether what they reach is there."""

    @property
    def settings(self) -> Addresses: ...
    @property
    def configuration(self) -> Configuration: ...
    @property
    def hub(self) -> DataHub: ...
    @property
    def queues(self) -> Queues: ...
    @property
    def messenger(self) -> Messenger: ...
    @property
    def devops_facts(self) -> DevOpsFacts: ...


def reach(url: str) -> None:
    """Raises Transient where *url* does not answer, or answers with a 5xx. Nothing is sent."""
    client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(url, policies=[])
    with translated(f"reach {url}"):
        answer = client.send_request(HttpRequest("GET", url), connection_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S)
    if answer.status_code >= 500:
        raise Transient(f"{url} answered {answer.status_code}")


def service_looks(clients: Reached, arm: Arm) -> Mapping[str, Look]:
    """A look at each service that is used, by name; it raises where that does not answer, or does not let us in."""
    configuration, settings = clients.configuration, clients.settings
    registries = {stage.registry.name: stage.registry for stage in configuration.ladder.stages if stage.registry}
    resource_places: list[tuple[str, Place]] = [
        (f"workspace {workspace.name}", workspace) for workspace in configuration.workspaces
    ]
    resource_places += [(f"registry {name}", registry) for name, registry in registries.items()]
    return {
        "hub": lambda: clients.hub.find(configuration.hub.state, "readiness"),
        **{f"hub {hub.name}": partial(clients.hub.find, hub.containers[0], "readiness") for hub in configuration.hubs},
        **{name: partial(arm.get, place_path(resource), f"look at {name}") for name, resource in resource_places},
        "event grid topic": partial(reach, settings.topic_endpoint),
        "token issuer": partial(reach, f"{settings.token_issuer}/.well-known/openid-configuration"),
        **dict(_messaging(clients)),
        **{f"organisation {name}": partial(_look_into, clients, name) for name in configuration.devops.organisations},
    }


def _messaging(clients: Reached) -> Iterator[tuple[str, Look]]:
    """Each queue that the app reads and the topic for results; empty without a namespace."""
    for door in clients.queues.doors:
        yield f"queue of {door.value}", partial(clients.queues.dead, door, 1)
    if clients.settings.results_topic:
        yield "results topic", lambda: clients.messenger.reach(clients.settings.results_topic)


def _look_into(clients: Reached, organisation: str) -> str:
    """Read a project to see whether Azure DevOps answers and lets the app in; the project need not exist."""
    return clients.devops_facts.project_id(organisation, next(iter(clients.configuration.devops.projects), "readiness"))
