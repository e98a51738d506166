"""What Azure DevOps must have for an order, and what is missing or another there. Pure: adapters look and make."""

from dataclasses import dataclass

from shared.domain.provisioning.orders import TeamOrder
from shared.domain.provisioning.rules import ProvisionedEnvironment, ProvisioningRules


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEnvironment:
    """An environment of Azure DevOps with its checks, made before any run could make it without."""

    name: str
    approvers: tuple[str, ...]
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedConnection:
    """A service connection by workload identity federation, as the deployment identity *client* of *subscription*."""

    name: str
    subscription: str
    client: str
    tenant: str
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRepository:
    """The repository of a team, which begins as a project of *name* whose data has *owner*. *branch* is a whole ref."""

    name: str
    organisation: str
    owner: str
    branch: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSetUp:
    """All that one order needs of Azure DevOps. *mark* is in the description of each, so that ours is known."""

    organisation: str
    project: str
    mark: str
    environments: tuple[WantedEnvironment, ...]
    connections: tuple[WantedConnection, ...]
    group: str
    variables: tuple[tuple[str, str], ...]
    repository: WantedRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """Who a connection is for Entra, as Azure DevOps says: these are never computed."""

    connection: str
    client: str
    issuer: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpSeen:
    """*made* is what was missing and is there now, *differences* what is there and is not as wanted."""

    made: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    federations: tuple[Federation, ...] = ()


def wanted_set_up(order: TeamOrder, rules: ProvisioningRules) -> WantedSetUp:
    """The names follow from team, step and environment alone: a repeat finds what the first has made."""
    own, team, mark = rules.of_step(order.team, order.step), order.team, f"signalbox {order.team}/{order.step.value}"
    variables = (("team", team), ("step", order.step.value), *sorted(order.variables.items()))
    return WantedSetUp(
        organisation=rules.organisation,
        project=rules.project,
        mark=mark,
        environments=tuple(_environment(environment, team, rules) for environment in own),
        connections=tuple(_connection(environment, team, rules) for environment in own),
        group=f"{team}-{order.step.value}",
        variables=variables,
        repository=WantedRepository(
            name=team,
            organisation=rules.organisation,
            owner=order.variables.get("data_owner", ""),
            branch=rules.settled_ref,
            mark=mark,
        ),
    )


def _environment(environment: ProvisionedEnvironment, team: str, rules: ProvisioningRules) -> WantedEnvironment:
    name = f"{team}-{environment.name}"
    return WantedEnvironment(name=name, approvers=environment.approvers, branch=rules.settled_ref)


def _connection(environment: ProvisionedEnvironment, team: str, rules: ProvisioningRules) -> WantedConnection:
    return WantedConnection(
        name=f"{team}-{environment.name}",
        subscription=environment.subscription,
        client=environment.identity,
        tenant=rules.tenant,
        branch=rules.settled_ref,
    )
