"""Taking a decision back: what is withdrawn counts no more, for nobody, and the first to replace it stands."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared import contracts as c
from shared.deciding import record_decision
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import Approval
from shared.domain.promotion.models import ModelVersion
from shared.standing import decided
from tests.promotion.conftest import Railway

REQUEST = c.Promotion(id="p-1", model=ModelVersion(name="churn", version="1"), source="dev", target="central")


def said(railway: Railway, who: str, withdrawn: bool = False, approved: bool = True) -> Approval:
    return Approval(
        role="owner",
        oid=who,
        name=who,
        approved=approved,
        reason="seen",
        evidence="sha256:seen",
        at=railway.clients.clock.now() + timedelta(minutes=len(who)),
        withdrawn=withdrawn,
    )


def test_of_two_who_replace_a_withdrawn_decision_the_first_stands(
    railway: Railway, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_decision(railway.clients, REQUEST, "central", said(railway, "ada", withdrawn=True))
    overwrite, racing = railway.hub.replace, ["grace"]

    def late(*given: Any) -> bool:
        while racing:
            record_decision(railway.clients, REQUEST, "central", said(railway, racing.pop()))
        return overwrite(*given)

    monkeypatch.setattr(railway.hub, "replace", late)
    with pytest.raises(Refused, match="grace has approved as owner"):
        record_decision(railway.clients, REQUEST, "central", said(railway, "linus", approved=False))

    counted = [each.name for each in decided(railway.clients, "p-1", "central") if not each.withdrawn]
    assert counted == ["grace"]
    assert [entry.who for entry in railway.clients.audit.entries()] == ["ada", "grace"]


def test_a_withdrawn_decision_that_was_replaced_is_still_known(railway: Railway) -> None:
    record_decision(railway.clients, REQUEST, "central", said(railway, "ada", withdrawn=True))

    record_decision(railway.clients, REQUEST, "central", said(railway, "grace"))

    known = {each.name: each.withdrawn for each in decided(railway.clients, "p-1", "central")}
    assert known == {"ada": True, "grace": False}


def test_a_decision_that_is_repeated_is_one(railway: Railway) -> None:
    first = said(railway, "ada")
    record_decision(railway.clients, REQUEST, "central", first)

    again = replace(first, reason="seen again", at=first.at + timedelta(minutes=1))
    record_decision(railway.clients, REQUEST, "central", again)

    assert decided(railway.clients, "p-1", "central") == [first]
    assert railway.chain() == ["decision approved"]
