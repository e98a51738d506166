"""Put a deployment under the load of production, before people approve: open arrivals, asked for by the gate `load`.

It is bounded: in requests by rate and time, in time by a deadline after which nothing is sent, in memory by the inputs
that are kept. What the figures must be is the gate's.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle

from activities.promotion.evidence import quantiles_of
from activities.rollout.inputs import Inputs
from shared import contracts as c
from shared.application.promotion.planning import champion_at, source_shelves, stage_shelves
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.gates import GateSpec
from shared.domain.gates.evidence import LoadTest
from shared.domain.gates.load import LoadLimits
from shared.domain.gates.options import read_options
from shared.domain.promotion.ladder import Stage
from shared.domain.promotion.plans import Phase
from shared.domain.rollout.estimates.load import (
    MOST_PER_SECOND,
    LoadProfile,
    SentRequest,
    arrivals,
    busiest,
    statuses_of,
    steady,
)
from shared.domain.rollout.policy import ReplaySource
from shared.ports import EndpointKind, Endpoints, OnlineRequest, ServedEndpoint

_SENDERS = 64  # As many connections as one session keeps: more would open one for each request.
_GRACE_S = 30.0  # After the last arrival: what was not sent by then has no answer.
_MOST_INPUTS, _MOST_BYTES = 500, 16 << 20
_DAY = timedelta(days=1)


def load_test(clients: Clients, order: c.StageOrder, gates: Sequence[GateSpec]) -> LoadTest | None:
    """What the gate `load` of *gates* asks to be measured; None where no deployment is there to be asked.

    At the exit of a stage it is the one that was deployed there, and at the entry of one with a rollout that of the
    nearest stage below. Raises Refused where the endpoint cannot be asked at all.
    """
    options, _ = read_options(LoadLimits, next(spec.options for spec in gates if spec.gate == "load"))
    asked_stage = _asked_stage(clients, order)
    if options is None or asked_stage is None or asked_stage.environment is None:
        return None
    deployment = identity.deployment_name(order.plan.model.version, order.plan.digest)
    online = ServedEndpoint(workspace=asked_stage.environment, endpoint=asked_stage.serving.online)
    if clients.endpoints.deployment(online.workspace, EndpointKind.ONLINE, online.endpoint, deployment) is None:
        return None
    above = clients.configuration.ladder.served_above(order.at.stage)
    profile = _profile(clients, above, options)
    if profile is None:
        reason = "no requests of production were counted, and neither `rollout.expect` nor `per_second` is set"
        return LoadTest(deployment=deployment, profile=reason)
    profile = profile if options.per_second else profile.scaled(options.times)
    if profile.peak > MOST_PER_SECOND:
        return LoadTest(deployment=deployment, profile=profile.origin, peak_per_second=profile.peak)
    bodies = _bodies(clients, order, above, ReplaySource(options.requests))
    if not bodies:
        return LoadTest(deployment=deployment, profile=f"there are no inputs from {options.requests}")
    load = _Load(
        endpoints=clients.endpoints,
        online=online,
        deployment=deployment,
        schedule=zip(arrivals(profile, options.seconds, order.key), cycle(bodies), strict=False),
        seconds=options.seconds,
    )
    return _measured(load, profile)


def _asked_stage(clients: Clients, order: c.StageOrder) -> Stage | None:
    if order.phase is Phase.EXIT:
        return order.at.stage
    return clients.configuration.ladder.served_below(order.at.stage)


def _profile(clients: Clients, above: Stage | None, options: LoadLimits) -> LoadProfile | None:
    """By the options, by what production was asked in the last day, or else by what it is expected to be."""
    if options.per_second is not None:
        return steady(options.per_second, f"{options.per_second:g} requests a second are configured")
    if above is None or above.rollout is None or above.environment is None:
        return None
    look, expect, counts = above.rollout.look, above.rollout.expect, dict[int, int]()
    until = clients.clock.now() - timedelta(seconds=look.due_s)
    first, last = (int(moment.timestamp()) // 60 for moment in (until - _DAY, until))
    served = ServedEndpoint(workspace=above.environment, endpoint=above.serving.online)
    for minute in clients.traffic_figures(look.counts).minutes(served, first, last - 1):
        counts[minute.minute] = counts.get(minute.minute, 0) + minute.requests
    measured = busiest(counts, options.seconds, f"the busiest minutes of {served.endpoint} in the last day")
    if measured is None and expect is not None:
        return steady(expect.per_hour / 3600, f"{expect.per_hour:g} requests an hour are expected")
    return measured


def _bodies(clients: Clients, order: c.StageOrder, above: Stage | None, source: ReplaySource) -> list[bytes]:
    """Those that are sent in turn; fewer where they are large."""
    stage, plan = above or order.at.stage, order.plan
    if stage.environment is None:
        return []
    _, extras = stage_shelves(plan, order.at.stage) if order.phase is Phase.EXIT else source_shelves(plan)
    champion = champion_at(clients.endpoints, stage).deployment
    if source is ReplaySource.COLLECTOR and not champion:
        source = ReplaySource.GOLDEN  # Nobody has asked production yet: a first release could never pass.
    inputs = Inputs(
        plan=plan,
        extras=extras,
        served=ServedEndpoint(workspace=stage.environment, endpoint=stage.serving.online),
        champion=champion,
        until=clients.clock.now,
    )
    bodies, size = list[bytes](), 0
    for body in inputs.bodies(clients, source):
        size += len(body)
        if len(bodies) == _MOST_INPUTS or size > _MOST_BYTES:
            break
        bodies.append(body)
    return bodies


@dataclass(slots=True, kw_only=True)
class _Load:
    """Requests to *deployment* at the moments of *schedule*, each with its body, for *seconds*.

    Each is sent at its moment, or as soon as a sender is free: its latency counts from the moment anyway.
    """

    endpoints: Endpoints
    online: ServedEndpoint
    deployment: str
    schedule: Iterator[tuple[float, bytes]]
    seconds: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)
    began: float = 0.0

    def sent(self) -> list[SentRequest]:
        """Every request that arrived, once the last was answered. Raises Refused where nothing can be asked."""
        self.began = time.perf_counter()
        with ThreadPoolExecutor(_SENDERS, "load") as pool:
            parts = [pool.submit(self._send_until_done) for _ in range(_SENDERS)]
        return [request for part in parts for request in part.result()]

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.began

    def _send_until_done(self) -> list[SentRequest]:
        requests = list[SentRequest]()
        while not self.ended.is_set() and (item := self._take()) is not None:
            try:
                requests.append(self._send(*item))
            except Refused:
                self.ended.set()
                raise
        return requests

    def _take(self) -> tuple[float, bytes] | None:
        with self.lock:
            return next(self.schedule, None)

    def _send(self, moment: float, body: bytes) -> SentRequest:
        early_s = moment - self.now
        if early_s > 0:
            # An event and not a sleep: a sender that is refused ends all the others at once.
            self.ended.wait(early_s)
        # Only a sender that was free can tell how late this machine wakes. Of one that was busy the delay is the
        # deployment's.
        own_delay_ms = self._since_ms(moment) if early_s > 0 else None
        # The request that is not sent any more counts as unanswered. To leave it out would hide that the deployment
        # could not keep up (coordinated omission).
        status = "" if self.now > self.seconds + _GRACE_S else self._status(body)
        return SentRequest(status=status, latency_ms=self._since_ms(moment), own_delay_ms=own_delay_ms)

    def _status(self, body: bytes) -> str:
        online = self.online
        request = OnlineRequest(
            workspace=online.workspace, endpoint=online.endpoint, deployment=self.deployment, body=body
        )
        try:
            return str(self.endpoints.invoke(request).status)
        except Transient:  # A connection that was refused or broke.
            return ""

    def _since_ms(self, moment: float) -> float:
        return (self.now - moment) * 1000


def _measured(load: _Load, profile: LoadProfile) -> LoadTest:
    """What *load* comes to, once it is over."""
    sent = load.sent()
    ended_s = load.now
    if not sent:
        return LoadTest(deployment=load.deployment, profile=f"nobody asked for {load.seconds:g} s; {profile.origin}")
    p50, p95, p99 = quantiles_of([request.latency_ms for request in sent], 0.5, 0.95, 0.99)
    delays = [request.own_delay_ms for request in sent if request.own_delay_ms is not None]
    return LoadTest(
        deployment=load.deployment,
        profile=profile.origin,
        requests=len(sent),
        statuses=statuses_of(sent),
        seconds=max(load.seconds, ended_s),
        per_second=len(sent) / load.seconds,
        peak_per_second=profile.peak,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        own_delay_ms=quantiles_of(delays, 0.95)[0] if delays else 0.0,
    )
