"""Who has approved, as a table; and who may."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.promotion.approvals import (
    Approval,
    ApprovalPolicy,
    ApprovalStanding,
    Person,
    Role,
    judge_approvals,
    refuse_approval,
    refuse_old_sign_in,
)
from shared.domain.promotion.people import Askers, PersonId

SCIENTIST, OWNER = Role(name="scientist", app_role="DS"), Role(name="owner", group="g-1", people=("olga",))
POLICY = ApprovalPolicy(
    roles=(SCIENTIST, OWNER), expire_after_s=3600, delegates={"owner": Role(name="d", app_role="D")}
)
BY_ASKER = Askers(persons=(PersonId(oid="asker"),))
ASKED = datetime(2026, 1, 1, tzinfo=UTC)


def said(
    role: str, oid: str, approved: bool = True, evidence: str = "e1", withdrawn: bool = False, minutes: int = 0
) -> Approval:
    return Approval(
        role=role,
        oid=oid,
        name=oid,
        approved=approved,
        reason="because",
        evidence=evidence,
        at=ASKED + timedelta(minutes=minutes),
        withdrawn=withdrawn,
    )


BOTH = (said("scientist", "ada"), said("owner", "olga"))


@pytest.mark.parametrize(
    ("given", "minutes", "standing", "unmet"),
    [
        ((), 5, ApprovalStanding.WAITING, 2),
        (BOTH[:1], 5, ApprovalStanding.WAITING, 1),
        (BOTH, 5, ApprovalStanding.APPROVED, 0),
        (BOTH, 600, ApprovalStanding.APPROVED, 0),
        (BOTH[:1], 60, ApprovalStanding.EXPIRED, 1),
        ((*BOTH[:1], said("owner", "olga", minutes=61)), 90, ApprovalStanding.EXPIRED, 1),
        ((*BOTH[:1], said("owner", "olga", approved=False)), 5, ApprovalStanding.REJECTED, 1),
        ((*BOTH[:1], said("owner", "olga", approved=False, withdrawn=True)), 5, ApprovalStanding.WAITING, 1),
        ((*BOTH[:1], said("owner", "olga", evidence="e0")), 5, ApprovalStanding.WAITING, 1),
        ((*BOTH[:1], said("owner", "olga", approved=False, evidence="e0")), 5, ApprovalStanding.WAITING, 1),
        ((*BOTH[:1], said("owner", "ada")), 5, ApprovalStanding.WAITING, 1),
        ((said("scientist", "asker"), BOTH[1]), 5, ApprovalStanding.WAITING, 1),
        ((*BOTH, said("owner", "asker", approved=False)), 5, ApprovalStanding.APPROVED, 0),
    ],
)
def test_approvals(given, minutes, standing, unmet):
    judged = judge_approvals(POLICY, given, "e1", BY_ASKER, ASKED, ASKED + timedelta(minutes=minutes))

    assert (judged.standing, len(judged.unmet)) == (standing, unmet)


@pytest.mark.parametrize(
    ("person", "role", "shown", "why"),
    [
        (Person(oid="1", name="ada", roles=("DS",)), "scientist", "e1", ""),
        (Person(oid="olga", name="x"), "owner", "e1", ""),
        (Person(oid="1", name="x", upn="OLGA"), "owner", "e1", ""),
        (Person(oid="1", name="olga"), "owner", "e1", "does not hold role"),
        (Person(oid="1", name="x", groups=("g-1",)), "owner", "e1", ""),
        (Person(oid="1", name="deputy", roles=("D",)), "owner", "e1", ""),
        (Person(oid="1", name="deputy", roles=("D",)), "scientist", "e1", "does not hold role"),
        (Person(oid="1", name="ada", roles=("DS",)), "boss", "e1", "is not asked here"),
        (Person(oid="asker", name="ada", roles=("DS",)), "scientist", "e1", "cannot approve it"),
        (Person(oid="1", name="ada", roles=("DS",)), "scientist", "e0", "look at it and approve that"),
        (Person(oid="2", name="zoe", roles=("DS",)), "scientist", "e1", "another person must decide"),
    ],
)
def test_who_may_approve(person, role, shown, why):
    given = (said("owner", "2"),) if person.name == "zoe" else ()

    refused = refuse_approval(POLICY, role, person, BY_ASKER, shown, "e1", given)

    assert why in refused if why else refused == ""


@pytest.mark.parametrize(
    ("asked_s", "authenticated", "is_refused"),
    [
        (0, None, False),
        (600, ASKED - timedelta(seconds=600), False),
        (600, ASKED - timedelta(seconds=601), True),
        (600, ASKED + timedelta(seconds=5), False),  # The directory's clock is a little ahead.
        (600, None, True),
    ],
)
def test_a_decision_may_ask_for_a_fresh_sign_in(asked_s: int, authenticated: datetime | None, is_refused: bool) -> None:
    person = Person(oid="ada", name="ada", authenticated_at=authenticated)
    refused = refuse_old_sign_in(replace(POLICY, fresh_sign_in_s=asked_s), person, ASKED)

    assert (refused != "") is is_refused
