"""What somebody changes by hand is found and told once; and the end of a step takes two people, and its time."""

from datetime import timedelta

from shared.codec import encode
from shared.domain.failures import Refused
from shared.domain.provisioning.states import OrderState
from shared.operations.doctor.examine import run_checks
from shared.operations.doctor.findings import Grade, check
from tests.provisioning.conftest import EXPERIMENTATION, PRODUCTIONISATION, RULES, ProvisioningApp


async def night(app: ProvisioningApp) -> None:
    await app.pass_time(timedelta(days=1))


async def test_a_change_by_hand_is_found_at_night_and_told_once(app: ProvisioningApp) -> None:
    await app.provisioned()
    await night(app)
    assert (app.standing().drift, "Signalbox.Provisioning.Drifted" in app.kinds()) == ((), False)

    app.azure.stands["team:experiment"]["storage"] = "public"
    app.set_up.tampered = ("connection churners-experiment is open to every pipeline",)
    for _ in range(2):
        await night(app)
    assert app.standing().drift == (
        "Modify team:experiment/storage",
        "Azure DevOps: connection churners-experiment is open to every pipeline",
    )
    assert app.kinds().count("Signalbox.Provisioning.Drifted") == 1
    assert sum(note.startswith("Somebody changed what was provisioned") for note in app.told()) == 1
    _, page = await app.ask("GET", "provisioning?team=churners")
    assert page["provisioned"][0]["drift"] == list(app.standing().drift)

    app.azure.stands["team:experiment"]["storage"] = "1"
    app.set_up.tampered = ()
    await night(app)
    assert app.standing().drift == ()


async def test_the_night_looks_at_the_platform_too_by_the_reader_of_each_part(app: ProvisioningApp) -> None:
    app.azure.wanted["registry"] = app.azure.stands["registry"] = {"lock": "1"}
    await night(app)
    looks = [app.azure.runs[number][0].parameters for number in app.azure.numbers("drift")]
    assert looks == [
        {"installation": "infra/all.json", "steps": "platform,hub", "serviceConnection": "reader"},
        {
            "installation": "infra/all.json",
            "steps": "registry",
            "serviceConnection": "registry-reader",
        },
    ]
    assert (app.kinds(), await drifted(app)) == ([], {})

    app.azure.stands["registry"] = {"lock": "none"}
    for _ in range(2):
        await night(app)
    assert await drifted(app) == {"platform/registry": ["Modify registry/lock"]}
    assert (app.kinds(), app.desk.notes) == (["Signalbox.Provisioning.Drifted"], {})


async def test_a_look_that_says_nothing_of_azure_is_told_once(app: ProvisioningApp) -> None:
    """Otherwise it would look like a night that has found nothing."""
    app.azure.silent = True
    for _ in range(2):
        await night(app)
    found = await drifted(app)

    assert found.keys() == {"platform/hub", "platform/registry"}
    assert found["platform/hub"][0].startswith("nobody knows whether Azure has changed: the run attached no plan.txt")
    assert app.kinds() == ["Signalbox.Provisioning.Drifted"] * 2


async def test_the_doctor_says_where_nobody_looks(app: ProvisioningApp) -> None:
    """A pipeline that cannot be started says nothing, as a night that finds nothing does."""

    def seen() -> dict[str, Grade]:
        named = {"looks": check.checks["looks"]}
        return {each.subject: each.grade for each in run_checks(app.clients, named)}

    assert seen() == {"platform/hub": Grade.UNKNOWN, "platform/registry": Grade.UNKNOWN}
    await app.provisioned()
    await night(app)
    steps = ("platform/hub", "platform/registry", "churners/experimentation")
    assert seen() == dict.fromkeys(steps, Grade.OK)
    app.azure.start = refused  # type: ignore[method-assign, assignment]
    for _ in range(3):
        await night(app)
    assert seen() == dict.fromkeys(steps, Grade.BROKEN)


def refused(order: object) -> None:
    raise Refused("the pipeline may not use the connection")


async def drifted(app: ProvisioningApp) -> dict[str, list[str]]:
    _, page = await app.ask("GET", "provisioning")
    return {row["name"]: row["drift"] for row in page["provisioned"] if row["drift"]}


async def end(
    app: ProvisioningApp, who: str, role: str, step: str = EXPERIMENTATION.value
) -> tuple[int, dict[str, str]]:
    return await app.ask(
        "POST", "provisioning/teams/churners/teardown", {"step": step, "role": role, "reason": "it is over"}, who
    )


async def test_the_end_takes_two_people_in_two_roles_and_the_retention(app: ProvisioningApp) -> None:
    await app.provisioned()

    assert (await end(app, "linus", "product-owner"))[0] == 403
    status, asked = await end(app, "linus", "platform-engineer")
    assert (status, asked["asked"], asked["confirmed"]) == (200, "linus", "")
    status, again = await end(app, "linus", "platform-engineer")
    assert (status, again["confirmed"]) == (200, "")
    status, answer = await end(app, "both", "platform-engineer")
    assert (status, "somebody in another role" in answer["detail"]) == (409, True)
    status, confirmed = await end(app, "grace", "product-owner")
    assert (status, confirmed["confirmed"]) == (200, "grace")

    await app.pass_time(timedelta(seconds=RULES.retention_s - 3600))
    assert "team:experiment" in app.azure.stands
    await app.pass_time(timedelta(hours=2))
    assert app.azure.stands == {}
    assert (app.standing().ready, app.standing().gone is not None) == ("", True)
    assert app.kinds()[-1] == "Signalbox.Provisioning.TornDown"
    assert [kind for kind in app.chain() if "teardown" in kind or "torn" in kind] == [
        "teardown asked",
        "teardown confirmed",
        "provisioning torn down",
    ]
    refused = await app.ended(await app.ordered(PRODUCTIONISATION, "RITM0010002"))
    assert refused.state is OrderState.REFUSED
    again = await app.provisioned(EXPERIMENTATION, "RITM0010003")
    assert again.state is OrderState.READY


async def test_a_teardown_that_is_taken_back_removes_nothing(app: ProvisioningApp) -> None:
    await app.provisioned()
    await end(app, "linus", "platform-engineer")
    await end(app, "grace", "product-owner")
    status, _ = await app.ask("POST", "provisioning/teams/churners/keep", {"step": EXPERIMENTATION.value}, "grace")
    await app.pass_time(timedelta(seconds=RULES.retention_s + 3600))

    assert status == 200
    assert "team:experiment" in app.azure.stands
    assert app.azure.numbers("teardown") == []


async def test_experimentation_does_not_end_under_what_stands_on_it(app: ProvisioningApp) -> None:
    await app.provisioned()
    await app.provisioned(PRODUCTIONISATION, "RITM0010002")
    status, answer = await end(app, "linus", "platform-engineer")

    assert (status, "stands on it; tear that down first" in answer["detail"]) == (409, True)


async def test_a_confirmation_that_only_a_record_knows_removes_nothing(app: ProvisioningApp) -> None:
    await app.provisioned()
    await end(app, "linus", "platform-engineer")
    entry = app.clients.store.list(type(app.standing()), "provisioning/teams/churners/experimentation")
    stored = next(iter(entry))
    asked = stored.record.teardown
    assert asked is not None
    forged = {**encode(asked), "confirmed_by": "grace", "confirmed_role": "product-owner", "after": asked.at}
    app.clients.store.update(stored, {**encode(stored.record), "teardown": forged})  # type: ignore[arg-type]
    status, answer = await end(app, "linus", "platform-engineer")
    outcome = await app.host.advance_until_finished(answer["teardown"])

    assert (status, outcome.output["gone"]) == (200, False)
    assert "does not know two people" in outcome.output["because"]
    assert "team:experiment" in app.azure.stands


async def test_one_person_in_two_roles_is_one_person(app: ProvisioningApp) -> None:
    await app.provisioned()
    await end(app, "both", "platform-engineer")
    status, answer = await end(app, "both", "product-owner")

    assert (status, "another person must confirm" in answer["detail"]) == (409, True)
