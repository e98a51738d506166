"""Decisions of provisioning without an app: digests, states, plans, and what counts as an approval."""

import itertools
from dataclasses import replace

import pytest

from shared.domain.failures import Refused
from shared.domain.provisioning.orders import RequestRef, TeamOrder, order_problems
from shared.domain.provisioning.plans import (
    DIGEST,
    PLAN,
    AzurePlan,
    ChangeSeen,
    ChangeVerdict,
    plan_of,
    shown_lines,
    verdict_on,
)
from shared.domain.provisioning.rules import ProvisioningStep
from shared.domain.provisioning.states import OrderState, first_words, may_follow
from tests.provisioning.conftest import RULES

VARIABLES = {"cost_center": "4711", "data_owner": "dana", "region": "westeurope"}
ORDER = TeamOrder(
    team="churners",
    step=ProvisioningStep.EXPERIMENTATION,
    request=RequestRef(number="RITM0010001", sys_id="0" * 32),
    by="ada",
    variables=VARIABLES,
)
SHA = f"sha256:{'0' * 64}"


def test_the_digest_is_of_what_was_asked_for_and_of_nothing_else() -> None:
    same = replace(ORDER, request=RequestRef(number="RITM0010002", sys_id="1" * 32), by="grace")
    others = [
        replace(ORDER, team="others"),
        replace(ORDER, step=ProvisioningStep.PRODUCTIONISATION),
        replace(ORDER, variables=VARIABLES | {"region": "northeurope"}),
    ]

    assert same.digest == ORDER.digest
    assert len({ORDER.digest, *(other.digest for other in others)}) == 4
    assert len(replace(ORDER, team="t" * 24, step=ProvisioningStep.PRODUCTIONISATION).id) + 12 <= 100


@pytest.mark.parametrize("value", ["", "a'b", 'a"b', "$(id)", "a;b", "a\nb", "`id`", "x" * 101, "${{ x }}"])
def test_no_variable_ends_a_quoted_word_of_a_pipeline(value: str) -> None:
    assert list(order_problems(replace(ORDER, variables=VARIABLES | {"data_owner": value}), RULES))


def test_every_problem_of_an_order_is_named() -> None:
    order = replace(ORDER, team="X", variables={"region": "mars", "size": "big"})

    assert len(list(order_problems(order, RULES))) == 5
    assert list(order_problems(ORDER, RULES)) == []
    assert "add them to it first" in next(iter(order_problems(replace(ORDER, team="nobody"), RULES)))


def test_only_both_an_approval_and_a_state_of_work_approve() -> None:
    verdicts = {
        (state, approval): verdict_on(ChangeSeen(number="C", sys_id="s", state=state, approval=approval), RULES)
        for state, approval in itertools.product(
            ("-5", "-4", "-3", "-2", "-1", "0", "3", "4", ""),
            ("approved", "requested", "rejected", "not requested", ""),
        )
    }
    approved = {key for key, verdict in verdicts.items() if verdict is ChangeVerdict.APPROVED}
    stopped = {key for key, verdict in verdicts.items() if verdict is ChangeVerdict.STOPPED}

    assert approved == {("-2", "approved"), ("-1", "approved")}
    assert stopped == {key for key in verdicts if key[0] in ("3", "4") or key[1] == "rejected"}


def test_a_plan_without_its_digest_or_with_a_part_that_waits_is_none() -> None:
    plan = plan_of({PLAN: b"Create a\nModify b\n", DIGEST: f"{SHA}\n".encode()})
    assert (plan.lines, plan.digest, plan.empty) == (("Create a", "Modify b"), SHA, False)
    assert plan_of({PLAN: b"", DIGEST: SHA.encode()}).empty

    for files, reason in (
        ({PLAN: b"Create a\n"}, "attached no plan.sha256"),
        ({}, "attached no plan.txt and no plan.sha256"),
        ({PLAN: b"", DIGEST: b"sha256:1"}, "as the plan's digest"),
        ({PLAN: b"team:dev: Later waits for 'platform'\n", DIGEST: SHA.encode()}, "apply what it needs first"),
    ):
        with pytest.raises(Refused, match=reason):
            plan_of(files)


def test_a_long_plan_is_not_cut_without_a_word() -> None:
    plan = AzurePlan(digest=SHA, lines=tuple(f"Create {number}" for number in range(300)))

    assert shown_lines(plan).splitlines()[-1] == "... and 100 more: see plan.txt of the run"


def test_nothing_is_applied_but_after_an_approval_and_nothing_follows_an_end() -> None:
    before_applying = [state for state in OrderState if may_follow(state, OrderState.APPLYING)]
    ends = (OrderState.READY, OrderState.REFUSED, OrderState.REJECTED)

    assert before_applying == [OrderState.APPROVED]
    assert [state for state in OrderState if may_follow(state, OrderState.APPROVED)] == [OrderState.CHANGE_OPEN]
    assert not any(may_follow(end, state) for end in ends for state in OrderState)
    assert [state for state in OrderState if may_follow(None, state)] == [OrderState.ASKED]
    assert len({first_words(state) for state in OrderState}) == len(OrderState)
