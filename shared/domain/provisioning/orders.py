"""What a request orders: a team's step with its variables. The same request has the same order and digest."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.domain import identity
from shared.domain.provisioning.rules import ProvisioningRules, ProvisioningStep
from shared.domain.provisioning.starting_project import LONGEST_NAME, may_be_named

TEAM = r"[a-z][a-z0-9-]{1,22}[a-z0-9]"  # It becomes part of names in Azure, of which workspaces allow 33 characters.
NUMBER = r"[A-Z]{3,8}[0-9]{4,12}"
SYS_ID = r"[0-9a-f]{32}"
VARIABLES = ("cost_center", "data_owner", "region")
_TEAM = re.compile(TEAM)
_VALUE = re.compile(r"[A-Za-z0-9@._ -]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRef:
    """The catalogue item of ServiceNow that asked: its *number* (`RITM...`) and its *sys_id*."""

    number: str
    sys_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamOrder:
    """*variables* are those of the request, by name; *by* is for whom it was asked, in words."""

    team: str
    step: ProvisioningStep
    request: RequestRef
    by: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"provision-{self.team}-{self.step.value}-{self.request.number.lower()}"

    @property
    def parameters(self) -> str:
        """The team and the variables as pipelines take them: JSON of texts that need no quoting in a shell."""
        return json.dumps({"team": self.team, **self.variables}, sort_keys=True)

    @property
    def digest(self) -> str:
        """What was asked for: another request for the same has the same digest."""
        pairs = [part for name in sorted(self.variables) for part in (name, self.variables[name])]
        return f"sha256:{identity.digest(self.team, self.step.value, *pairs, length=64)}"


def order_problems(order: TeamOrder, rules: ProvisioningRules) -> Iterator[str]:
    """Every reason why *order* cannot be carried out, each with its remedy."""
    if not _TEAM.fullmatch(order.team):
        yield f"team is {order.team!r}; use 3 to 24 lower-case letters, digits and dashes, a letter first"
    elif not rules.of_step(order.team, order.step):
        # What environments are called is in the configuration, from which the templates' data is generated.
        yield f"the configuration has no environment of {order.team} for {order.step.value}; add them to it first"
    elif not may_be_named(order.team):
        yield f"team {order.team} cannot name a project; use at most {LONGEST_NAME} letters, digits and single dashes"
    for name in sorted(set(order.variables) - set(VARIABLES)):
        yield f"variable {name!r} is not known; those known are {', '.join(VARIABLES)}"
    for name in VARIABLES:
        value = order.variables.get(name, "")
        # The values become parameters of a pipeline: what could end a quoted word there is refused here.
        if not _VALUE.fullmatch(value):
            yield f"variable {name!r} is {value!r}; give 1 to 100 letters, digits, spaces and any of @ . _ -"
    region = order.variables.get("region", "")
    if _VALUE.fullmatch(region) and region not in rules.regions:
        yield f"region is {region!r}; use one of {', '.join(rules.regions)}"


def step_parameters(rules: ProvisioningRules, team: str, step: ProvisioningStep, connection: str) -> dict[str, str]:
    """What every pipeline takes that works on the deployments of *step* of *team*."""
    return {
        "installation": rules.installation.replace("{team}", team),
        "steps": ",".join(f"team:{environment.name}" for environment in rules.of_step(team, step)),
        "serviceConnection": connection,
    }
