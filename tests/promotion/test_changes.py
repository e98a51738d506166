"""A stage that asks for a change request of ServiceNow: one for the evidence, waited for, bound to it, closed once."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared import contracts as c
from shared.domain.provisioning.plans import ChangeSeen
from shared.domain.provisioning.rules import ChangeRules
from shared.ports import Provisioner
from tests.fakes.provisioning import MemoryAzure, MemoryDesk, MemoryDevOpsSetUp, Wear
from tests.promotion.conftest import CONFIGURATION, PromotionApp, running
from tests.provisioning.conftest import PIPELINES

RULES = ChangeRules(assignment_group="releases", give_up_after_s=6 * 3600)


@dataclass
class GatedApp(PromotionApp):
    """The app whose stage `central` asks ServiceNow, too."""

    wear: Wear
    desk: MemoryDesk

    async def asked(self, model: str = "churn:1") -> str:
        """A promotion of which people have approved, and whose change is open."""
        promotion = await self.promote(model)
        await self.approve(promotion)
        await self.until(lambda: bool(self.desk.changes))
        return promotion

    @property
    def change(self) -> ChangeSeen:
        (change,) = self.desk.changes.values()
        return change

    @property
    def fields(self) -> dict[str, str]:
        (fields,) = self.desk.fields.values()
        return fields

    def receipt(self, promotion: str) -> dict[str, Any] | None:
        raw = self.hub.read("signalbox", f"promotions/{promotion}/effects/central/entry/receipt.json")
        return None if raw is None else dict(json.loads(raw))


@pytest.fixture
async def gated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GatedApp]:
    wear = Wear()
    desk = MemoryDesk(wear)
    provisioner = Provisioner(desk=desk, files=MemoryAzure(wear, PIPELINES), set_up=MemoryDevOpsSetUp(wear))
    ladder = CONFIGURATION.ladder
    stages = tuple(replace(at, change=RULES) if at.name == "central" else at for at in ladder.stages)
    configuration = replace(CONFIGURATION, ladder=replace(ladder, stages=stages))
    async with running(configuration, tmp_path, monkeypatch, provisioner=provisioner) as made:
        made.register("1", error=1.0)
        settings = SimpleNamespace(service_now_client=("https://example.service-now.com", "", ""))
        vars(made.clients).update(settings=settings)
        yield GatedApp(host=made.host, clients=made.clients, cloud=made.cloud, wear=wear, desk=desk)


async def test_nothing_is_moved_before_the_change_is_approved_which_is_closed_with_the_outcome(gated: GatedApp) -> None:
    promotion = await gated.asked()
    await gated.pass_time(timedelta(hours=2))
    evidence = await gated.evidence(promotion)
    assert (gated.receipt(promotion), evidence in gated.fields["description"]) == (None, True)

    gated.desk.move("-2", "approved")
    result = await gated.finish(promotion)

    assert result.fate is c.Fate.PROMOTED
    assert gated.receipt(promotion)["change"] == f"{gated.change.number} ({gated.change.sys_id})"  # type: ignore[index]
    assert (gated.change.state, gated.fields["close_code"]) == ("3", "successful")
    assert (gated.fields["assignment_group"], gated.wear.effects["change closed"]) == ("releases", 1)
    chain = gated.chain()
    assert (chain.count("change opened"), chain.count("change closed")) == (1, 1)


async def test_an_open_change_is_explained_and_shown_with_the_promotion(gated: GatedApp) -> None:
    promotion = await gated.asked()
    evidence = await gated.evidence(promotion)
    _, explained = await gated.ask("GET", f"promotions/{promotion}/explain")
    _, shown = await gated.ask("GET", f"promotions/{promotion}")
    _, page = await gated.ask("GET", f"promotions/{promotion}/evidence?stage=central")

    number = gated.change.number
    assert explained["unmet"] == [
        f"central: change {number} of ServiceNow is not approved yet; it can be met by group releases"
    ]
    (row,) = shown["changes"]
    assert (row["number"], row["group"], row["evidence"], row["fate"]) == (number, "releases", evidence, "")
    assert row["address"].endswith(f"nav_to.do?uri=change_request.do%3Fsys_id%3D{gated.change.sys_id}")
    assert "A change request of ServiceNow (group releases) is opened for this very evidence" in page["html"]

    gated.desk.move("-2", "approved")
    await gated.finish(promotion)
    _, shown = await gated.ask("GET", f"promotions/{promotion}")
    assert shown["changes"][0]["fate"] == "promoted"


async def test_a_stage_without_the_section_asks_nobody(gated: GatedApp) -> None:
    promotion = await gated.promote("churn:1", to="preprod")

    assert (await gated.finish(promotion)).fate is c.Fate.PROMOTED
    assert (gated.desk.changes, gated.wear.effects) == ({}, {})


@pytest.mark.parametrize(("state", "approval"), [("-5", "rejected"), ("4", "requested")])
async def test_a_change_that_is_rejected_or_cancelled_ends_the_promotion(
    gated: GatedApp, state: str, approval: str
) -> None:
    promotion = await gated.asked()
    gated.desk.move(state, approval)

    result = await gated.finish(promotion)

    assert (result.fate, gated.receipt(promotion), gated.change.state) == (c.Fate.HELD, None, "4")
    assert f"{gated.change.number} is {approval}" in result.because[0]


async def test_silence_is_not_approval(gated: GatedApp) -> None:
    promotion = await gated.asked()
    await gated.pass_time(timedelta(days=1, minutes=1))

    result = await gated.finish(promotion)

    assert (result.fate, gated.change.state) == (c.Fate.EXPIRED, "4")
    assert "nobody approved CHG0000001 before" in result.because[0]


@pytest.mark.parametrize(
    ("field", "text", "because"),
    [
        ("description", "Evidence sha256:0000", "it was approved for something else"),
        ("sys_id", "another", "has the correlation of CHG0000001"),
    ],
)
async def test_a_change_that_was_approved_for_something_else_opens_nothing(
    gated: GatedApp, field: str, text: str, because: str
) -> None:
    promotion = await gated.asked()
    gated.desk.move("-1", "approved")
    gated.desk.changes = {key: replace(change, **{field: text}) for key, change in gated.desk.changes.items()}

    result = await gated.finish(promotion)

    assert (result.fate, gated.receipt(promotion)) == (c.Fate.HELD, None)
    assert because in result.because[0]


@pytest.mark.parametrize("effect", ["change", "note"])
@pytest.mark.parametrize("death", ["before", "after"])
async def test_a_host_that_dies_opens_and_closes_one(gated: GatedApp, effect: str, death: str) -> None:
    gated.wear.deaths[effect] = death
    promotion = await gated.asked()
    gated.desk.move("-1", "approved")
    gated.wear.deaths["change"] = death  # Of closing it.

    assert (await gated.finish(promotion)).fate is c.Fate.PROMOTED
    assert {name: gated.wear.effects[name] for name in ("change opened", "change closed")} == {
        "change opened": 1,
        "change closed": 1,
    }
    assert len(gated.desk.notes[gated.change.sys_id]) == 1


async def test_a_promotion_that_is_ended_from_outside_closes_its_change(gated: GatedApp) -> None:
    promotion = await gated.asked()
    await gated.host.terminate(promotion, "by hand")
    await gated.sweep()
    await gated.until(lambda: gated.change.state == "4")

    assert gated.record(promotion)["fate"] == "failed"
