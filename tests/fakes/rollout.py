"""Fakes of a rollout's ports: requests that are split as the endpoint's traffic says, and alerts that a test fires."""

import random
from collections.abc import Callable, Iterator

from shared.ports import DeploymentMinute, EndpointKind, FiringAlert, ServedEndpoint
from tests.fakes.promotion import MemoryEndpoints


class MemoryTraffic:
    """*requests* a minute, split by the traffic as it is when somebody counts them; of each deployment a share is bad.

    It counts every minute that it was asked for.
    """

    def __init__(self, endpoints: MemoryEndpoints, requests: int = 200, seed: int = 1) -> None:
        self._endpoints, self.requests, self._seed = endpoints, requests, seed
        self.bad_share: Callable[[str], float] = lambda deployment: 0.01
        self.silent = False
        self.counted: list[int] = []

    def minutes(
        self, served: ServedEndpoint, first: int, last: int, slow_over_ms: float | None = None, block_s: int = 60
    ) -> Iterator[DeploymentMinute]:
        online = self._endpoints.find(served.workspace, EndpointKind.ONLINE, served.endpoint)
        for minute in range(first, last + 1):
            self.counted.append(minute)
            if online is None or self.silent:
                continue
            for deployment, share in online.traffic.items():
                draw = random.Random(f"{self._seed}/{minute}/{deployment}")
                requests = sum(draw.random() * 100 < share for _ in range(self.requests))
                bad = sum(draw.random() < self.bad_share(deployment) for _ in range(requests))
                yield DeploymentMinute(deployment=deployment, minute=minute, requests=requests, bad=bad)


class MemoryAlerts:
    def __init__(self) -> None:
        self.fires: list[FiringAlert] = []

    def firing(self, served: ServedEndpoint) -> tuple[FiringAlert, ...]:
        return tuple(self.fires)
