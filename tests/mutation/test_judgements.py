"""Remove one condition from a judgement that a table describes, and a row of the table must fail."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.drift.test_outside import test_what_is_no_cause_says_why as told
from tests.mutation.removal import Guard, Lock, remove
from tests.promotion.test_four_eyes import test_people_are_told_apart_by_tenant_and_object_id as told_apart
from tests.unit.gates.test_better_than_champion import test_it_is_decided_on_the_interval as compared
from tests.unit.gates.test_better_than_champion import test_no_slice_may_lose_more_than_allowed as sliced
from tests.unit.gates.test_checks import test_each_gate_has_its_outcomes as gated
from tests.unit.gates.test_checks import test_nan_never_passes as finite
from tests.unit.promotion.test_approvals import test_a_decision_may_ask_for_a_fresh_sign_in as fresh
from tests.unit.promotion.test_approvals import test_approvals as judged
from tests.unit.promotion.test_approvals import test_who_may_approve as accepted
from tests.unit.retraining.test_decision import test_decisions as decided
from tests.unit.test_permissions import test_a_limited_permission_counts_in_its_places_alone as placed
from tests.unit.test_permissions import test_no_machine_decides as persons_only
from tests.unit.test_permissions import test_whom_a_token_names as claimed

CONDITIONS = [
    Lock(
        symbol="judge_approvals", condition="not askers.include(approval, approval.name)", without="True", guard=judged
    ),
    Lock(symbol="judge_approvals", condition="approval.evidence == evidence", without="True", guard=judged),
    Lock(symbol="judge_approvals", condition="not approval.withdrawn", without="True", guard=judged),
    Lock(symbol="judge_approvals", condition="approval.at < deadline", without="True", guard=judged),
    Lock(symbol="judge_approvals", condition="if rejections", without="False", guard=judged),
    Lock(symbol="judge_approvals", condition="not missing_roles", without="True", guard=judged),
    Lock(
        symbol="_one_person_each",
        condition="not any((same_person(approval, before) for before in counted_approvals))",
        without="True",
        guard=judged,
    ),
    Lock(symbol="refuse_approval", condition="role_rule is None", without="False", guard=accepted),
    Lock(
        symbol="refuse_approval",
        condition="not any((person.fills(speaker_role) for speaker_role in policy.speakers(role_rule)))",
        without="False",
        guard=accepted,
    ),
    Lock(symbol="refuse_approval", condition="askers.include(person, person.name)", without="False", guard=accepted),
    Lock(symbol="refuse_approval", condition="shown_evidence != evidence", without="False", guard=accepted),
    Lock(symbol="refuse_approval", condition="earlier is not None", without="False", guard=accepted),
    Lock(symbol="refuse_old_sign_in", condition="at - authenticated_at <= longest", without="True", guard=fresh),
    Lock(
        symbol="Permissions.allows",
        condition="bool(place) and place in places",
        without='place in (*places, "")',
        guard=placed,
    ),
    Lock(
        symbol="Permissions._allowing",
        condition="action in PEOPLE_ONLY and caller.kind is not CallerKind.PERSON",
        without="False",
        guard=persons_only,
    ),
    Lock(symbol="caller_of", condition="issued_in != tenant", without="False", guard=claimed),
    Lock(symbol="caller_of", condition="not machine and (not application)", without="False", guard=claimed),
    Lock(symbol="same_person", condition="same_tenant", without="True", guard=told_apart),
    Lock(
        symbol="same_person",
        condition="bool(set(person.mails) & set(other_person.mails))",
        without="False",
        guard=told_apart,
    ),
    Lock(symbol="decision.decide", condition="if state.in_flight", without="False", guard=decided),
    Lock(symbol="decision.decide", condition="_debounced(state)", without="False", guard=decided),
    Lock(
        symbol="_debounced",
        condition="_still(limits.longest_debounce_s, state.now, oldest)",
        without="_left(limits.debounce_s, newest - newest)",
        guard=decided,
    ),
    Lock(symbol="decision._limits", condition="past and limits.min_interval_s", without="False", guard=decided),
    Lock(
        symbol="decision._limits", condition="limits.runs and len(past) >= limits.runs", without="False", guard=decided
    ),
    Lock(symbol="decision._limits", condition="state.rules.budget.amount", without="False", guard=decided),
    Lock(
        symbol="decision._refused",
        condition="rules.budget.amount and rules.estimate > rules.budget.amount",
        without="False",
        guard=decided,
    ),
    Lock(symbol="decision._refused", condition="value >= minimum", without="True", guard=decided),
    Lock(
        symbol="expected_value",
        condition="{cause.kind for cause in causes}",
        without="[cause.kind for cause in causes]",
        guard=decided,
    ),
    Lock(symbol="decision._refused", condition="_asked(state)", without="False", guard=decided),
    Lock(
        symbol="decision._limits",
        condition="limits.champion_age_s and state.champion_since and not _asked(state)",
        without="False",
        guard=decided,
    ),
    Lock(symbol="decision._limits", condition="not _asked(state)", without="True", guard=decided),
    Lock(
        symbol="decision._still",
        condition="timedelta() if since - now > timedelta(seconds=limit_s) else _left(limit_s, _age(now, since))",
        without="_left(limit_s, _age(now, since))",
        guard=decided,
    ),
    Lock(symbol="decision._age", condition="max(timedelta(), now - earlier)", without="now - earlier", guard=decided),
    Lock(symbol="retraining.decision._limited", condition="max", without="min", guard=decided),
    Lock(symbol="gates.registry._unusable", condition="if unknown", without="False", guard=finite),
    Lock(symbol="data_tests_passed", condition='test.outcome != "passed"', without="False", guard=gated),
    Lock(symbol="data_tests_passed", condition="test.rows < options.min_rows", without="False", guard=gated),
    Lock(symbol="api_test_passed", condition="if test.schema_problems", without="False", guard=gated),
    Lock(
        symbol="api_test_passed",
        condition="requests and sum(bad.values()) > options.max_errors * requests",
        without="False",
        guard=gated,
    ),
    Lock(symbol="api_test_passed", condition="requests < options.min_requests", without="False", guard=gated),
    Lock(symbol="gates.load.load", condition="test.peak_per_second > MOST_PER_SECOND", without="False", guard=gated),
    Lock(symbol="gates.load.load", condition="not test.requests", without="False", guard=gated),
    Lock(
        symbol="gates.load.load",
        condition="test.errors > options.max_errors * test.requests",
        without="False",
        guard=gated,
    ),
    Lock(symbol="gates.load.load", condition="in_time and keeps_up", without="keeps_up", guard=gated),
    Lock(
        symbol="gates.load.load",
        condition="test.throughput >= options.min_throughput * test.per_second",
        without="True",
        guard=gated,
    ),
    Lock(
        symbol="gates.load._undecided", condition="test.requests < options.min_requests", without="False", guard=gated
    ),
    Lock(
        symbol="gates.load._undecided",
        condition="test.own_delay_ms > _OWN_DELAY * options.p95_ms",
        without="False",
        guard=gated,
    ),
    Lock(symbol="checks.budget", condition="cost.spent + cost.most <= options.amount", without="True", guard=gated),
    Lock(symbol="checks.budget", condition="cost.days != options.days", without="False", guard=gated),
    Lock(symbol="golden_requests_match", condition="golden is None", without="False", guard=gated),
    Lock(
        symbol="golden_requests_match", condition="golden.requests < options.min_requests", without="False", guard=gated
    ),
    Lock(symbol="golden_requests_match", condition="if golden.unlike", without="False", guard=gated),
    Lock(symbol="golden_requests_match", condition="golden.largest <= limit", without="True", guard=gated),
    Lock(
        symbol="golden_requests_match",
        condition="golden.deviating == 0 or options.max_deviation is not None",
        without="True",
        guard=gated,
    ),
    Lock(symbol="fast_enough", condition="latency.requests < options.min_requests", without="False", guard=gated),
    Lock(
        symbol="fast_enough",
        condition="latency.errors > options.max_errors * latency.requests",
        without="False",
        guard=gated,
    ),
    Lock(symbol="outputs_agree", condition="agreement.rows < options.min_rows", without="False", guard=gated),
    Lock(symbol="outputs_agree", condition="agreement.agreement < options.min_agreement", without="False", guard=gated),
    Lock(symbol="outputs_agree", condition="exceeds_shift", without="False", guard=gated),
    Lock(symbol="rollback_rehearsed", condition="not rehearsal.restored", without="False", guard=gated),
    Lock(symbol="_too_little", condition="difference.n < least_rows", without="False", guard=compared),
    Lock(
        symbol="_Comparison.unsure",
        condition="self.difference.confidence < self.confidence - _ROUNDING",
        without="False",
        guard=compared,
    ),
    Lock(symbol="_on_all", condition="not difference.low == difference.high == goal", without="True", guard=compared),
    Lock(symbol="_on_all", condition="difference.high < goal", without="False", guard=compared),
    Lock(
        symbol="better_than_champion",
        condition="(_on_slice(name, options, evaluation) for name in options.slices)",
        without="()",
        guard=sliced,
    ),
    Lock(symbol="cause_of", condition="not event.workspace.endswith(tuple(workspaces))", without="False", guard=told),
    Lock(symbol="cause_of", condition="event.coefficient < watch.coefficient", without="False", guard=told),
    Lock(symbol="_of_alert", condition="not event.fired", without="False", guard=told),
]


@pytest.mark.parametrize("lock", CONDITIONS, ids=str)
def test_a_removed_condition_is_noticed(monkeypatch: pytest.MonkeyPatch, lock: Lock) -> None:
    assert not list(_failures(lock.guard))

    remove(monkeypatch, lock)

    assert list(_failures(lock.guard))


def _failures(table: Guard) -> Iterator[BaseException]:
    """Of the rows of a parametrized test."""
    (mark,) = table.pytestmark  # type: ignore[attr-defined]
    names, rows = mark.args
    for row in rows:
        try:
            table(**dict[str, Any](zip(names, row, strict=True)))
        except (Exception, pytest.fail.Exception) as error:
            yield error
