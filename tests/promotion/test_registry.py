"""The central registry under watch: altered bytes raise one alarm, and what comes back is what was approved."""

from datetime import timedelta

from shared import contracts as c
from shared.codec import decode
from shared.domain.promotion.models import ModelVersion
from tests.promotion.conftest import CENTRAL, Railway

NOON = timedelta(days=1)


def altered(railway: Railway) -> list[str]:
    return [kind for kind in railway.clients.announcer.kinds if kind == "Signalbox.Registry.Altered"]  # type: ignore[attr-defined]


async def test_a_whole_registry_is_quiet_and_an_altered_byte_is_told_once(railway: Railway) -> None:
    railway.register("1", error=1.0)
    await railway.whole("churn:1")
    await railway.pass_time(NOON)
    assert not altered(railway)

    (key,) = [key for key in railway.cloud.state["files"] if key.startswith("central") and "model.bin" in key]
    railway.cloud.state["files"][key] = b"somebody was here"
    await railway.pass_time(3 * NOON)

    assert len(altered(railway)) == 1
    assert railway.chain().count("registry altered") == 1


async def test_an_entry_comes_back_into_an_environment_that_lost_it(railway: Railway) -> None:
    model = railway.register("1", error=1.0)
    await railway.whole("churn:1")
    for key in [key for key in railway.cloud.state["assets"] if key.startswith("dev")]:
        del railway.cloud.state["assets"][key]
    body = {"version": "1", "environment": "dev", "reason": "the workspace was deleted"}

    status, answer = await railway.ask("POST", "models/churn/recover", body, "linus")
    outcome = await railway.host.advance_until_finished(answer["recovery"], timeout=60)

    recovered = decode(c.Recovered, outcome.output)
    entry = railway.cloud.state["assets"][f"central/models/{model}"]
    there = railway.cloud.state["assets"][f"dev/models/{model}"]
    assert (status, recovered.digest) == (202, entry.tags["signalbox.digest"])
    assert there.folder == recovered.folder
    assert railway.chain()[-1] == "recovered"


async def test_what_was_altered_does_not_come_back(railway: Railway) -> None:
    model = railway.register("1", error=1.0)
    await railway.whole("churn:1")
    folder = railway.clients.models.find(CENTRAL, model).folder  # type: ignore[union-attr]
    railway.cloud.state["files"][f"{folder}/model.bin"] = b"somebody was here"
    body = {"version": "1", "environment": "dev", "reason": "we need it back"}

    _, answer = await railway.ask("POST", "models/churn/recover", body, "linus")
    outcome = await railway.host.advance_until_finished(answer["recovery"], timeout=60)

    assert outcome.status == "Failed"
    assert railway.clients.models.find(CENTRAL, ModelVersion(name="churn", version="1")) is not None
