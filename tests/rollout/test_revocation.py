"""A revoked version is promoted, deployed and brought back no more; production leaves it, once and by itself."""

import json
from typing import Any

from activities.trust.entry_revocations import revoke_entry
from shared import contracts as c
from shared.codec import decode
from shared.domain.failures import Refused
from shared.domain.promotion.models import STATE, EntryState, ModelVersion
from shared.domain.trust.statements import PredicateKind
from shared.records import paths
from shared.records.registry import entry_statement, history_of
from tests.promotion.conftest import CENTRAL
from tests.rollout.conftest import FIRST, SECOND, RolloutApp, because
from tests.signing import trusted_key_set
from tests.trust.verifier import canonical, signed, verdict

TWO = ModelVersion(name="churn", version="2")


async def revoke(app: RolloutApp, version: str, who: str = "linus") -> c.RevocationResult:
    status, answer = await app.ask("POST", "models/churn/revoke", {"version": version, "reason": "leaks"}, who)
    assert status == 202, answer
    outcome = await app.host.advance_until_finished(str(answer["id"]), timeout=60)
    assert outcome.status == "Completed", outcome
    return decode(c.RevocationResult, outcome.output)


def state(app: RolloutApp, model: ModelVersion) -> tuple[str, str]:
    """What the registry shows of the entry, and what is signed of it."""
    entry = entry_statement(app.clients.statements, history_of(app.clients.audit, model), model, [])
    return app.cloud.state["assets"][f"central/models/{model}"].tags[STATE], entry.state if entry else ""


def alarms(app: RolloutApp) -> int:
    return app.chain().count("registry altered")


async def test_revoking_the_version_that_serves_is_a_rollback_once(replaced: RolloutApp) -> None:

    result = await revoke(replaced, "2")
    again = await revoke(replaced, "2")

    assert len(result.rolled_back) == 1
    assert result.because == ()
    assert again == result
    assert replaced.traffic == {replaced.deployment(FIRST): 100}
    assert state(replaced, TWO) == (EntryState.REVOKED.value, EntryState.REVOKED.value)
    assert [replaced.chain().count(kind) for kind in ("entry revoked", "rollback ordered", "rolled back")] == [1, 1, 1]
    await replaced.pass_time(days=1)
    assert alarms(replaced) == 0
    assert "forged record refused" not in replaced.chain()  # Of all that two rollouts and a rollback have written.


async def test_who_revoked_and_why_is_signed_by_the_door_and_stands_in_the_log(app: RolloutApp) -> None:
    model = await app.entered("2")
    await revoke(app, "2")

    predicate = app.clients.statements.read(paths.entry_revocation("churn", "2"), PredicateKind.ENTRY_REVOCATION)
    (entry,) = [entry for entry in app.clients.audit.about("churn") if entry.kind == "entry revoked"]

    assert predicate is not None
    assert (predicate["by"], predicate["oid"], predicate["reason"]) == (entry.who, entry.facts["oid"], "leaks")
    assert signed.PURPOSES["entry-revocation"] == PredicateKind.ENTRY_REVOCATION.purpose.value == "door"
    assert state(app, model)[0] == "revoked"


async def test_a_revoked_version_is_not_promoted_and_not_released(app: RolloutApp) -> None:
    await app.entered("2")
    await revoke(app, "2")

    refused = await app.finish(await app.promote("churn:2", "prod"))
    await app.ask("POST", "models/churn/release", {"version": "2", "reason": "please"}, "linus")
    again = await app.finish(await app.promote("churn:2", "prod"))

    assert refused.fate is again.fate is c.Fate.REFUSED
    assert "churn:2 is revoked" in because(refused)
    assert "churn:2 is revoked" in because(again)


async def test_a_revoked_version_is_never_known_to_be_good(replaced: RolloutApp) -> None:
    await revoke(replaced, "1")

    rollback = await replaced.roll_back(to="1", override=True)

    assert not rollback.done
    assert "not revoked" in rollback.because
    assert replaced.traffic == {replaced.deployment(SECOND): 100}


async def test_a_first_version_that_is_revoked_goes_on_serving_and_the_answer_says_why(app: RolloutApp) -> None:
    model = await app.released("2")
    result = await revoke(app, "2")
    assert result.rolled_back == ()
    assert "nothing to go back to" in result.because[0]
    assert app.traffic == {app.deployment(model): 100}


async def test_a_version_that_is_revoked_on_its_way_is_taken_back(serving: RolloutApp) -> None:
    await serving.pass_time(hours=1)
    promotion = await serving.promote(str(await serving.entered("2")), "prod")
    await serving.watched(promotion)

    await revoke(serving, "2")
    ended = await serving.finish(promotion)

    assert ended.fate is not c.Fate.PROMOTED
    assert "revoked" in because(ended)
    assert serving.traffic == {serving.deployment(FIRST): 100}
    assert state(serving, TWO) == ("revoked", "revoked")


async def test_a_version_that_is_revoked_within_a_step_is_taken_back_at_the_next_look(serving: RolloutApp) -> None:
    """A paused step comes to no receipt, at which a revocation would be found too."""
    promotion = await serving.shifting("2")
    await serving.watched(promotion)
    await serving.order(promotion, "pause")
    await serving.pass_time(hours=1)
    assert len(serving.traffic) == 2

    await revoke(serving, "2")
    await serving.pass_time(minutes=16)
    ended = await serving.finish(promotion)

    assert (ended.fate, because(ended)) == (c.Fate.HELD, "prod: it was revoked; see `signalbox history`")
    assert serving.traffic == {serving.deployment(FIRST): 100}
    assert state(serving, TWO) == ("revoked", "revoked")


async def test_the_version_that_follows_a_revoked_one_does_not_make_it_retired(app: RolloutApp) -> None:
    await app.released("2")
    await revoke(app, "2")
    await app.released("3")
    assert state(app, TWO) == ("revoked", "revoked")
    await app.pass_time(days=1)
    assert alarms(app) == 0


async def test_a_removed_file_does_not_bring_a_revoked_version_back(app: RolloutApp) -> None:
    await app.entered("2")
    await revoke(app, "2")
    for blob in list(app.hub.list("signalbox", "")):
        if blob.path.startswith(("registry-revocations/", "audit/keys/", "audit/subjects/", "ledger/")):
            app.hub.delete("signalbox", blob.path)
    app.clients.models.tag(CENTRAL, TWO, {STATE: "approved"})

    refused = await app.finish(await app.promote("churn:2", "prod"))

    assert refused.fate is c.Fate.REFUSED, refused
    assert "churn:2 is revoked" in because(refused)


async def test_an_order_that_no_person_is_signed_for_revokes_nothing(app: RolloutApp) -> None:
    """Somebody who can write the task hub's account orders activities."""
    await app.entered("2")
    order = c.RevocationOrder(key="k", revocation=c.EntryRevocation(id="r", model=TWO))
    assert "nobody is signed" in _refusal(app, order)
    app.hub.land(f"signalbox/{paths.entry_revocation('churn', '2')}", json.dumps({"model": "churn:2"}).encode())
    assert "is not believed" in _refusal(app, order)
    assert state(app, TWO)[0] == "approved"


def _refusal(app: RolloutApp, order: Any) -> str:
    try:
        revoke_entry(app.clients, order)
    except Refused as refusal:
        return str(refusal)
    return ""


async def test_what_is_not_in_the_registry_cannot_be_revoked(app: RolloutApp) -> None:
    app.register("9", error=1.0)
    status, answer = await app.ask("POST", "models/churn/revoke", {"version": "9", "reason": "leaks"}, "linus")
    assert (status, answer["title"]) == (404, "no such entry")
    assert answer["detail"].endswith("nothing to revoke; where it serves without one, promote another version there")


async def test_the_offline_verifier_reads_that_the_version_was_revoked(app: RolloutApp) -> None:
    model = await app.entered("2")
    keys = {key["kid"]: key for key in trusted_key_set()["keys"]}
    (promotion,) = {e.facts["promotion"] for e in app.clients.audit.about("churn") if e.kind == "promoted"}
    _, before = await app.ask("GET", f"promotions/{promotion}/proof")
    await revoke(app, "2")

    _, proof = await app.ask("GET", f"promotions/{promotion}/proof")

    assert verdict(canonical(before), keys) == ""
    assert f"linus has revoked {model} at" in verdict(canonical(proof), keys)
    assert "leaks" in verdict(canonical(proof), keys)
