"""Provisioning on the real host: the workflow, a desk, pipelines and an Azure in memory, people by name."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.codec import decode
from shared.domain.provisioning.rules import (
    PlatformLook,
    ProvisionedEnvironment,
    ProvisioningPipelines,
    ProvisioningRules,
    ProvisioningStep,
)
from shared.ports import Provisioner
from shared.records.provisioning import TeamStanding, find_standing
from tests.fakes.provisioning import MemoryAzure, MemoryControl, MemoryDesk, MemoryDevOpsSetUp, Wear
from tests.promotion.conftest import CONFIGURATION, PromotionApp, running

EXPERIMENTATION, PRODUCTIONISATION = ProvisioningStep
PIPELINES = ProvisioningPipelines(plan=1, apply=2, settle=3, drift=4, teardown=5)

GROUPS = {"data-scientist": "group-1", "ml-engineer": "group-2"}


def environment(name: str, step: ProvisioningStep, *approvers: str) -> ProvisionedEnvironment:
    return ProvisionedEnvironment(
        name=name, team="churners", step=step, subscription="s", identity=f"id-{name}", approvers=approvers
    )


RULES = ProvisioningRules(
    organisation="contoso",
    project="platform",
    tenant="t",
    pipelines=PIPELINES,
    installation="infra/{team}.json",
    reader="reader",
    writer="writer",
    gate="platform",
    environments=(
        environment("experiment", EXPERIMENTATION),
        environment("dev", PRODUCTIONISATION, "leads"),
        environment("preprod", PRODUCTIONISATION, "leads"),
        environment("production", PRODUCTIONISATION, "leads"),
    ),
    regions=("westeurope",),
    groups=GROUPS,
    give_up_after_s=6 * 3600,  # Hours and not the usual weeks: each hour wakes every sweep of the app.
    retention_s=8 * 3600,
    platform=(
        PlatformLook(name="hub", installation="infra/all.json", steps=("platform", "hub"), reader="reader"),
        PlatformLook(name="registry", installation="infra/all.json", steps=("registry",), reader="registry-reader"),
    ),
)


@dataclass
class ProvisioningApp(PromotionApp):
    """The app with a catalogue of ServiceNow before it and an Azure behind it."""

    wear: Wear
    desk: MemoryDesk
    azure: MemoryAzure
    set_up: MemoryDevOpsSetUp
    control: MemoryControl

    def item(self, number: str = "RITM0010001", approval: str = "approved") -> str:
        sys_id = f"{int(number[4:]):032x}"
        self.desk.items.setdefault(sys_id, {"number": number, "approval": approval, "state": "open"})
        return sys_id

    async def request(
        self, step: ProvisioningStep = EXPERIMENTATION, number: str = "RITM0010001", **more: Any
    ) -> tuple[int, Any]:
        """What the door answers to the flow of ServiceNow."""
        variables = {"team": "churners", "cost_center": "4711", "data_owner": "dana", "region": "westeurope"}
        body = {
            "schema": "signalbox.request/1",
            "number": number,
            "sys_id": self.item(number),
            "requested_for": {"user_name": "ada"},
            "variables": {**variables, "step": step.value, **more},
        }
        return await self.ask("POST", "provisioning/requests", body)

    async def ordered(self, *arguments: Any, **more: Any) -> str:
        status, answer = await self.request(*arguments, **more)
        assert status == 202, answer
        await self.host.settle()
        return str(answer["id"])

    async def ended(self, instance: str) -> c.OrderEnd:
        outcome = await self.host.advance_until_finished(instance, timeout=60)
        assert outcome.status == "Completed", outcome
        return decode(c.OrderEnd, outcome.output)

    async def asks(self) -> None:
        """Until a change is open."""
        before = len(self.desk.changes)
        await self.until(
            lambda: len(self.desk.changes) > before or any(c.state == "-5" for c in self.desk.changes.values())
        )

    async def provisioned(self, step: ProvisioningStep = EXPERIMENTATION, number: str = "RITM0010001") -> c.OrderEnd:
        """A request that is approved on its way."""
        order = await self.ordered(step, number)
        await self.asks()
        self.desk.move("-1", "approved")
        return await self.ended(order)

    def standing(self, step: ProvisioningStep = EXPERIMENTATION) -> TeamStanding:
        standing = find_standing(self.clients.store, "churners", step)
        assert standing is not None
        return standing

    def told(self, number: str = "RITM0010001") -> list[str]:
        """The first sentence of each work note on the requested item."""
        return [note.split(".")[0] for note in self.desk.notes.get(self.item(number), ())]

    def kinds(self) -> list[str]:
        return [kind for kind in self.clients.announcer.kinds if ".Provisioning." in kind]  # type: ignore[attr-defined]


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProvisioningApp]:
    wear = Wear()
    desk, azure, set_up = MemoryDesk(wear), MemoryAzure(wear, PIPELINES), MemoryDevOpsSetUp(wear)
    for each in RULES.environments:
        azure.wanted[f"team:{each.name}"] = {"workspace": "1", "storage": "1"}
    configuration = replace(CONFIGURATION, provisioning=RULES)
    control = MemoryControl(azure, configuration, GROUPS)
    provisioner = Provisioner(desk=desk, files=azure, set_up=set_up)
    clients = {"provisioner": provisioner, "devops_pipelines": azure, "control": control}
    async with running(configuration, tmp_path, monkeypatch, **clients) as made:
        parts = {"wear": wear, "desk": desk, "azure": azure, "set_up": set_up, "control": control}
        yield ProvisioningApp(host=made.host, clients=made.clients, cloud=made.cloud, **parts)
