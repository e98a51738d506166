"""Fakes of a rollout's ports: requests that are split as the endpoint's traffic says, and alerts that a test fires."""

import json
import random
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from functools import cache

from shared.domain.inference.routes import Workspace
from shared.ports import (
    ClientMinute,
    DeploymentMinute,
    EndpointKind,
    FiringAlert,
    OutputBins,
    OutputMinute,
    QuotaSeen,
    ServedEndpoint,
)
from tests.fakes.promotion import MemoryEndpoints


class MemoryTraffic:
    """*requests* a minute, split by the traffic as it is when somebody counts them; of each deployment a share is bad.

    It counts every minute that it was asked for. Before *began* there was no endpoint, and nothing to count. What was
    answered before *past* had the share *past_bad* of bad answers, by every version. The data collector keeps the
    answers of a deployment only *answers_late_s* after the requests; a request without an answer counts as bad. A bad
    request takes *bad_takes_s*, and is in no count before. Every deployment has *straggling* requests a minute more
    from *straggling_after_s* on.
    """

    def __init__(
        self, endpoints: MemoryEndpoints, now: Callable[[], datetime], requests: int = 200, seed: int = 1
    ) -> None:
        self._endpoints, self._now, self.requests, self._seed = endpoints, now, requests, seed
        self.answers_late_s: Callable[[str], float] = lambda deployment: 0.0
        self.bad_share: Callable[[str], float] = lambda deployment: 0.01
        self.bad_takes_s = 0.0
        self.straggling, self.straggling_after_s = 0, 0.0
        self.silent = False
        self.counts_copies = False  # Nobody has documented whether mirrored requests are.
        self.began, self.past, self.past_bad = 0, 0, 0.01
        self.counted: list[int] = []

    def minutes(
        self, served: ServedEndpoint, first: int, last: int, slow_over_ms: float | None = None, block_s: int = 60
    ) -> Iterator[DeploymentMinute]:
        online = self._endpoints.find(served.workspace, EndpointKind.ONLINE, served.endpoint)
        for minute in range(first, last + 1):
            self.counted.append(minute)
            if online is None or self.silent or minute < self.began:
                continue
            for deployment, share in (online.traffic | (online.mirror if self.counts_copies else {})).items():
                bad_share = self.past_bad if minute < self.past else self.bad_share(deployment)
                requests, bad = _drawn(f"{self._seed}/{minute}/{deployment}", self.requests, share, bad_share)
                if minute > self.ended_through(self.bad_takes_s):
                    requests, bad = requests - bad, 0
                if minute <= self.ended_through(self.straggling_after_s):
                    requests += self.straggling
                if minute > self.answered_through(deployment):
                    bad = requests
                yield DeploymentMinute(deployment=deployment, minute=minute, requests=requests, bad=bad)

    def answered_through(self, deployment: str) -> int:
        """The last minute of which the answers of *deployment* have been kept."""
        return self.ended_through(self.answers_late_s(deployment))

    def ended_through(self, age_s: float) -> int:
        """The last minute that ended *age_s* ago."""
        return int(self._now().timestamp() - age_s) // 60 - 1

    def clients(
        self, served: ServedEndpoint, first: int, last: int, slow_over_ms: float | None = None
    ) -> Iterator[ClientMinute]:
        """Each request is of a client of its own, which comes again ten minutes later, to the same deployment."""
        for minute in range(first, last + 1):
            for again in (0, 10):
                for counted in self.minutes(served, minute - again, minute - again):
                    for number in range(counted.requests):
                        yield ClientMinute(
                            deployment=counted.deployment,
                            minute=minute,
                            client=f"{counted.deployment}/{counted.minute}/{number}",
                            requests=1,
                            bad=int(number < counted.bad),
                        )


@cache  # Stories of rollouts begin at the same minutes.
def _drawn(seed: str, requests: int, share: int, bad_share: float) -> tuple[int, int]:
    """How many of *requests* a deployment with *share* percent of the traffic answers, and how many of them badly."""
    draw = random.Random(seed)
    answered = sum(draw.random() * 100 < share for _ in range(requests))
    return answered, sum(draw.random() < bad_share for _ in range(answered))


class MemoryOutputs:
    """As many outputs as there are requests in *traffic*: 0 or 1, and 1 with the probability *ones* of a deployment.

    Those of a deployment are collected *late_s* after the requests.
    """

    def __init__(self, traffic: MemoryTraffic) -> None:
        self._traffic = traffic
        self.ones: Callable[[str], float] = lambda deployment: 0.3
        self.late_s: Callable[[str], float] = lambda deployment: 0.0
        self.collected = 0

    def outputs(self, served: ServedEndpoint, first: int, last: int, bins: OutputBins) -> Iterator[OutputMinute]:
        assert bins.first_only, "the rows of one request are no units of their own"
        for counted in self._traffic.minutes(served, first, last):
            if counted.minute > self._traffic.ended_through(self.late_s(counted.deployment)):
                continue
            draw = random.Random(f"outputs/{counted.minute}/{counted.deployment}")
            counts = [0] * bins.size
            for _ in range(counted.requests):
                place = bins.bin_of(int(draw.random() < self.ones(counted.deployment)))
                assert place is not None
                counts[place] += 1
            yield OutputMinute(deployment=counted.deployment, minute=counted.minute, bins=tuple(counts))

    def collected_through(
        self,
        served: ServedEndpoint,
        deployments: Collection[str],
        collections: Collection[str],
        span: tuple[int, int],
        block_s: int = 60,
    ) -> int:
        assert block_s == 60
        if collections == ("model_outputs",):
            through = [self._traffic.ended_through(self.late_s(deployment)) for deployment in deployments]
        else:
            assert collections == ("request", "response")
            through = [self._traffic.answered_through(deployment) for deployment in deployments]
        return max(span[0] - 1, min(span[1], *through))

    def requests(self, served: ServedEndpoint, deployment: str, first: int, last: int) -> Iterator[bytes]:
        """*collected* bodies, each with a row of its own."""
        for number in range(self.collected):
            body = {"input_data": {"columns": ["x"], "index": [number], "data": [[number % 100]]}}
            yield json.dumps(body).encode()


class MemoryAlerts:
    def __init__(self) -> None:
        self.fires: list[FiringAlert] = []

    def firing(self, served: ServedEndpoint) -> tuple[FiringAlert, ...]:
        return tuple(self.fires)


class MemoryQuotas:
    """Of `MonitoringSetUp` what a plan reads: the same *quota* of every size, or none."""

    def __init__(self, quota: QuotaSeen | None = None) -> None:
        self._quota = quota

    def quota(self, workspace: Workspace, sku: str) -> QuotaSeen | None:
        return self._quota
