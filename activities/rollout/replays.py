"""Send the same inputs to both deployments by name, where a step has too few requests: each input once in a rollout.

Such pairs are a stratum of their own: where only one version was bad, no routing and no incident can be to blame.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from activities.online_rows import answer_json
from activities.rollout.inputs import Inputs
from activities.rollout.watched_steps import WatchedStep
from shared.application.promotion.planning import stage_shelves
from shared.clients import Clients
from shared.domain.rollout.policy import ERRORS, SLOW, ComparedOutputs, TopUp
from shared.domain.rollout.traffic import is_fault
from shared.domain.statistics.sequential.counts import PairCounts
from shared.domain.statistics.sequential.rollout_evidence import RolloutEvidence
from shared.domain.statistics.sequential.verdicts import judge_rollout
from shared.ports import EndpointResponse, OnlineRequest, OutputBins
from shared.records.production.rollouts import ReplayedPairs

Bad = dict[str, bool]  # By comparison.


def replay(
    clients: Clients, watched: WatchedStep, evidence: RolloutEvidence, units: int, used: int, now: datetime
) -> tuple[ReplayedPairs, ...]:
    """The pairs of this look, where it needs any: *units* were counted or replayed in the step so far, and *used*
    inputs in the whole rollout. Raises Transient while an endpoint cannot be reached."""
    top_up = watched.policy.top_up
    if top_up is None or not watched.is_compared or watched.soaks:
        return ()
    number = int(now.timestamp()) // watched.policy.look.block_s
    wanted = _wanted(watched, top_up, evidence, units, used, now)
    # One replay a block: the evidence takes each block of time once, so that no count can enter twice.
    if wanted <= 0 or any(part.replay.through >= number for part in evidence.comparisons.values()):
        return ()
    # By position, in an order that never changes: which inputs were used is one number in the signed look, and a
    # repeated look sends the same ones.
    inputs = islice(_inputs(clients, watched, top_up), used, used + wanted)
    pairs = [_pair(clients, watched, body, order) for order, body in enumerate(inputs, used)]
    if not pairs:  # All inputs are used.
        return ()
    return tuple(
        counted_pairs(comparison.name, number, pairs) for comparison in watched.policy.test.compared(soaks=False)
    )


def _wanted(
    watched: WatchedStep, top_up: TopUp, evidence: RolloutEvidence, units: int, used: int, now: datetime
) -> int:
    """How many inputs this look replays: what the step lacks by now, or all that it may if only a replay counts."""
    each = watched.policy.each
    passed = min(1.0, (now - watched.since).total_seconds() / each.at_least_s)
    only_replay = judge_rollout(evidence, watched.policy.test).is_clustered
    lacking = top_up.per_look if only_replay else int(each.requests * passed) - units
    return min(lacking, top_up.per_look, top_up.most - used)


def _inputs(clients: Clients, watched: WatchedStep, top_up: TopUp) -> Iterator[bytes]:
    """The bodies of requests, always in the same order, none twice."""
    _, extras = stage_shelves(watched.plan, watched.at.stage)
    inputs = Inputs(
        plan=watched.plan,
        extras=extras,
        served=watched.served,
        champion=watched.arms.champion,
        # Collected requests are those of the day before the rollout: the same at every look.
        until=lambda: watched.shifting_since(clients.statements),
    )
    return iter(dict.fromkeys(islice(inputs.bodies(clients, top_up.replay), top_up.most)))


def _pair(clients: Clients, watched: WatchedStep, body: bytes, order: int) -> tuple[Bad, Bad]:
    """What was bad in the answers of the canary and of the champion. They are asked in turn, one of them first every
    other time: the second one finds caches warm."""
    arms = (watched.arms.canary, watched.arms.champion)
    asked = arms if order % 2 else arms[::-1]
    answers = {deployment: _ask(clients, watched, deployment, body) for deployment in asked}
    canary, champion = (_bad(watched, answers[deployment]) for deployment in arms)
    return canary, champion


def _ask(clients: Clients, watched: WatchedStep, deployment: str, body: bytes) -> EndpointResponse:
    served = watched.served
    return clients.endpoints.invoke(
        OnlineRequest(workspace=served.workspace, endpoint=served.endpoint, deployment=deployment, body=body)
    )


def _bad(watched: WatchedStep, answer: EndpointResponse) -> Bad:
    """By comparison; an answer without an output is in no bin, as a request that failed is not collected."""
    compare = watched.policy.compare
    bad = {ERRORS: is_fault(answer.status)}
    if compare.slow is not None:
        bad[SLOW] = answer.took_ms > compare.slow.over_ms
    if compare.outputs is not None and answer.status == 200:
        place = _bin(compare.outputs, answer.body)
        bad |= {name: at == place for at, name in enumerate(compare.outputs.names)}
    return bad


def _bin(outputs: ComparedOutputs, body: bytes) -> int:
    """The bin of the first output of an answer; the last one is of outputs that are in none."""
    bins = OutputBins(edges=outputs.edges, classes=outputs.classes)
    place = bins.bin_of(first_output(body, outputs.field))
    return bins.size if place is None else place


def first_output(body: bytes, field: str) -> Any:
    """The first output of an answer: of a list, alone or as *field*, or of rows with a column *field*; else None."""
    answer = answer_json(body)
    if isinstance(answer, dict):
        answer = answer.get(field or "predictions")
    if isinstance(answer, list):
        answer = answer[0] if answer else None
    return answer.get(field) if isinstance(answer, dict) else answer


def counted_pairs(comparison: str, number: int, pairs: list[tuple[Bad, Bad]]) -> ReplayedPairs:
    """The pairs in which both arms say something of *comparison*."""
    known = [
        (canary[comparison], champion[comparison])
        for canary, champion in pairs
        if comparison in canary and comparison in champion
    ]
    counts = PairCounts(
        minute=number,
        pairs=len(known),
        canary_only=sum(canary and not champion for canary, champion in known),
        champion_only=sum(champion and not canary for canary, champion in known),
    )
    return ReplayedPairs(comparison=comparison, pairs=(counts,) if known else ())
