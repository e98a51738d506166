"""The scrub compares the registry with what the log names: no file keeps it quiet, or makes an old state true again."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from activities.promotion.registry import recover_entry, scrub_entry
from shared import contracts as c
from shared.codec import encode
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.models import APPROVED_BY, STATE, ModelVersion
from shared.records import paths
from tests.promotion.conftest import CENTRAL, DEV, PromotionApp
from tests.trust.attacks import STATE_CONTAINER, approval, asked, blobs, forged, plant, remove


async def entry(app: PromotionApp) -> ModelVersion:
    """A version that is approved in the central registry."""
    model = app.register("1", error=1.0)
    await app.whole("churn:1")
    return model


def alarms(app: PromotionApp) -> tuple[int, int]:
    """How often the scrub has raised the alarm: in the audit log, and by announcement."""
    announced = app.clients.announcer.kinds.count("Signalbox.Registry.Altered")  # type: ignore[attr-defined]
    return app.chain().count("registry altered"), announced


async def test_a_planted_lock_and_an_open_record_keep_no_scrub_quiet(app: PromotionApp) -> None:
    model = await entry(app)
    request = c.Promotion(id="promotion-planted", model=model, source="dev", target="central")
    record = {"opened": "2026-01-01T00:00:00+00:00", "execution": "x", "promotion": encode(request)}
    plant(app, paths.promotion(request.id), record)
    plant(app, paths.endpoint_lock("model/churn"), {"owner": request.id, "model": "churn", "at": "x"})

    app.clients.models.tag(CENTRAL, model, {STATE: "candidate"})
    await app.pass_time(timedelta(days=1))

    assert alarms(app) == (1, 1)


async def test_an_index_from_which_the_end_of_a_move_was_removed_keeps_no_scrub_quiet(app: PromotionApp) -> None:
    """By the index alone the entry would stand in the middle of its approval for ever."""
    model = await entry(app)
    begun = max(e.number for e in app.clients.audit.about("churn") if e.kind == "move begun")
    remove(app, *(path for path in blobs(app, "audit/subjects/") if int(path.rpartition("/")[2]) > begun))

    app.clients.models.tag(CENTRAL, model, {STATE: "candidate"})
    await app.pass_time(timedelta(days=1))

    assert alarms(app)[0] == 1


async def test_an_older_statement_does_not_take_the_place_of_one_that_was_removed(app: PromotionApp) -> None:
    """Together with the registry's tags, everything would look as before the approval."""
    model = await entry(app)
    (path,) = blobs(app, "approve_entry-moved.dsse.json")
    remove(app, path)
    app.clients.models.tag(CENTRAL, model, {STATE: "candidate", APPROVED_BY: ""})

    await app.pass_time(timedelta(days=1))

    assert (alarms(app), forged(app)) == ((1, 1), [path])


async def test_an_entry_in_the_middle_of_its_move_raises_no_alarm(waiting: PromotionApp) -> None:
    """The effect is there, and what is said of it is not: the host died between the two."""
    promotion, _ = await asked(waiting)
    await waiting.approve(promotion)
    sweep = c.EntryScrub(key="k", entry=ModelVersion(name="churn", version="1"))
    seen = list[str]()

    def scrub(effect: str) -> None:
        if effect.startswith(("register central/models/churn:", "tag central")):
            seen.append(scrub_entry(waiting.clients, sweep).wrong)

    waiting.cloud.after = scrub
    result = await waiting.finish(promotion)

    assert (result.fate, seen) == (c.Fate.PROMOTED, ["", ""])
    assert alarms(waiting) == (0, 0)


@pytest.mark.parametrize("what", ["statements removed", "an older state"])
async def test_only_what_is_signed_as_approved_is_brought_back(app: PromotionApp, what: str) -> None:
    """The registry's tags say `approved`; a writer of the registry may write any tag."""
    await entry(app)
    signed = blobs(app, "registry/churn/1/")
    remove(app, *(path for path in signed if what == "statements removed" or "approve" in path))
    model = ModelVersion(name="churn", version="1")
    recovery = c.Recovery(key="recoveries/1", model=model, environment=DEV.name, asked_by="eve", reason="r")

    with pytest.raises(Refused, match="signed is nothing: it is not brought back"):
        recover_entry(app.clients, recovery)
    await app.pass_time(timedelta(days=1))
    assert alarms(app) == (1, 1)


async def test_what_is_signed_as_a_candidate_is_not_brought_back(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    await waiting.approve(promotion)

    assets, reasons = waiting.cloud.state["assets"], list[str]()

    def recover(effect: str) -> None:
        if not effect.startswith("tag central"):
            return
        waiting.cloud.before = lambda effect: None
        tagged = assets["central/models/churn:1"]
        assets["central/models/churn:1"] = replace(tagged, tags={**tagged.tags, STATE: "approved"})
        recovery = c.Recovery(key="recoveries/1", model=tagged.model, environment=DEV.name, asked_by="eve", reason="r")
        with pytest.raises(Refused) as refused:
            recover_entry(waiting.clients, recovery)
        reasons.append(str(refused.value))

    waiting.cloud.before = recover
    await waiting.finish(promotion)

    assert len(reasons) == 1
    assert "signed is candidate with" in reasons[0]


async def test_marks_that_were_planted_beforehand_silence_no_alarm(app: PromotionApp) -> None:
    """An attacker who knows what will be announced writes into the ledger that it was."""
    model = await entry(app)
    digest = identity.digest("state approved", "state candidate")
    plant(app, f"scrubs/churn/1/{digest}.json", {"at": "2026-01-01T00:00:00+00:00"})
    app.clients.models.tag(CENTRAL, model, {STATE: "candidate"})

    await app.pass_time(timedelta(days=1))

    assert alarms(app) == (1, 1)


async def test_marks_that_were_planted_beforehand_hide_no_forgery(waiting: PromotionApp) -> None:
    promotion, evidence = await asked(waiting)
    path = f"{paths.decisions(promotion, 'central')}data-scientist-{evidence[7:23]}.json"
    content = json.dumps(encode(approval(waiting, "ada", "data-scientist", evidence))).encode()
    digest = hashlib.sha256(path.encode() + b"\0" + content).hexdigest()
    plant(waiting, f"forgeries/{digest[:32]}.json", {"at": "2026-01-01T00:00:00+00:00"})
    plant(waiting, path, content)

    await waiting.finish(promotion)

    assert forged(waiting) == [path]
    assert waiting.hub.read(STATE_CONTAINER, paths.forgery(digest)) == content
