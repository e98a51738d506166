"""Every orchestration of a promotion replays from what a hub on Azure stores of it: `signalbox replay --hub`.

`tests/host/test_azure_histories.py` reads a hub with the real clients; here are the app's own orchestrators.
"""

from pathlib import Path

from shared import contracts as c
from signalbox.host.durable.functions import app_orchestrators, durable_names
from signalbox.host.durable.storage.queries import Filter
from signalbox.host.replays.histories import read_database
from signalbox.host.replays.turns import replay
from tests.host.azure_hub import stored_on_azure
from tests.outages import Outage
from tests.promotion.conftest import PromotionApp


def divergences(app: PromotionApp, state: Path) -> dict[str, str]:
    """By the names of the orchestrations, how one of them diverges, or nothing."""
    functions = app.host.host.functions.values()
    orchestrators, names = app_orchestrators(functions), durable_names(functions)
    ids = [row.instance_id for row in app.host.host.client.query(Filter()) if not row.instance_id.startswith("@")]
    reports = [replay(stored_on_azure(each), orchestrators, names) for each in read_database(state, ids)]
    assert [report.warnings for report in reports if report.warnings] == []
    return {report.name: report.divergence for report in sorted(reports, key=lambda report: report.divergence)}


async def test_a_promotion_replays_on_its_way_and_at_its_end(app: PromotionApp, tmp_path: Path) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    waiting = divergences(app, tmp_path)

    once = iter([True])
    with Outage(app.clients.models, "register", lambda *_: next(once, False)) as outage:
        await app.approve(promotion)
        result = await app.finish(promotion)

    assert outage.refused, "nothing was tried again, so no retry is in the histories"
    assert result.fate is c.Fate.PROMOTED
    ended = divergences(app, tmp_path)
    assert set(waiting.values()) | set(ended.values()) == {""}, ended
    assert {"promote"} <= set(waiting) <= set(ended)
