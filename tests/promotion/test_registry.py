"""The central registry under watch: altered bytes raise one alarm, and what comes back is what was approved."""

from datetime import timedelta
from typing import Any

from shared import contracts as c
from shared.application.promotion.planning import provenance_shelf, read_bundle, shelves_at
from shared.codec import decode
from shared.domain.promotion.models import STATE, ModelVersion
from tests.http_api.conftest import ask
from tests.http_api.test_starting import LosesAnswers
from tests.promotion.conftest import CENTRAL, DEV, PromotionApp

NOON = timedelta(days=1)


def altered(app: PromotionApp) -> list[str]:
    return [kind for kind in app.clients.announcer.kinds if kind == "Signalbox.Registry.Altered"]  # type: ignore[attr-defined]


async def test_a_whole_registry_is_quiet_and_an_altered_byte_is_told_once(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    await app.whole("churn:1")
    await app.pass_time(NOON)
    assert not altered(app)

    (key,) = [key for key in app.cloud.state["files"] if key.startswith("central") and "model.bin" in key]
    app.cloud.state["files"][key] = b"somebody was here"
    await app.pass_time(3 * NOON)

    assert len(altered(app)) == 1
    assert app.chain().count("registry altered") == 1


async def test_a_state_that_nobody_but_a_hand_has_moved_is_told_once(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    await app.whole("churn:1")
    await app.pass_time(NOON)
    assert not altered(app)

    app.clients.models.tag(CENTRAL, model, {STATE: "in production"})
    await app.pass_time(2 * NOON)

    assert len(altered(app)) == 1
    told = [entry.facts for entry in app.clients.audit.about("churn") if entry.kind == "registry altered"]
    assert told == [{"approved": "state approved", "found": "state in production"}]


async def recovered(app: PromotionApp) -> tuple[str, Any]:
    """How bringing churn:1 back into dev ended, and what it said."""
    await app.pass_time(timedelta(seconds=1))
    body = {"version": "1", "environment": "dev", "reason": "the workspace was deleted"}
    status, answer = await app.ask("POST", "models/churn/recover", body, "linus")
    assert status == 202, answer
    outcome = await app.host.advance_until_finished(answer["id"], timeout=60)
    return outcome.status, outcome.output


async def test_an_entry_comes_back_into_an_environment_that_lost_it(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    await app.whole("churn:1")
    for key in [key for key in app.cloud.state["assets"] if key.startswith("dev")]:
        del app.cloud.state["assets"][key]

    _, output = await recovered(app)

    found = decode(c.Recovered, output)
    entry = app.cloud.state["assets"][f"central/models/{model}"]
    there = app.cloud.state["assets"][f"dev/models/{model}"]
    assert (found.digest, there.folder) == (entry.tags["signalbox.digest"], found.folder)
    assert app.chain()[-1] == "recovered"
    (provenance,) = app.clients.bundles.files(provenance_shelf(CENTRAL, model, found.digest))
    (copy,) = app.clients.bundles.files(provenance_shelf(DEV, model, found.digest))
    assert (copy.path, copy.size) == (provenance.path, provenance.size)


async def test_what_is_still_there_stays_and_what_was_damaged_is_copied_anew(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    await app.whole("churn:1")
    before = app.cloud.snapshot()

    _, kept = await recovered(app)
    assert app.cloud.snapshot() == before
    assert decode(c.Recovered, kept).folder.endswith("models/churn/1")

    del app.cloud.state["assets"][f"dev/models/{model}"]
    _, output = await recovered(app)
    lost = decode(c.Recovered, output).folder
    del app.cloud.state["files"][f"{lost}/model.bin"]
    await recovered(app)
    assert app.cloud.state["files"][f"{lost}/model.bin"] == b"weights churn 1"


async def test_the_same_version_with_another_content_is_a_conflict_that_names_both(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    await app.whole("churn:1")
    approved = app.cloud.state["assets"][f"central/models/{model}"].tags["signalbox.digest"]
    app.cloud.state["files"]["dev:models/churn/1/model.bin"] = b"other weights"
    before = app.cloud.snapshot()
    shelves = shelves_at(DEV, model, "models/churn/1", "extras/churn/1")
    other = read_bundle(app.clients.bundles, *shelves).digest

    status, said = await recovered(app)

    assert status == "Failed"
    assert f"churn:1 is already in dev with {other}, not {approved}" in str(said)
    assert app.cloud.snapshot() == before


async def test_one_key_is_one_recovery_whatever_was_recovered_before_or_since(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    await app.whole("churn:1")
    await recovered(app)
    hub, body = app.hub, {"version": "1", "environment": "dev", "reason": "the workspace was deleted"}

    async def keyed(key: str, **more: str) -> tuple[int, Any]:
        status, _, answer = await ask(app, "POST", "models/churn/recover", body | more, {"Idempotency-Key": key})  # type: ignore[arg-type]
        await app.host.settle()
        return status, answer

    vars(app.clients)["hub"] = LosesAnswers(app.clients.clock.now)
    app.hub.blobs = hub.blobs
    statuses = [(await keyed("one"))[0], (await keyed("one"))[0]]  # Recorded and not started at first.
    _, first = await keyed("one")
    _, other = await keyed("two", reason="again")
    _, late = await keyed("one")
    refused, _ = await keyed("one", reason="again")

    assert (statuses, refused, late) == ([503, 202], 409, first)
    assert first["id"] != other["id"]
    assert app.chain().count("recovered") == 3


async def test_what_is_corrupted_on_its_way_back_is_not_registered(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    await app.whole("churn:1")
    del app.cloud.state["assets"][f"dev/models/{model}"]
    app.cloud.corrupt.add("model.bin")

    status, said = await recovered(app)

    assert (status, "look at its storage" in str(said)) == ("Failed", True)
    assert f"dev/models/{model}" not in app.cloud.state["assets"]


async def test_what_was_altered_does_not_come_back(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    await app.whole("churn:1")
    folder = app.clients.models.find(CENTRAL, model).folder  # type: ignore[union-attr]
    app.cloud.state["files"][f"{folder}/model.bin"] = b"somebody was here"

    status, _ = await recovered(app)

    assert status == "Failed"
    assert app.clients.models.find(CENTRAL, ModelVersion(name="churn", version="1")) is not None
