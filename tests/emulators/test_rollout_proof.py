"""How rollouts end, through the emulator: healthy versions are aborted seldom, and ten times worse ones in time.

Each request goes over HTTP to the emulated endpoint, which draws who answers it and whether that fails; the counts come
from its traffic log by the app's adapter, and the app's own code judges them. Only the clock is moved: a minute passes
as soon as its requests are answered. docs/rollout.md has the figures of `make proofs`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import requests

from shared.adapters.azure_monitor.traffic_log import TrafficLog
from shared.application.rollout.counts import Arms, frozen_counts
from shared.application.rollout.looks import evidence_with, judge_look
from shared.domain.inference.routes import Workspace
from shared.domain.rollout.policy import ERRORS, LookRule, RolloutPolicy, StepLimits, TrafficStep
from shared.domain.rollout.steps import StepDecision, StepFacts
from shared.domain.statistics.sequential.rollout_evidence import RolloutEvidence
from shared.ports import ServedEndpoint
from signalbox.launcher.endpoints import LOG_WORKSPACE, WORKSPACES
from signalbox.launcher.hub import LocalIdentity
from signalbox.launcher.load import Load, Target, put_load
from signalbox.launcher.provision import Registered
from tests.amounts import amount
from tests.emulators.conftest import Ml
from tests.emulators.online import ROWS, Online, conditions, control

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("azure-ml"), pytest.mark.long]

HEALTHY, MOST_FALSE_ABORTS = amount(1, 100), amount(0, 3)
WORSE, LEAST_ABORTS = amount(2, 100), amount(1, 80)
REQUESTS, MINUTES = 100, 5  # Of both arms in a minute, and minutes of a look, as in the table of docs/rollout.md.
CLIENTS = 4  # Each minute opens their connections anew, which costs more than requests do.
CHAMPION_ERRORS, TEN_TIMES_WORSE = 0.01, 0.1 / 1.09  # The second has ten times the odds of the first.
WEIGHT, NINE_OF_TEN = 25, 272  # From that table: at 25 %, odds 10, nine of ten need no more requests of the canary.
STEPS = (5, 25, 50)
PREPROD = next(scope for scope in WORKSPACES if scope.name == "mlw-preprod")


def policy(weights: tuple[int, ...], requests_a_step: int) -> RolloutPolicy:
    return RolloutPolicy(
        steps=tuple(TrafficStep(weight=weight) for weight in (*weights, 100)),
        each=StepLimits(at_least_s=MINUTES * 60, at_most_s=86400, requests=requests_a_step),
        look=LookRule(every_s=MINUTES * 60, lag_s=0),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """How a release ended, after how many requests of the new version."""

    decision: StepDecision
    requests: int


class Releases:
    """Releases of `green` over `blue` on one endpoint, one after the other."""

    def __init__(self, ml: Ml, online: Online) -> None:
        self._ml, self._online = ml, online
        self._target: Target = online.target()
        self._log = TrafficLog(LocalIdentity(ml.endpoints), ml.endpoints.log_analytics, {"": LOG_WORKSPACE})
        self._served = ServedEndpoint(
            workspace=Workspace(
                name="preprod",
                subscription=PREPROD.subscription,
                resource_group=PREPROD.resource_group,
                workspace=PREPROD.name,
            ),
            endpoint=online.name,
        )

    def run(self, rules: RolloutPolicy, most_requests: int) -> Release:
        """Until the last step before 100 % goes on, an abort, or *most_requests* of the new version."""
        evidence, total = RolloutEvidence(), 0
        for number, step in enumerate(rules.steps[:-1]):
            arms = Arms(canary="green", champion="blue", weight=step.weight)
            self._online.share({"green": step.weight, "blue": 100 - step.weight})
            evidence, decision, requests = self._watch(rules, arms, number, evidence, most_requests - total)
            total += requests
            if decision is not StepDecision.ADVANCE:
                return Release(decision=decision, requests=total)
        return Release(decision=StepDecision.ADVANCE, requests=total)

    def _watch(
        self, rules: RolloutPolicy, arms: Arms, number: int, evidence: RolloutEvidence, most_requests: int
    ) -> tuple[RolloutEvidence, StepDecision, int]:
        since, requests, errors = self._next_minute(), 0, 0
        while True:
            first = self._pass_minutes()
            counts = frozen_counts(self._log.minutes(self._served, first, first + MINUTES - 1), arms)
            evidence = evidence_with(rules, arms, evidence, counts, soaks=False)
            requests += sum(minute.canary for minute in counts.minutes[ERRORS])
            errors += sum(minute.canary_bad for minute in counts.minutes[ERRORS])
            facts = StepFacts(since=since, now=self._now(), requests=requests, errors=errors, judgement=None)
            decision = judge_look(rules, arms, number, len(rules.steps), evidence, facts).decision
            if decision is not StepDecision.WAIT or requests > most_requests:
                return evidence, decision, requests

    def _pass_minutes(self) -> int:
        """Let the requests of each minute of a look come; the first of these minutes since 1970."""
        first = int(self._now().timestamp() // 60)
        for _ in range(MINUTES):
            report = put_load(
                self._target, Load(rate=1e6, requests=REQUESTS, clients=CLIENTS), [json.dumps(ROWS).encode()]
            )
            assert (report.answered, report.lost) == (REQUESTS, 0)
            self._next_minute()
        return first

    def _next_minute(self) -> datetime:
        now = self._now()
        control(self._ml, "/_control/clock", {"advance_s": 60 - now.timestamp() % 60})
        return self._now()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(control(self._ml, "/_control/clock")["now"], UTC)


@pytest.fixture(scope="module")
def assets(ml: Ml, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return ml.register("released", tmp_path_factory.mktemp("released"), "mlw-preprod")


@pytest.fixture(scope="module")
def online(ml: Ml, assets: Registered) -> Online:
    endpoint = Online(ml, "released", assets).create()
    endpoint.deploy("blue", "green", requestSettings={"maxConcurrentRequestsPerInstance": 100})
    return endpoint


@pytest.fixture
def releases(ml: Ml, online: Online, monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    for name, value in ml.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    _publish(ml, 0)
    yield Releases(ml, online)
    _publish(ml, 180)


def _publish(ml: Ml, delay_s: float) -> None:
    url = f"{ml.endpoints.log_analytics}/_control/publication"
    requests.put(url, json={"log_delay_s": delay_s}, verify=str(ml.endpoints.ca), timeout=30).raise_for_status()


def _conditions(canary_errors: float, seed: int) -> dict[str, object]:
    shares = {"^released/blue$": CHAMPION_ERRORS, "^released/green$": canary_errors}
    faults = [{"match": match, "error_share": share} for match, share in shares.items()]
    limits = {"requests_per_s": 10**6, "bytes_per_s": 1e12}
    return {"deployments": faults, "limits": limits, "routing": {"seed": seed}}


def test_healthy_versions_are_aborted_seldom(ml: Ml, releases: Releases) -> None:
    with conditions(ml, **_conditions(CHAMPION_ERRORS, 1)):
        results = [_printed(releases.run(policy(STEPS, 20), 10**6)) for _ in range(HEALTHY)]

    _tell("healthy", results)
    assert sum(result.decision is StepDecision.ABORT for result in results) <= MOST_FALSE_ABORTS


def test_versions_ten_times_worse_are_aborted_in_time(ml: Ml, releases: Releases) -> None:
    with conditions(ml, **_conditions(TEN_TIMES_WORSE, 2)):
        results = [_printed(releases.run(policy((WEIGHT,), 10**6), NINE_OF_TEN)) for _ in range(WORSE)]

    _tell("odds 10", results)
    in_time = [result for result in results if result.decision is StepDecision.ABORT and result.requests <= NINE_OF_TEN]
    assert len(in_time) >= LEAST_ABORTS


def _printed(release: Release) -> Release:
    """*release*, printed as it ends: a proof that takes half an hour shows how far it is."""
    print(f"{release.decision} after {release.requests} requests of the canary", flush=True)
    return release


def _tell(name: str, results: list[Release]) -> None:
    """For the table of docs/rollout.md: pytest -s shows it."""
    aborts = sorted(result.requests for result in results if result.decision is StepDecision.ABORT)
    waits = sum(result.decision is StepDecision.WAIT for result in results)
    print(f"{name}: {len(aborts)} of {len(results)} aborted, {waits} undecided; requests of the canary: {aborts}")
