"""Records golden histories of provisioning that are missing (tests/replay/recording.py)."""

from datetime import timedelta

from tests.provisioning.conftest import RULES, ProvisioningApp
from tests.provisioning.test_drift_and_teardown import end, night
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)

pytestmark = only_when_asked


async def test_record_an_order_its_change_and_its_end(app: ProvisioningApp, seen: dict[str, str]) -> None:  # noqa: F811
    ready = await app.provisioned()
    record("provision-ready", "provision", seen[ready.id])
    record("await_change", "await_change", seen[f"{ready.id}-change-1"])

    await night(app)
    record("reconcile_provisioning", "reconcile_provisioning", seen["reconcile-provisioning"])

    await end(app, "linus", "platform-engineer")
    _, confirmed = await end(app, "grace", "product-owner")
    await app.pass_time(timedelta(seconds=RULES.retention_s + 3600))
    record("tear_down", "tear_down", seen[confirmed["teardown"]])


async def test_record_an_order_that_is_rejected(app: ProvisioningApp, seen: dict[str, str]) -> None:  # noqa: F811
    order = await app.ordered()
    await app.asks()
    app.desk.move("-5", "rejected")
    await app.ended(order)
    record("provision-rejected", "provision", seen[order])


async def test_record_an_order_of_what_stands(app: ProvisioningApp, seen: dict[str, str]) -> None:  # noqa: F811
    await app.provisioned()
    again = await app.ended(await app.ordered(number="RITM0010002"))
    record("provision-unchanged", "provision", seen[again.id])
