"""What people decide in Azure DevOps counts by the rules that hold here; nobody is asked over a wire for this."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest

from activities.devops.approvals import mirror_approvals
from shared import contracts as c
from shared.application.promotion.standing import decided
from shared.domain.access.permissions import Action, Permissions, Persona
from shared.domain.devops.configuration import DevOps, StageApprovals
from shared.domain.devops.seen import ApprovalSeen, ApprovalStep
from shared.domain.devops.timelines import PipelineStage
from shared.records.devops import paths as devops_paths
from tests.promotion.conftest import PEOPLE, SCIENTIST, PromotionApp, app  # noqa: F401 (a fixture)

RULES = StageApprovals(
    stage="central", organisation="contoso", project="mlops", approvers={"data-scientist": "Scientists"}
)
OTHER_EVIDENCE = {"comment": "sha256:000000000000", "said": "the approval is for evidence sha256:000000000000"}
REQUESTER = {"who": "linus", "said": "asked for this promotion and cannot approve it"}
OTHER_STAGE = {"beside": "another stage"}
ELSEWHERE = {"decides_in": "dev", "said": "ada may not decide in registry"}
USED = {"used": "preprod", "said": "was given for preprod, and central asks anew"}


async def mirrored(
    app: PromotionApp,  # noqa: F811
    decision: ApprovalStep,
    beside: str,
    used: str,
    decides_in: str,
) -> tuple[str, c.Mirrored]:
    """A promotion that asks, and what a mirror makes of *decision* on an approval in the stage *beside* a task's."""
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    approval = ApprovalSeen(id="a-1", status="pending", run=7, stage=PipelineStage(id=beside), steps=(decision,))
    made = app.clients
    devops = DevOps(organisations=("contoso",), projects=("mlops",), approvals=(RULES,))
    permissions = Permissions(personas=(Persona(role=SCIENTIST, allows={Action.DECIDE: (decides_in,)}),))
    vars(made).update(
        configuration=replace(made.configuration, devops=devops, permissions=permissions),
        devops_facts=SimpleNamespace(project_id=lambda *_: "p", person=lambda _, who: PEOPLE.get(who)),
        devops_approvals=SimpleNamespace(of_run=lambda *_: (approval,), address=lambda *parts: "/".join(parts)),
    )
    link = {"organisation": "contoso", "project": "p", "run": 7, "stage": "the task's stage"}
    app.hub.land(f"signalbox/{devops_paths.link(promotion, 7, 'task')}", json.dumps(link).encode())
    if used:
        who = PEOPLE[decision.decider].oid
        app.hub.land(f"signalbox/{devops_paths.taken_decision(promotion, 'a-1', who)}", used.encode())
    client = df.DurableOrchestrationClient(app.host.client_binding())
    return promotion, await mirror_approvals(client, made, c.Mirroring(key="k", promotion=promotion))


@pytest.mark.parametrize("more", [{}, OTHER_EVIDENCE, REQUESTER, OTHER_STAGE, ELSEWHERE, USED])
async def test_a_decision_counts_by_the_rules_of_here(app: PromotionApp, more: dict[str, Any]) -> None:  # noqa: F811
    given = {"who": "ada", "comment": "", "beside": "the task's stage", "used": "", "said": ""} | more
    decides_in = given.get("decides_in", "all")
    at = app.clients.clock.now().replace(year=2999)
    decision = ApprovalStep(
        approver="Scientists", status="approved", decider=given["who"], comment=given["comment"], at=at
    )

    promotion, seen = await mirrored(app, decision, given["beside"], given["used"], decides_in)

    assert [given["said"] in each for each in seen.notes] == [True] * bool(given["said"]), seen.notes
    assert len(decided(app.clients.statements, promotion, "central")) == (not more)
