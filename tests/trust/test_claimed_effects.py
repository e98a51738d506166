"""What a promotion claims at its end: trained bundles, measurements, receipts, effects and the proof of all of them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.adapters.audit_log.layout import HEADS
from shared.adapters.audit_log.log import BlobAudit
from shared.codec import encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.bundles import BundleFile
from shared.domain.promotion.models import DIGEST
from shared.domain.promotion.training import Trained
from shared.domain.trust.rotation import with_retired
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records.statements import Statements
from signalbox.launcher.signing_keys import signing_settings
from tests.fakes.ports import MemoryHub
from tests.promotion.conftest import PromotionApp
from tests.signing import signing, signing_in, trusted_key_set
from tests.trust.attacks import asked, blobs, forged, logged_reason, plant, stored
from tests.trust.verifier import canonical, verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVIL = Trained(
    run="run-of-nobody",
    output="runs/evil",
    contents=(BundleFile(part="model", path="model.bin", size=4, sha256="0" * 64),),
)


async def test_what_a_stage_has_trained_is_not_believed_unsigned(app: PromotionApp) -> None:
    app.experiment("1")
    promotion = identity.promotion_id("churn", "1", "dev", 1)
    path = f"promotions/{promotion}/effects/dev/trained.json"
    plant(app, path, encode(EVIL))

    result = await app.finish(await app.promote("churn:1", to="dev"))

    (trained,) = (entry.facts["digest"] for entry in app.clients.audit.entries() if entry.kind == "trained")
    assert (result.fate, forged(app)) == (c.Fate.PROMOTED, [path])
    assert app.cloud.state["assets"]["dev/models/churn:1"].tags[DIGEST] == trained


@pytest.mark.parametrize("when", ["before it is trained", "after it is trained"])
async def test_a_statement_of_what_was_trained_by_another_key_stops_the_promotion(
    app: PromotionApp, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.experiment("1")
    promotion = await app.promote("churn:1", to="dev")
    path = f"promotions/{promotion}/effects/dev/trained.dsse.json"
    predicate = {"promotion": promotion, "stage": "dev", "move": "train_model", "trained": encode(EVIL)}
    statement = Statement(kind=PredicateKind.MOVE, subjects={}, at=app.clients.clock.now(), predicate=predicate)
    attacker, create, left = Statements(app.clients.store, signing("attacker")), app.hub.create, [path]

    def exchanging(container: str, name: str, *content: Any) -> bool:
        is_new = create(container, name, *content)
        if is_new and name in left:
            left.remove(name)
            app.hub.delete(container, name)
            attacker.create(path, statement)
        return is_new

    if when == "before it is trained":
        assert attacker.create(path, statement)
    else:
        monkeypatch.setattr(app.hub, "create", exchanging)

    result = await app.finish(promotion)

    assert (result.fate, path in forged(app)) == (c.Fate.FAILED, True)
    assert "dev/models/churn:1" not in app.cloud.state["assets"]


async def test_evidence_that_a_planted_entry_lends_does_not_count(arrived: PromotionApp) -> None:
    """The ledger says that the stage was assessed, and names the evidence of a version that passed."""
    (good,) = blobs(arrived, "/preprod/exit/assessed.json")
    first, second = good.split("/")[1], identity.promotion_id("churn", "2", "central", 1)
    arrived.register("2", error=30.0)
    plant(arrived, good.replace(first, second), stored(arrived, good))
    await arrived.promote("churn:2")

    result = await arrived.finish(second)

    assert result.fate is not c.Fate.PROMOTED
    assert "central/models/churn:2" not in arrived.cloud.state["assets"]
    assert forged(arrived) == [f"promotions/{first}/preprod/exit/evidence.dsse.json"]


@pytest.mark.parametrize("how", ["of another promotion", "edited", "removed"])
async def test_the_way_out_takes_its_approvals_from_no_other_receipt(app: PromotionApp, how: str) -> None:
    """The receipt of the way in is exchanged after its moves were made."""
    app.register("1", error=1.0)
    first = (await app.whole("churn:1")).id
    app.register("2", error=0.5)
    second = await app.promote("churn:2")
    await app.approve(second)
    path = f"promotions/{second}/effects/central/entry/receipt.json"

    def exchange(effect: str) -> None:
        if effect.startswith("register central/models/churn:2") and how == "removed":
            app.hub.delete("signalbox", path)
        elif effect.startswith("register central/models/churn:2"):
            other = stored(app, path.replace(second, first))
            plant(app, path, other if how == "of another promotion" else stored(app, path) | {"approvals": ["eve"]})

    app.cloud.after = exchange
    result = await app.finish(second)

    assert result.fate is c.Fate.FAILED
    assert "central/models/churn:2" not in app.cloud.state["assets"]
    assert forged(app) == ([] if how == "removed" else [path])
    assert logged_reason(app, second, "the receipt of central (entry) is gone" if how == "removed" else path)


WORLD: dict[str, tuple[str, str]] = {
    "traffic": ("preprod/onlineEndpoints/online", "preprod: online does not give all requests to"),
    "model": ("preprod/models/churn:1", "preprod: churn:1 is not registered in preprod"),
    "deployment": ("preprod/batchEndpoints/batch", "of batch is not there"),
    "state": ("central/models/churn:1", "central: churn:1 is candidate in the registry"),
}


@pytest.mark.parametrize("what", WORLD)
async def test_an_effect_that_is_not_there_at_the_end_is_no_promotion(waiting: PromotionApp, what: str) -> None:
    """Every record says that it was made; Azure does not show it."""
    promotion, _ = await asked(waiting)
    await waiting.approve(promotion)
    name, reason = WORLD[what]
    state = waiting.cloud.state

    def lose(effect: str) -> None:
        if not effect.startswith("tag central/models"):
            return
        waiting.cloud.after = lambda effect: None
        if what == "traffic":
            state["endpoints"][name]["traffic"] = {}
        elif what == "state":
            tagged = state["assets"][name]
            state["assets"][name] = replace(tagged, tags={**tagged.tags, "signalbox.state": "candidate"})
        else:
            for place in ("assets", "deployments"):
                for key in [key for key in state[place] if key.startswith(name)]:
                    del state[place][key]

    waiting.cloud.after = lose
    result = await waiting.finish(promotion)

    assert (result.fate, reason in result.because[0]) == (c.Fate.FAILED, True), result.because
    assert waiting.record(promotion)["fate"] == "failed"
    assert "central/models/churn:1" not in state["assets"]
    assert "promoted" not in waiting.chain()
    assert logged_reason(waiting, promotion, reason)


async def test_an_effect_that_shows_late_is_waited_for(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    await waiting.approve(promotion)
    find, since = waiting.clients.models.find, list[datetime]()

    def late(place: Any, model: Any) -> Any:
        shown = find(place, model)
        if shown is None or place.name != "central" or shown.tags.get("signalbox.state") != "approved":
            return shown
        since.append(waiting.clients.clock.now())
        return shown if since[-1] > since[0] + timedelta(seconds=20) else None

    waiting.clients.models.find = late  # type: ignore[method-assign]
    result = await waiting.finish(promotion)

    assert (result.fate, len(since) > 1) == (c.Fate.PROMOTED, True)


async def test_a_proof_has_what_is_said_of_the_registry_and_nothing_planted(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = (await app.whole("churn:1")).id
    statement = Statement(kind=PredicateKind.MOVE, subjects={}, at=NOW, predicate={"promotion": promotion})
    Statements(app.clients.store, signing("attacker")).create(f"promotions/{promotion}/x.dsse.json", statement)
    plant(app, f"promotions/{promotion}/y.dsse.json", b"no envelope at all")
    keys = {key["kid"]: key for key in trusted_key_set()["keys"]}

    status, proof = await app.ask("GET", f"promotions/{promotion}/proof")

    entries = [path for path in proof["statements"] if path.startswith("registry/churn/1/")]
    assert (status, len(entries), verdict(canonical(proof), keys)) == (200, 2, "")
    planted = [f"promotions/{promotion}/{name}.dsse.json" for name in "xy"]
    assert not {*planted} & {*proof["statements"]}
    await app.pass_time(timedelta(days=1))
    assert forged(app) == planted
    for path in entries:
        less = {name: value for name, value in proof["statements"].items() if name != path}
        reason = verdict(canonical({**proof, "statements": less}), keys)
        assert f"{path}, which a move names, is not in the proof" in reason


async def test_a_head_that_nobody_would_believe_is_not_written(tmp_path: Path, app: PromotionApp) -> None:
    """The time of the log's key has ended: such a head would stop every later appender."""
    signing_in(tmp_path)
    trusted = Path(signing_settings(tmp_path)["SIGNALBOX_TRUSTED_KEYS"])
    document = json.loads(trusted.read_text())
    (kid,) = (key["kid"] for key in document["keys"] if key["signalbox_purpose"] == "log")
    document["keys"] = list(with_retired(document["keys"], kid, NOW))
    trusted.write_text(json.dumps(document))
    hub = MemoryHub(app.clients.clock.now)
    log = BlobAudit(hub, "signalbox", app.clients.clock, signing_in(tmp_path))

    with pytest.raises(Refused, match=r"head 1 is not signed, since nobody would believe it: key .* is trusted until"):
        log.append("key", "kind", "churn:1", "ada", {})

    assert not list(hub.list("signalbox", HEADS))
