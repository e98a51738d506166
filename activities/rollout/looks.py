"""Take a look at a step of a rollout: count the minutes that are final, judge, and record what was judged by."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import reduce
from math import ceil

from activities.effects import once, stamp
from activities.promotion.forgeries import tell_forgeries
from shared import contracts as c
from shared.application.promotion.stage_training import carried
from shared.application.promotion.stored_plans import signed_plan
from shared.application.rollout.looks import Arms, arms_of, evidence_with, frozen_counts, judge, policy_of
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.promotion.plans import Phase
from shared.domain.rollout.orders import RolloutOrder
from shared.domain.rollout.policy import ERRORS, RolloutPolicy
from shared.domain.rollout.steps import StepDecision, StepFacts, StepOutcome
from shared.domain.rollout.traffic import shares
from shared.domain.statistics.sequential.rollout_evidence import RolloutEvidence
from shared.domain.statistics.sequential.verdicts import judge_rollout
from shared.ports import EndpointKind, ServedEndpoint
from shared.records.production import paths
from shared.records.production.rollouts import (
    FrozenCounts,
    RecordedLook,
    RolloutStanding,
    StepRecord,
    look_at,
    orders_of,
    sign_look,
    sign_step,
    step_at,
)
from shared.records.statements import ForgedError


def take_look(clients: Clients, step: c.RolloutStep) -> c.LookTaken:
    """The look, which is taken once; what it decides is judged again by the receipt of the next step."""
    return once(clients, f"{step.key}/looks/{step.looks}", c.LookTaken, lambda: _Look(clients, step).taken())


class _Look:
    """One look: what it is about, and what it has found."""

    def __init__(self, clients: Clients, step: c.RolloutStep) -> None:
        self._clients, self._step = clients, step
        plan = signed_plan(clients.statements, clients.ledger, step.promotion.id, step.plan_digest)
        self._order = carried(
            clients.statements,
            c.StageOrder(
                key=step.key,
                promotion=step.promotion,
                plan=plan,
                plan_digest=step.plan_digest,
                stage=step.stage,
                phase=Phase.EXIT,
            ),
        )
        bundle = self._order.plan
        self._subject = (str(bundle.model), bundle.digest)
        self._at = self._order.at
        self._policy: RolloutPolicy = policy_of(self._at)
        self._arms: Arms = arms_of(self._at, identity.deployment_name(bundle.model.version, bundle.digest), step.step)
        environment = self._at.stage.environment
        if environment is None:
            raise Refused(f"stage {step.stage} is no environment: it has no traffic")
        self._served = ServedEndpoint(workspace=environment, endpoint=self._at.stage.serving.online)

    def taken(self) -> c.LookTaken:
        """Look, record it, and say what follows."""
        statements, step = self._clients.statements, self._step
        look = look_at(statements, step.promotion.id, step.stage, step.step, step.looks)
        if look is None:  # What was seen before a crash stands.
            sign_look(statements, self._subject, step.promotion.id, step.stage, self._look())
            look = look_at(statements, step.promotion.id, step.stage, step.step, step.looks)
        if look is None:
            raise Transient(f"look {step.looks} at step {step.step} was removed while it was taken")
        decision, evidence = StepDecision(look.decision), ""
        if decision is not StepDecision.WAIT:
            evidence = self._close(look)
        self._show(look)
        return c.LookTaken(
            decision=decision,
            because=look.because,
            wait_s=float(self._policy.look.every_s),
            evidence=evidence,
            worse=look.worse,
        )

    def _look(self) -> RecordedLook:
        step, now = self._step, self._clients.clock.now()
        earlier = self._earlier()
        since = datetime.fromisoformat(step.since)
        # The first minute that had the step's traffic from its beginning to its end is the first to be counted.
        block_s = self._policy.look.block_s
        through = earlier.through if earlier else ceil(since.timestamp() / block_s) - 1
        last = int((now - timedelta(seconds=self._policy.look.lag_s)).timestamp()) // block_s - 1
        counts = self._counted(through + 1, last)
        before = earlier.evidence if earlier else self._evidence_before()
        evidence = before
        if self._arms.is_compared and (counts.shares or earlier is None):
            evidence = evidence_with(self._policy, before, counts)
        requests, errors = self._sums(counts)
        facts = StepFacts(
            since=since,
            now=now,
            requests=requests + (earlier.requests if earlier else 0),
            errors=errors + (earlier.errors if earlier else 0),
            judgement=None,
            orders=self._orders(),
            alerts=self._alerts(),
            foreign=self._foreign(),
        )
        outcome = judge(self._policy, self._arms, step.step, len(self._at.weights), evidence, facts)
        return self._recorded(facts, outcome, counts, evidence, max(through, last))

    def _recorded(
        self, facts: StepFacts, outcome: StepOutcome, counts: FrozenCounts, evidence: RolloutEvidence, through: int
    ) -> RecordedLook:
        return RecordedLook(
            step=self._step.step,
            number=self._step.looks,
            at=facts.now,
            through=through,
            counts=counts,
            evidence=evidence,
            requests=facts.requests,
            errors=facts.errors,
            orders=facts.orders,
            alerts=facts.alerts,
            foreign=facts.foreign,
            decision=outcome.decision.value,
            because=outcome.because,
            worse=outcome.worse,
        )

    def _earlier(self) -> RecordedLook | None:
        step = self._step
        if not step.looks:
            return None
        earlier = look_at(self._clients.statements, step.promotion.id, step.stage, step.step, step.looks - 1)
        if earlier is None:
            raise _gone(f"look {step.looks - 1} at step {step.step} of {step.stage}")
        return earlier

    def _evidence_before(self) -> RolloutEvidence:
        step = self._step
        if not step.step:
            return RolloutEvidence()
        record = step_at(self._clients.statements, step.promotion.id, step.stage, step.step - 1)
        if record is None:
            raise _gone(f"the record of step {step.step - 1} of {step.stage}")
        return record.after

    def _counted(self, first: int, last: int) -> FrozenCounts:
        if last < first:
            return FrozenCounts()
        slow = self._policy.compare.slow
        minutes = self._clients.traffic_figures(self._policy.look.counts).minutes(
            self._served, first, last, slow.over_ms if slow else None, self._policy.look.block_s
        )
        return frozen_counts(minutes, self._arms)

    def _sums(self, counts: FrozenCounts) -> tuple[int, int]:
        minutes = counts.minutes.get(ERRORS, ())
        return sum(minute.canary for minute in minutes), sum(minute.canary_bad for minute in minutes)

    def _orders(self) -> tuple[RolloutOrder, ...]:
        forgeries: list[ForgedError] = []
        orders = tuple(orders_of(self._clients.statements, self._step.promotion.id, self._step.stage, forgeries))
        tell_forgeries(self._clients, self._subject[0], forgeries)
        return orders

    def _alerts(self) -> tuple[str, ...]:
        """Rules that fire about the new version, or since it has traffic about nothing smaller than the endpoint.

        An alert on the endpoint from before the rollout is about the champion.
        """
        rules = self._policy.alerts.rules
        if not rules:
            return ()
        shifting_since = self._shifting_since()
        fired = [alert for alert in self._clients.alerts.firing(self._served) if alert.rule in rules]
        about_it = [
            alert.rule
            for alert in fired
            if alert.deployment == self._arms.canary or (not alert.deployment and alert.since >= shifting_since)
        ]
        return tuple(dict.fromkeys(about_it))

    def _shifting_since(self) -> datetime:
        """When the first step of the rollout had its traffic."""
        step = self._step
        first = step_at(self._clients.statements, step.promotion.id, step.stage, 0) if step.step else None
        return first.since if first else datetime.fromisoformat(step.since)

    def _foreign(self) -> str:
        endpoint = self._served.endpoint
        online = self._clients.endpoints.find(self._served.workspace, EndpointKind.ONLINE, endpoint)
        if online is None:
            return f"endpoint {endpoint} is not in {self._served.workspace.name} any more"
        wanted = shares(self._arms.canary, self._arms.weight, self._arms.champion)
        if online.shares == wanted:
            return ""
        return f"the traffic of {endpoint} is {online.shares}, and this step has set {wanted}: somebody else changed it"

    def _close(self, look: RecordedLook) -> str:
        """Sign how the step ended, and write its page; returns the digest that the next receipt names."""
        clients, step = self._clients, self._step
        statements = clients.statements
        record = step_at(statements, step.promotion.id, step.stage, step.step)
        if record is None:
            sign_step(statements, self._subject, self._record(look))
            record = step_at(statements, step.promotion.id, step.stage, step.step)
        if record is None:
            raise Transient(f"the record of step {step.step} of {step.stage} was removed while it was written")
        facts = {
            "promotion": step.promotion.id,
            "stage": step.stage,
            "step": step.step,
            "decision": look.decision,
            "because": look.because,
            "evidence": record.evidence,
        }
        if self._arms.is_compared:
            page = self._page(record, [*self._looks_before(), look])
            path = paths.rollout_step(step.promotion.id, step.stage, step.step, "step.html")
            clients.store.create_file(path, page.encode())
        clients.audit.append(f"{step.key}/ended", "rollout step ended", self._subject[0], "signalbox", facts)
        return record.evidence

    def _record(self, look: RecordedLook) -> StepRecord:
        step, counts = self._step, [*(earlier.counts for earlier in self._looks_before()), look.counts]
        counted = [part for part in counts if part.shares] or [FrozenCounts()]
        return StepRecord(
            promotion=step.promotion.id,
            stage=step.stage,
            step=step.step,
            weight=self._arms.weight,
            since=datetime.fromisoformat(step.since),
            ended=look.at,
            before=self._evidence_before(),
            after=look.evidence,
            counts=reduce(FrozenCounts.joined, counted[:-1], FrozenCounts()),
            last=counted[-1],
            requests=look.requests,
            errors=look.errors,
            orders=look.orders,
            alerts=look.alerts,
            foreign=look.foreign,
            decision=look.decision,
            because=look.because,
        )

    def _page(self, record: StepRecord, looks: list[RecordedLook]) -> str:
        """The step for people to look at: weights, counts, the odds ratio and the evidence over time."""
        from shared.evidence_page.rollout import step_page
        from shared.evidence_page.rollout_figures import StepFigures, look_of

        test = self._policy.test
        rows = []
        for look in looks:
            errors = look.counts.minutes.get(ERRORS, ())
            units = sum(minute.canary for minute in errors), sum(minute.champion for minute in errors)
            rows.append(look_of(look.at.isoformat(), record.weight, units, judge_rollout(look.evidence, test)))
        figures = StepFigures(
            rollout=record.promotion,
            endpoint=self._served.endpoint,
            canary=self._subject[0],
            champion=self._at.champion.model or self._arms.champion,
            number=record.step + 1,
            steps=len(self._at.weights),
            percent=record.weight,
            since=record.since.isoformat(),
            written=record.ended.isoformat(),
            unit=test.unit,
            confidence=test.confidence,
            judgement=judge_rollout(record.after, test),
            looks=tuple(rows),
        )
        return step_page(figures, record.evidence)

    def _looks_before(self) -> Iterator[RecordedLook]:
        step = self._step
        for number in range(step.looks):
            earlier = look_at(self._clients.statements, step.promotion.id, step.stage, step.step, number)
            if earlier is None:
                raise _gone(f"look {number} at step {step.step} of {step.stage}")
            yield earlier

    def _show(self, look: RecordedLook) -> None:
        """Where it stands, for people to read; written over at each look."""
        step = self._step
        standing = RolloutStanding(
            promotion=step.promotion.id,
            model=self._subject[0],
            environment=self._served.workspace.name,
            endpoint=self._served.endpoint,
            deployment=self._arms.canary,
            champion=self._arms.champion,
            stage=step.stage,
            step=step.step,
            weights=self._at.weights,
            since=step.since,
            looks=step.looks + 1,
            decision=look.decision,
            because=look.because,
            at=stamp(self._clients),
        )
        self._clients.store.overwrite(paths.rollout(step.promotion.id), standing)


def _gone(record: str) -> Refused:
    return Refused(f"{record} is gone; restore it from a backup")
