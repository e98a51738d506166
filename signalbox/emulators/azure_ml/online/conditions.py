"""What tests and demonstrations set of the online service: its pace, its limits, how it routes, and its faults.

Set by POST /_control/online, which forgets what was set before. Nothing here acts: the doors and the fleet ask.
"""

import hashlib
import math
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

from signalbox.emulators.clock import EmulatorClock

Settings = TypeVar("Settings")

_CHOICES = {"per": ("request", "connection"), "mode": ("lost", "failed", "cancelled", "slow")}
_OPTIONAL = ("error_every", "crash_after", "instance", "until_s", "nth")
# By name: the least, the most, and whether it is a whole number. Others are numbers from zero on.
_RANGES: Mapping[str, tuple[float, float, bool]] = {
    "requests_per_s": (0, math.inf, True),
    "deployments": (0, math.inf, True),
    "instances": (0, math.inf, True),
    "seed": (-math.inf, math.inf, True),
    "error_share": (0, 1, False),
    "latency_share": (0, 1, False),
    "error_every": (1, math.inf, True),
    "error_status": (400, 599, True),
    "times": (-math.inf, math.inf, False),
    "add": (-math.inf, math.inf, False),
    "crash_after": (0, math.inf, True),
    "instance": (0, math.inf, True),
    "nth": (1, math.inf, True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds on the emulators' clock: of a change of an endpoint, of a deployment beyond its start, of a change of
    its number of instances, and until new instances serve after the operation has succeeded.
    """

    endpoint_s: float = 0.1
    deployment_s: float = 0.0
    scale_s: float = 0.1
    late_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The documented ones of a managed endpoint; *cores* of quota by SKU, `*` for any other one, in a subscription.

    *exempt* SKUs need no fifth more than their instances.
    """

    bytes_per_s: float = 5 * 1024**2
    requests_per_s: int = 500
    deployments: int = 20
    instances: int = 50
    cores: Mapping[str, int] = field(default_factory=lambda: {"*": 500})
    exempt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """*per* `request` or `connection`; *skew* multiplies the weights of deployments. *seed* makes the draws."""

    seed: int = 1
    per: str = "request"
    skew: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFault:
    """What deployments do whose "endpoint/deployment" has *match* in it (a regular expression).

    From *from_s* until *until_s* seconds after it was set: a share of the requests, drawn, and the last of each
    *error_every* fail with the model's *error_status*, a share takes *latency_ms* longer, numbers in answers are
    multiplied and added to, and after *crash_after* requests the process dies of each. *instance* limits it to one
    instance.
    """

    match: str
    error_share: float = 0.0
    error_every: int | None = None
    error_status: int = 500
    latency_ms: float = 0.0
    latency_share: float = 1.0
    times: float = 1.0
    add: float = 0.0
    crash_after: int | None = None
    instance: int | None = None
    from_s: float = 0.0
    until_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFault:
    """What becomes of changes of endpoints whose name has *match* in it: of the *nth* of them, or of every one.

    *mode*: `lost` (it succeeds and changes nothing), `failed`, `cancelled`, or `slow` (*seconds* longer).
    """

    match: str
    mode: str
    nth: int | None = None
    seconds: float = 0.0


class Conditions:
    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._reset({})

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/_control/online", self._set)

    def draws(self, name: str) -> random.Random:
        """The stream of draws called *name*, the same after every setting with the same seed."""
        if name not in self._draws:
            seed = hashlib.sha256(f"{self.routing.seed}/{name.lower()}".encode()).digest()
            self._draws[name] = random.Random(seed)
        return self._draws[name]

    def faults_of(self, deployment: str, instance: int) -> list[DeploymentFault]:
        """Those in force for "endpoint/deployment". A request of the deployment counts once for each of them."""
        age_s = self._clock.now() - self._set_at
        return [
            fault
            for fault in self._faults
            if re.search(fault.match, deployment)
            and fault.instance in (None, instance)
            and fault.from_s <= age_s
            and (fault.until_s is None or age_s < fault.until_s)
        ]

    def crashes(self, deployment: str, fault: DeploymentFault) -> bool:
        """Count one request of *deployment* and say whether the process dies of it."""
        if fault.crash_after is None:
            return False
        self._requests[deployment, fault] += 1
        return self._requests[deployment, fault] > fault.crash_after

    def fails(self, deployment: str, fault: DeploymentFault) -> bool:
        """Count one request of *deployment* that was answered, and say whether it fails of *fault*."""
        self._answers[deployment, fault] += 1
        is_drawn = self.draws(f"{deployment}/faults").random() < fault.error_share
        return is_drawn or (fault.error_every is not None and not self._answers[deployment, fault] % fault.error_every)

    def fault_of_change(self, endpoint: str) -> ChangeFault | None:
        """What becomes of this change of *endpoint*; asking counts as the change."""
        result = None
        for fault in self._changes:
            if re.search(fault.match, endpoint):
                self._counts[fault] = self._counts.get(fault, 0) + 1
                if result is None and fault.nth in (None, self._counts[fault]):
                    result = fault
        return result

    async def _set(self, request: web.Request) -> web.Response:
        try:
            self._reset(await request.json())
        except (TypeError, ValueError, AttributeError, re.error) as error:
            raise web.HTTPBadRequest(text=f"these conditions cannot be read: {error}") from error
        return web.json_response({})

    def _reset(self, body: Mapping[str, Any]) -> None:
        strange = set(body) - {"pace", "limits", "routing", "deployments", "changes", "resets_public_access"}
        if strange:
            raise ValueError(f"{', '.join(sorted(strange))} is no condition of online endpoints")
        # All is read before anything is set: what cannot be read leaves the earlier conditions as they are.
        pace, limits = _read(Pace, body.get("pace", {})), _read(Limits, body.get("limits", {}))
        routing = _read(Routing, body.get("routing", {}))
        faults = [_read(DeploymentFault, raw) for raw in _rows(body, "deployments")]
        changes = [_read(ChangeFault, raw) for raw in _rows(body, "changes")]
        resets = body.get("resets_public_access", True)
        if not isinstance(resets, bool):
            raise ValueError("resets_public_access is neither true nor false")
        self.pace, self.limits, self.routing = pace, limits, routing
        self._faults, self._changes, self.resets_public_access = faults, changes, resets
        self._set_at = self._clock.now()
        self._draws: dict[str, random.Random] = {}
        self._requests = Counter[tuple[str, DeploymentFault]]()
        self._answers = Counter[tuple[str, DeploymentFault]]()
        self._counts: dict[ChangeFault, int] = {}


def _rows(body: Mapping[str, Any], name: str) -> list[Any]:
    rows = body.get(name, [])
    if not isinstance(rows, list):
        raise ValueError(f"{name} is no list")
    return rows


def _read(kind: type[Settings], raw: Mapping[str, Any]) -> Settings:
    """Raises TypeError for unknown names, ValueError for values that could never be meant, re.error for a pattern."""
    settings = kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()})
    for name, value in raw.items():
        problem = _problem(name, value)
        if problem:
            raise ValueError(f"{name} is {value!r}, which is {problem}")
    return settings


def _problem(name: str, value: Any) -> str:
    """Why *value* is none of *name*; empty where it may be one. Names mean the same in all settings."""
    if name in _CHOICES:
        return "" if value in _CHOICES[name] else f"none of {', '.join(_CHOICES[name])}"
    if name == "match":
        re.compile(value)
        return ""
    if name == "exempt":
        is_fine = isinstance(value, list) and all(isinstance(sku, str) for sku in value)
        return "" if is_fine else "no list of names"
    if name in ("cores", "skew"):
        is_fine = all(_is_number(number, 0, math.inf, name == "cores") for number in value.values())
        return "" if is_fine else "no table of numbers"
    if value is None:
        return "" if name in _OPTIONAL else "no number"
    least, most, is_whole = _RANGES.get(name, (0, math.inf, False))
    return "" if _is_number(value, least, most, is_whole) else f"no number from {least} to {most}"


def _is_number(value: Any, least: float, most: float, is_whole: bool) -> bool:
    kinds = int if is_whole else int | float
    return isinstance(value, kinds) and not isinstance(value, bool) and least <= value <= most
