"""Whether the quota has room for the second fleet of a release: two stand until the version before is retired."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.failures import Refused, Transient
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.plans import Plan
from shared.ports import EndpointKind, Endpoints, MonitoringSetUp

_KEPT_FOR_UPGRADES = 1.2  # Of instances: Azure ML asks for so much quota, but for exempt sizes.


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetQuota:
    """Cores of a *family* of sizes: how many a second fleet *needs*, are *free*, and are allowed in all (*limit*)."""

    family: str
    needs: int
    free: int
    limit: int

    @property
    def has_room(self) -> bool:
        return self.free >= self.needs

    def __str__(self) -> str:
        return f"{self.free} of {self.limit} cores of {self.family} are free, and a second fleet needs {self.needs}"


def fleet_quota(endpoints: Endpoints, set_up: MonitoringSetUp, stage: Stage) -> FleetQuota | None:
    """That of a fleet as large as the one that serves *stage*; None where Azure does not say it.

    Raises Refused or Transient where Azure does not answer.
    """
    serving = stage.serving
    quota = set_up.quota(stage.workspace, serving.instance_type)
    if quota is None:
        return None
    instances = max([serving.instances, *_fleets(endpoints, stage)])
    needs = math.ceil(round(_KEPT_FOR_UPGRADES * instances, 6)) * quota.cores
    return FleetQuota(family=quota.family, needs=needs, free=quota.limit - quota.used, limit=quota.limit)


def quotas_of_plan(endpoints: Endpoints, set_up: MonitoringSetUp, plan: Plan) -> Iterator[str]:
    """A sentence for each stage that shifts traffic; a cluster of Kubernetes has no quota of Azure ML."""
    for stage in (at.stage for at in plan.stages):
        if stage.rollout is None or stage.serving.kubernetes:
            continue
        try:
            quota = fleet_quota(endpoints, set_up, stage)
        except (Refused, Transient) as fault:  # A plan is shown without it, too.
            yield f"{stage.name}: the quota is not known: {fault}"
            continue
        lack = "" if quota is None or quota.has_room else ": ask for more before you promote"
        yield f"{stage.name}: {'Azure does not say the quota' if quota is None else quota}{lack}"


def _fleets(endpoints: Endpoints, stage: Stage) -> Iterator[int]:
    """The instances of each deployment that has traffic."""
    place, name = stage.workspace, stage.serving.online
    online = endpoints.find(place, EndpointKind.ONLINE, name)
    for deployment_name in online.shares if online else ():
        deployment = endpoints.deployment(place, EndpointKind.ONLINE, name, deployment_name)
        yield deployment.instances if deployment else 0
