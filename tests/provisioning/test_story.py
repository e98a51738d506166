"""A request becomes an environment once: whatever is repeated, dies, is rejected, or changes under way."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.azure.inspection import Grant, RoleGiven
from shared.domain.provisioning.states import OrderState
from shared.records.provisioning import find_order
from tests.amounts import amount, sample
from tests.provisioning.conftest import EXPERIMENTATION, PRODUCTIONISATION, ProvisioningApp

WAY = [
    "The request has become an order",
    "The changes in Azure are planned",
    "A change request asks for approval of exactly this plan",
    "The change is approved",
    "The plan is being applied",
    "Azure DevOps is being set up",
    "What was made is being verified",
    "Everything is verified and ready",
]


async def test_a_request_becomes_an_environment_and_a_second_one_the_rest(app: ProvisioningApp) -> None:
    first = await app.provisioned()
    assert first.state is OrderState.READY
    proven = (
        "By their groups' roles: data-scientist in experiment may do what AzureML Data Scientist says, and nothing else"
    )
    assert first.because.startswith(f"{proven}; ")
    assert app.told() == WAY
    assert list(app.azure.stands) == ["team:experiment"]
    assert app.desk.items[app.item()]["state"] == "complete"
    assert (app.standing().ready, app.standing().working) == (first.id, False)

    second = await app.provisioned(PRODUCTIONISATION, "RITM0010002")
    assert second.state is OrderState.READY
    assert list(app.azure.stands) == ["team:experiment", "team:dev", "team:preprod", "team:production"]
    assert len(app.desk.changes) == 2
    assert "environment churners-production" in app.set_up.made
    assert app.chain().count("provisioning verified") == 2
    assert app.kinds().count("Signalbox.Provisioning.Ready") == 2
    settled = [app.azure.runs[number][0].parameters for number in app.azure.numbers("settle")]
    assert "sc://churners-experiment" in settled[0]["federations"]
    assert "sc://churners-dev" in settled[1]["federations"]


async def test_the_second_step_waits_for_a_verified_first_one_and_a_planted_record_is_none(
    app: ProvisioningApp,
) -> None:
    early = await app.ended(await app.ordered(PRODUCTIONISATION))
    assert (early.state, "gets nothing above it before" in early.because) == (OrderState.REFUSED, True)
    assert app.desk.items[app.item()]["state"] == "incomplete"

    planted = b'{"team": "churners", "step": "experimentation", "ready": "provision-churners-experimentation-ritm1"}'
    app.hub.land("signalbox/provisioning/teams/churners/experimentation.json", planted)
    forged = await app.ended(await app.ordered(PRODUCTIONISATION, "RITM0010002"))
    assert forged.state is OrderState.REFUSED
    assert app.azure.runs == {}


async def test_only_what_service_now_has_approved_is_carried_out(app: ProvisioningApp) -> None:
    app.item(approval="requested")
    end = await app.ended(await app.ordered())

    assert (end.state, "RITM0010001 is requested" in end.because) == (OrderState.REFUSED, True)
    assert app.azure.runs == {}


@pytest.mark.parametrize(("state", "approval"), [("-5", "rejected"), ("4", "requested"), ("3", "approved")])
async def test_a_rejected_or_cancelled_change_stops_and_nothing_is_applied(
    app: ProvisioningApp, state: str, approval: str
) -> None:
    order = await app.ordered()
    await app.asks()
    app.desk.move(state, approval)
    end = await app.ended(order)

    assert end.state is OrderState.REJECTED
    assert (app.azure.stands, app.azure.numbers("apply"), app.set_up.made) == ({}, [], {})
    assert app.told()[-1] == "The change was not approved; nothing was applied"
    assert app.desk.items[app.item()]["state"] == "incomplete"
    assert app.standing().working is False


@pytest.mark.parametrize(("state", "approval"), [("-3", "approved"), ("-1", "requested"), ("-2", "not requested")])
async def test_a_change_that_is_not_wholly_approved_applies_nothing(
    app: ProvisioningApp, state: str, approval: str
) -> None:
    await app.ordered()
    await app.asks()
    app.desk.move(state, approval)
    await app.pass_time(timedelta(hours=1))

    assert app.azure.numbers("apply") == []


async def test_silence_is_no_approval(app: ProvisioningApp) -> None:
    end = await app.ended(await app.ordered())

    assert (end.state, "nobody approved the change" in end.because) == (OrderState.REJECTED, True)
    assert app.azure.stands == {}


async def test_a_plan_that_changes_before_it_is_applied_is_refused_and_approved_anew(app: ProvisioningApp) -> None:
    order = await app.ordered()
    await app.asks()
    app.azure.before_apply = lambda: app.azure.wanted["team:experiment"].update(storage="2")
    app.desk.move("-1", "approved")
    stopped = await app.ended(order)
    assert (stopped.state, "another plan than the approved one" in stopped.because) == (OrderState.FAILED, True)
    assert (app.azure.stands, app.desk.items[app.item()]["state"]) == ({}, "open")

    app.azure.before_apply = lambda: None
    status, again = await app.ask("POST", f"provisioning/orders/{order}/resume", {"reason": "mended"})
    assert status == 202, again
    await app.until(lambda: len(app.desk.changes) == 2)
    app.desk.move("-1", "approved")
    end = await app.ended(again["id"])
    assert end.state is OrderState.READY
    assert app.azure.stands["team:experiment"]["storage"] == "2"


async def test_a_failed_run_is_resumed_by_the_same_change_where_the_plan_is_the_same(app: ProvisioningApp) -> None:
    app.azure.fails = {"apply"}
    stopped = await app.provisioned()
    assert stopped.state is OrderState.FAILED

    app.azure.fails = set()
    _, again = await app.ask("POST", f"provisioning/orders/{stopped.id}/resume", {"reason": "mended"})
    end = await app.ended(again["id"])
    assert (end.state, len(app.desk.changes), len(app.azure.numbers("apply"))) == (OrderState.READY, 1, 2)
    status, answer = await app.ask("POST", f"provisioning/orders/{stopped.id}/resume", {"reason": "mended"})
    assert (status, "only an order that has stopped" in answer["detail"]) == (409, True)


async def test_an_order_that_was_ended_from_outside_is_resumed_and_its_change_still_counts(
    app: ProvisioningApp,
) -> None:
    order = await app.ordered()
    await app.asks()
    status, answer = await app.ask("POST", f"provisioning/orders/{order}/resume", {"reason": "early"})
    assert (status, "is at work" in answer["detail"]) == (409, True)
    await app.host.terminate(order, "somebody pulled the plug")
    await app.host.terminate(f"{order}-change-1", "somebody pulled the plug")

    _, again = await app.ask("POST", f"provisioning/orders/{order}/resume", {"reason": "the plug is back"})
    await app.until(lambda: app.told().count("The changes in Azure are planned") == 2)
    app.desk.move("-1", "approved")
    end = await app.ended(again["id"])

    assert (end.state, len(app.desk.changes)) == (OrderState.READY, 1)
    _, shown = await app.ask("GET", f"provisioning/orders/{order}")
    assert "its orchestration was ended from outside" in [row["because"] for row in shown["transitions"]]
    assert app.chain().count("provisioning resumed") == 1


async def test_a_second_request_for_the_same_changes_nothing(app: ProvisioningApp) -> None:
    await app.provisioned()
    before = Counter(app.wear.effects)
    end = await app.ended(await app.ordered(EXPERIMENTATION, "RITM0010002"))

    assert end.state is OrderState.READY
    done = {effect for effect in app.wear.effects - before if not effect.startswith(("note ", "close "))}
    assert done == {"plan run", "drift run"}
    assert (len(app.desk.changes), app.wear.effects["stack team:experiment"]) == (1, 1)
    assert "A change request asks for approval of exactly this plan" not in app.told("RITM0010002")


@pytest.mark.long
async def test_many_repeats_are_one_change_one_stack_and_one_note_for_each_state(app: ProvisioningApp) -> None:
    order = await app.ordered()
    for _ in range(amount(20, 1000)):
        assert await app.ordered() == order
    await app.asks()
    app.desk.move("-1", "approved")
    await app.ended(order)
    await app.ordered()

    assert (len(app.desk.changes), app.wear.effects["stack team:experiment"]) == (1, 1)
    assert app.told() == WAY


KILLS = [
    (effect, when)
    for effect in ("note", "change", "plan", "apply", "settle", "drift", "make", "close")
    for when in ("before", "after")
]


@pytest.mark.long
@pytest.mark.parametrize(("effect", "when"), sample(KILLS, 8))
async def test_a_host_that_dies_at_any_effect_leaves_one_of_each(app: ProvisioningApp, effect: str, when: str) -> None:
    app.wear.deaths = {effect: when}
    end = await app.provisioned()

    assert (end.state, app.wear.deaths) == (OrderState.READY, {})
    assert app.told() == WAY
    assert {name: times for name, times in app.wear.effects.items() if times > 1} == {}
    assert app.chain().count("provisioning ready") == 1


def once_each(app: ProvisioningApp) -> None:
    """Everything that was done outside was done once, though its host died before it and after it."""
    assert {name: times for name, times in app.wear.effects.items() if times > 1} == {}
    assert {name for name, times in app.wear.tries.items() if times < 2} == set()
    assert Counter(app.chain()).most_common(1)[0][1] == 1


async def test_a_host_that_dies_before_and_after_each_effect_leaves_one_change_one_stack_and_one_note_a_state(
    app: ProvisioningApp,
) -> None:
    app.wear.everywhere = True
    order = await app.ordered()
    await app.asks()
    for _ in range(amount(5, 1000)):
        assert await app.ordered() == order
    app.desk.move("-1", "approved")
    end = await app.ended(order)
    await app.ordered()

    assert (end.state, app.told()) == (OrderState.READY, WAY)
    assert (len(app.desk.changes), app.wear.effects["stack team:experiment"]) == (1, 1)
    assert (len(app.azure.numbers("apply")), len(app.azure.numbers("settle"))) == (1, 1)
    once_each(app)


async def test_a_rejected_change_stops_under_deaths_and_repeats_and_nothing_is_made(app: ProvisioningApp) -> None:
    app.wear.everywhere = True
    order = await app.ordered()
    await app.asks()
    assert await app.ordered() == order
    app.desk.move("4", "rejected")
    end = await app.ended(order)
    assert await app.ordered() == order

    assert end.state is OrderState.REJECTED
    assert app.told() == [*WAY[:3], "The change was not approved; nothing was applied"]
    assert (app.azure.stands, app.azure.numbers("apply"), app.set_up.made, len(app.desk.changes)) == ({}, [], {}, 1)
    once_each(app)


async def test_a_changed_plan_is_asked_about_once_under_deaths(app: ProvisioningApp) -> None:
    """The first change is for the plan that is not applied; the second one for the plan that is."""
    app.wear.everywhere = True
    order = await app.ordered()
    await app.asks()
    app.azure.before_apply = lambda: app.azure.wanted["team:experiment"].update(storage="2")
    app.desk.move("-1", "approved")
    assert (await app.ended(order)).state is OrderState.FAILED
    app.azure.before_apply = lambda: None
    answers = [await app.ask("POST", f"provisioning/orders/{order}/resume", {"reason": "again"}) for _ in range(3)]
    assert {answer["id"] for status, answer in answers if status == 202} == {f"{order}-2"}
    await app.until(lambda: len(app.desk.changes) == 2)
    status, answer = await app.ask("POST", f"provisioning/orders/{order}/resume", {"reason": "and again"})
    assert (status, "is at work" in answer["detail"]) == (409, True)
    app.desk.move("-1", "approved")
    end = await app.ended(f"{order}-2")

    assert (end.state, len(app.desk.changes), app.azure.stands["team:experiment"]["storage"]) == (
        OrderState.READY,
        2,
        "2",
    )
    assert (app.wear.effects["stack team:experiment"], app.chain().count("provisioning verified")) == (1, 1)
    told = Counter(app.told())
    assert (told["Everything is verified and ready"], told["The order has stopped; it can be resumed"]) == (1, 1)
    assert (told["The plan is being applied"], told["A change request asks for approval of exactly this plan"]) == (
        2,
        2,
    )


async def test_a_request_that_comes_again_with_other_variables_is_a_conflict_that_is_noted_once(
    app: ProvisioningApp,
) -> None:
    await app.ordered()
    for _ in range(2):
        status, answer = await app.request(cost_center="4712")
        assert (status, "a request never changes" in answer["detail"]) == (409, True)

    assert (
        app.told().count(
            "The request came again with other variables, which changes nothing: make another request for them"
        )
        == 1
    )


async def test_an_order_that_was_resumed_is_not_resumed_again_while_it_is_planned_anew(app: ProvisioningApp) -> None:
    """Its record still ends with `failed` then: two attempts at once would each plan, and each apply."""
    app.azure.fails = {"plan"}
    stopped = await app.ended(await app.ordered())
    app.azure.fails, app.wear.everywhere = set(), True
    for _ in range(4):
        await app.ask("POST", f"provisioning/orders/{stopped.id}/resume", {"reason": "mended"})
        await app.host.settle()
    await app.asks()

    assert len(app.azure.numbers("plan")) == 2
    record = find_order(app.clients.store, stopped.id)
    assert record is not None
    assert record.attempt == 2


async def test_one_order_at_a_time_works_on_a_step(app: ProvisioningApp) -> None:
    await app.ordered()
    await app.asks()
    end = await app.ended(await app.ordered(EXPERIMENTATION, "RITM0010002"))

    assert (end.state, "ritm0010001 is at work" in end.because) == (OrderState.REFUSED, True)
    assert app.standing().working is True


async def test_what_somebody_opens_after_the_set_up_is_not_ready(app: ProvisioningApp) -> None:
    app.set_up.opened_later = ("connection churners-experiment is open to every pipeline",)
    end = await app.provisioned()

    assert (end.state, "Azure DevOps is not as wanted" in end.because) == (OrderState.FAILED, True)


async def test_a_step_is_not_verified_before_each_persona_may_do_what_it_should(app: ProvisioningApp) -> None:
    app.control.missing = {"data-scientist"}
    stopped = await app.provisioned()

    assert stopped.state is OrderState.FAILED
    because = "personas: data-scientist in experiment cannot list datastores, see jobs, run jobs"
    assert because in app.desk.notes[app.item()][-1]
    assert (app.standing().ready, app.chain().count("provisioning verified")) == ("", 0)
    early = await app.ended(await app.ordered(PRODUCTIONISATION, "RITM0010002"))
    assert early.state is OrderState.REFUSED

    app.control.missing = set()
    _, again = await app.ask("POST", f"provisioning/orders/{stopped.id}/resume", {"reason": "the role is given"})
    assert (await app.ended(again["id"])).state is OrderState.READY
    assert app.chain().count("provisioning verified") == 1


async def test_a_persona_that_could_do_more_than_the_matrix_says_is_not_verified(app: ProvisioningApp) -> None:
    contributor = RoleGiven(
        principal="group-1", kind="Group", role="Contributor", scope="/subscriptions/s", grants=(Grant(actions=("*",)),)
    )
    app.control.given = (contributor,)
    end = await app.provisioned()

    assert end.state is OrderState.FAILED
    assert "data-scientist in experiment could read the workspace's keys" in end.because
    assert "by Contributor on /subscriptions/s" in end.because
    assert app.standing().ready == ""


async def test_without_groups_nobody_is_proven(app: ProvisioningApp) -> None:
    rules = replace(app.clients.configuration.provisioned(), groups={})
    vars(app.clients)["configuration"] = replace(app.clients.configuration, provisioning=rules)
    end = await app.provisioned()

    assert (end.state, "nothing says which groups they are" in end.because) == (OrderState.FAILED, True)


async def test_what_is_there_and_is_another_stops_the_set_up(app: ProvisioningApp) -> None:
    app.set_up.tampered = ("environment churners-experiment is open to every pipeline",)
    end = await app.provisioned()

    assert (end.state, "is open to every pipeline" in end.because) == (OrderState.FAILED, True)


@pytest.mark.parametrize(
    ("change", "status", "detail"),
    [
        ({"team": "Churn Team"}, 400, "a team: 3 to 24"),
        ({"region": "mars"}, 422, "region is 'mars'; use one of westeurope"),
        ({"cost_center": '4711"; rm -rf'}, 422, "cost_center"),
        ({"step": "everything"}, 400, "step"),
    ],
)
async def test_what_cannot_be_ordered_is_refused_at_the_door(
    app: ProvisioningApp, change: dict[str, str], status: int, detail: str
) -> None:
    variables = {"step": EXPERIMENTATION.value, **change}
    body = {
        "schema": "signalbox.request/1",
        "number": "RITM0010001",
        "sys_id": app.item(),
        "requested_for": {"user_name": "ada"},
        "variables": {
            "team": "churners",
            "cost_center": "4711",
            "data_owner": "dana",
            "region": "westeurope",
            **variables,
        },
    }
    answered, answer = await app.ask("POST", "provisioning/requests", body)

    assert (answered, detail in answer["detail"]) == (status, True), answer
