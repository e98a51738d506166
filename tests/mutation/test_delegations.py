"""Remove one condition of a delegation (decision 40), and a named test must fail: it gives nobody a right."""

from typing import Any

import pytest

from tests.amounts import sample
from tests.mutation.removal import Lock, expect_failure, remove
from tests.promotion import test_delegations as delegations
from tests.promotion.test_delegations import app, careful  # noqa: F401 (fixtures)

REFUSED = delegations.test_a_delegation_is_refused
ASKED = delegations.test_nothing_is_left_to_whoever_asked_nor_by_them
TAKEN_BACK = delegations.test_who_has_left_it_decides_again_once_it_is_taken_back
LEFT = delegations.test_a_decision_is_left_to_a_named_person_who_sees_it_is_told_and_decides
SETTLED = delegations.test_what_is_decided_or_left_already_is_left_to_nobody
NO_PERMISSION = delegations.test_nothing_is_left_to_whom_no_permission_lets_decide


def refused(who: str, because: str, **more: str) -> dict[str, Any]:
    return {"who": who, "more": more, "status": 403, "because": because}


LOCKS = [
    Lock(
        symbol="refuse_delegation",
        condition=("refuse_approval(policy, role, person, askers, delegation.evidence, evidence, approvals)"),
        without='""',
        guard=REFUSED,
        arguments=refused("linus", "linus does not hold role 'product-owner'"),
    ),
    Lock(
        symbol="refuse_delegation",
        condition="is_named(person, name)",
        without="False",
        guard=REFUSED,
        arguments=refused("grace", "a delegation is to another person", to="2"),
    ),
    Lock(symbol="refuse_delegation", condition="askers.include(named, name)", without="False", guard=ASKED),
    Lock(
        symbol="named_speakers",
        condition="not askers.include(named_person(name), name)",
        without="True",
        guard=ASKED,
    ),
    Lock(
        symbol="refuse_delegation",
        condition="name.casefold() not in {candidate.casefold() for candidate in names}",
        without="False",
        guard=REFUSED,
        arguments=refused("grace", "the configuration does not name eve@example.org", to="eve@example.org"),
    ),
    Lock(
        symbol="refuse_delegation",
        condition="earlier is not None",
        without="False",
        guard=delegations.test_nothing_is_left_to_whoever_has_decided_in_another_role,
    ),
    Lock(symbol="refuse_delegation", condition="not can_decide(named)", without="False", guard=NO_PERMISSION),
    Lock(
        symbol="promotion.decisions._may_decide",
        condition="clients.configuration.permissions.allows(caller, Action.DECIDE, place, team)",
        without="True",
        guard=NO_PERMISSION,
    ),
    Lock(
        symbol="delegations.delegate",
        condition="refuse_old_sign_in(policy, hand_over.person, hand_over.at)",
        without='""',
        guard=delegations.test_who_has_no_fresh_sign_in_leaves_nothing_to_anybody_where_decisions_ask_for_one,
    ),
    Lock(symbol="delegations.delegate", condition="earlier is not None", without="False", guard=SETTLED),
    Lock(
        symbol="delegations._recorded",
        condition="not same_person(first.by, delegation.by) or first.to.casefold() != delegation.to.casefold()",
        without="False",
        guard=SETTLED,
    ),
    Lock(
        symbol="delegations.take_back",
        condition="record is None or not same_person(record.delegation.by, person)",
        without="record is None",
        guard=delegations.test_nobody_takes_back_what_another_has_left,
    ),
    Lock(
        symbol="application.promotion.decisions._decide",
        condition="delegation is not None and same_person(delegation.by, ballot.person)",
        without="False",
        guard=TAKEN_BACK,
    ),
    Lock(
        symbol="delegation_at",
        condition="record is None or record.delegation.withdrawn",
        without="record is None",
        guard=TAKEN_BACK,
    ),
    Lock(
        symbol="Waited.waits_for",
        condition="self.delegation is not None and same_person(self.delegation.by, person)",
        without="False",
        guard=LEFT,
    ),
    Lock(
        symbol="inbox._decisions",
        condition="delegation is not None and delegation.is_to(caller)",
        without="delegation is not None",
        guard=LEFT,
    ),
]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_condition_stands_where_it_is_named(lock: Lock) -> None:
    lock.changed()


@pytest.mark.long
@pytest.mark.parametrize("lock", sample(LOCKS, 3), ids=str)
async def test_a_removed_condition_is_noticed(
    app: delegations.PromotionApp,  # noqa: F811
    careful: delegations.PromotionApp,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    lock: Lock,
) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, app=app, careful=careful, **lock.arguments)
