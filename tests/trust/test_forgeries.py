"""An attacker may write every blob of the state container: nothing they plant, edit, move or remove lets a model in.

Each forgery is refused and noticed: it is in the audit log and announced.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import azure.durable_functions as df
import pytest

from activities.devops.approvals import mirror_approvals
from shared import contracts as c
from shared.codec import decode, encode
from shared.domain import identity
from shared.domain.promotion.models import APPROVED_BY, STATE, ModelVersion
from shared.domain.trust.keys import Purpose
from shared.domain.trust.statements import PredicateKind
from shared.ports import RegisteredModel
from shared.records import paths
from shared.records.promotion import decision_statement
from shared.records.statements import Statements
from tests.promotion.conftest import CENTRAL, PromotionApp
from tests.signing import signing
from tests.trust.attacks import STATE_CONTAINER, approval, asked, blobs, forged, plant, remove

Decider = Callable[[PromotionApp, str, str, str, str], None]


def invent(app: PromotionApp, promotion: str, who: str, role: str, evidence: str) -> None:
    """As records were kept before they were signed."""
    path = f"{paths.decisions(promotion, 'central')}{role}-{evidence[7:23]}.json"
    plant(app, path, encode(approval(app, who, role, evidence)))


def sign_with_own_key(app: PromotionApp, promotion: str, who: str, role: str, evidence: str) -> None:
    _sign(app, Statements(app.clients.store, signing("attacker")), promotion, who, role, evidence)


def sign_with_measuring_key(app: PromotionApp, promotion: str, who: str, role: str, evidence: str) -> None:
    """The key of the activity that measures was stolen: it is none for decisions."""
    path = f"{paths.decisions(promotion, 'central')}{role}-{evidence[7:23]}.json"
    decision = approval(app, who, role, evidence)
    predicate = {**decision_statement(promotion, "central", decision, decision.at).predicate, "path": path}
    payload = json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [],
            "predicateType": PredicateKind.DECISION.type_uri,
            "predicate": {**predicate, "at": app.clients.clock.now().isoformat()},
        }
    ).encode()
    plant(app, path, encode(app.clients.signing.sign(Purpose.MEASURING, "application/vnd.in-toto+json", payload)))


def _sign(app: PromotionApp, statements: Statements, promotion: str, who: str, role: str, evidence: str) -> None:
    decision = approval(app, who, role, evidence)
    path = f"{paths.decisions(promotion, 'central')}{role}-{evidence[7:23]}.json"
    statements.create(path, decision_statement(promotion, "central", decision, decision.at))


@pytest.mark.parametrize("decider", [invent, sign_with_own_key, sign_with_measuring_key])
async def test_two_invented_decisions_promote_nothing(waiting: PromotionApp, decider: Decider) -> None:
    promotion, evidence = await asked(waiting)
    decider(waiting, promotion, "ada", "data-scientist", evidence)
    decider(waiting, promotion, "grace", "product-owner", evidence)

    result = await waiting.finish(promotion)

    assert (result.fate, "central/models/churn:1" in waiting.cloud.state["assets"]) == (c.Fate.EXPIRED, False)
    assert len(forged(waiting)) == 2


async def test_decisions_on_another_promotion_do_not_count_here(arrived: PromotionApp) -> None:
    arrived.register("2", error=0.5)
    other = await arrived.promote("churn:2")
    evidence = await arrived.evidence(other)
    for path in blobs(arrived, "/central/decisions/"):
        role = path.rpartition("/")[2].rpartition("-")[0]
        target = f"{paths.decisions(other, 'central')}{role}-{evidence[7:23]}.json"
        plant(arrived, target, arrived.hub.read(STATE_CONTAINER, path))

    result = await arrived.finish(other)

    assert (result.fate, len(forged(arrived))) == (c.Fate.EXPIRED, 2)


async def test_a_decision_edited_by_one_letter_does_not_count(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    await waiting.approve(promotion)
    path = blobs(waiting, "/central/decisions/data-scientist")[0]
    content = json.loads(waiting.hub.read(STATE_CONTAINER, path) or b"")
    content["payload"] = (
        content["payload"][:-8] + ("A" if content["payload"][-8] != "A" else "B") + content["payload"][-7:]
    )
    plant(waiting, path, content)

    result = await waiting.finish(promotion)

    assert result.fate is not c.Fate.PROMOTED
    assert path in forged(waiting)


async def test_a_rejection_that_was_removed_still_counts(waiting: PromotionApp) -> None:
    """Its rejection is gone, and another holder of the role approves: the audit log knows of the rejection."""
    promotion, evidence = await asked(waiting)
    await waiting.decide(promotion, "ada", "data-scientist")
    waiting.clients.audit.append(
        f"{paths.decisions(promotion, 'central')}product-owner-{evidence[7:23]}.json/rejected/x",
        "decision rejected",
        "churn:1",
        "grace",
        {
            "promotion": promotion,
            **encode(replace(approval(waiting, "grace", "product-owner", evidence), approved=False)),
        },
    )
    await waiting.decide(promotion, "both", "product-owner")

    result = await waiting.finish(promotion)

    assert result.fate is not c.Fate.PROMOTED
    assert "grace's decision as product-owner was removed" in " ".join(result.because)
    assert paths.decisions(promotion, "central") in forged(waiting)


async def test_a_withdrawn_approval_that_is_put_back_does_not_count(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    await waiting.decide(promotion, "ada", "data-scientist")
    (path,) = blobs(waiting, "/central/decisions/data-scientist")
    before = waiting.hub.read(STATE_CONTAINER, path)
    await waiting.ask("POST", f"promotions/{promotion}/withdraw", {"role": "data-scientist"}, "ada")
    plant(waiting, path, before)
    await waiting.decide(promotion, "grace", "product-owner")

    result = await waiting.finish(promotion)

    assert result.fate is not c.Fate.PROMOTED
    assert "ada has withdrawn it" in " ".join(result.because)
    assert path in forged(waiting)


@pytest.mark.parametrize("suffix", ["evidence.json", "evidence.dsse.json", "pack.dsse.json"])
async def test_evidence_of_another_version_is_not_judged(arrived: PromotionApp, suffix: str) -> None:
    """A good version was measured; its evidence lies where that of a worse one is expected."""
    arrived.register("2", error=30.0)
    second = identity.promotion_id("churn", "2", "central", 1)
    for path in blobs(arrived, suffix):
        promotion = path.split("/")[1]
        plant(arrived, path.replace(promotion, second), arrived.hub.read(STATE_CONTAINER, path))
    assert await arrived.promote("churn:2") == second

    result = await arrived.finish(second)

    assert result.fate is not c.Fate.PROMOTED
    assert "central/models/churn:2" not in arrived.cloud.state["assets"]
    assert [path for path in forged(arrived) if path.startswith(f"promotions/{second}/")]


async def test_a_plan_that_nobody_signed_is_not_carried_out(app: PromotionApp) -> None:
    """A planted opening asks nobody, and leaves out the gates."""
    app.register("1", error=30.0)
    first = await app.promote("churn:1")
    await app.pass_time(timedelta(seconds=30))
    opening = json.loads(app.hub.read(STATE_CONTAINER, f"promotions/{first}/effects/opened.json") or b"")
    for stage in opening["plan"]["stages"]:
        stage["stage"] |= {"entry_gates": [], "exit_gates": []}
        stage["stage"]["approvals"]["roles"] = []
    from shared.domain.promotion.audit import canonical_digest

    opening["plan_digest"] = canonical_digest(opening["plan"])
    second = first.rpartition("-")[0] + "-2"
    await app.finish(first)
    plant(app, f"promotions/{second}/effects/opened.json", opening)
    assert await app.promote("churn:1") == second

    outcome = await app.host.advance_until_finished(second, timeout=60)

    assert decode(c.PromotionResult, outcome.output).fate is not c.Fate.PROMOTED
    assert "central/models/churn:1" not in app.cloud.state["assets"]
    assert forged(app)


async def test_a_door_judges_by_no_plan_that_nobody_signed(waiting: PromotionApp) -> None:
    """An attacker who may decide writes themselves into the roles of the plan, for the moment of their approval."""
    promotion, evidence = await asked(waiting)
    path = f"promotions/{promotion}/effects/opened.json"
    opening = json.loads(waiting.hub.read(STATE_CONTAINER, path) or b"")
    for stage in opening["plan"]["stages"]:
        for role in stage["stage"]["approvals"]["roles"]:
            role["people"] = ["4"]
    plant(waiting, path, opening)

    status, refused = await waiting.decide(promotion, "both", "product-owner", evidence=evidence)

    assert (status, refused["title"]) == (409, "forged record")
    assert "was changed" in refused["detail"]
    await waiting.finish(promotion)
    assert path in forged(waiting)


async def test_a_planted_file_in_the_place_of_a_decision_is_named_to_the_person_it_keeps_out(
    waiting: PromotionApp,
) -> None:
    promotion, evidence = await asked(waiting)
    invent(waiting, promotion, "ada", "data-scientist", evidence)

    status, refused = await waiting.decide(promotion, "ada", "data-scientist", evidence=evidence)

    assert (status, refused["title"]) == (409, "forged record")
    assert "an operator must look at it and remove it" in refused["detail"]
    await waiting.finish(promotion)
    assert [path for path in forged(waiting) if path.startswith(paths.decisions(promotion, "central"))]


async def test_ledger_entries_that_say_a_move_was_made_make_none_believe_it(waiting: PromotionApp) -> None:
    promotion, _ = await asked(waiting)
    for move in ("publish_entry", "approve_entry"):
        plant(waiting, f"promotions/{promotion}/effects/central/{move}.json", {"at": "2026-01-01T00:00:00+00:00"})
    await waiting.approve(promotion)

    result = await waiting.finish(promotion)

    entry = waiting.cloud.state["assets"]["central/models/churn:1"]
    assert (result.fate, entry.tags[STATE]) == (c.Fate.PROMOTED, "approved")
    moves = ("publish_entry", "approve_entry")
    assert forged(waiting) == [f"promotions/{promotion}/effects/central/{move}.json" for move in moves]


async def test_a_receipt_that_was_planted_opens_nothing(arrived: PromotionApp) -> None:
    (receipt,) = blobs(arrived, "/central/entry/receipt.json")
    arrived.register("2", error=0.5)
    second = await arrived.promote("churn:2")
    await arrived.evidence(second)
    promotion = receipt.split("/")[1]
    planted = receipt.replace(promotion, second)
    plant(arrived, planted, arrived.hub.read(STATE_CONTAINER, receipt))

    result = await arrived.finish(second)

    assert (result.fate is c.Fate.PROMOTED, forged(arrived)) == (False, [planted])
    assert "central/models/churn:2" not in arrived.cloud.state["assets"]


async def test_what_an_undo_puts_back_is_signed(waiting: PromotionApp) -> None:
    """An attacker names their own deployment as what was there before, and lets the promotion be rejected."""
    promotion, _ = await asked(waiting)
    (path,) = blobs(waiting, "switch_traffic.before.dsse.json")
    plant(waiting, path, {"payloadType": "x", "payload": "e30=", "signatures": []})
    await waiting.decide(promotion, "grace", "product-owner", "reject")

    await waiting.finish(promotion)

    assert path in forged(waiting)


async def entry(app: PromotionApp) -> tuple[ModelVersion, RegisteredModel]:
    model = app.register("1", error=1.0)
    await app.whole("churn:1")
    return model, app.cloud.state["assets"]["central/models/churn:1"]


async def test_registry_entries_are_compared_with_statements(app: PromotionApp) -> None:
    model, registered = await entry(app)
    assets = app.cloud.state["assets"]
    edits: dict[str, Callable[[], object]] = {
        "approved by": lambda: app.clients.models.tag(CENTRAL, model, {APPROVED_BY: "mallory"}),
        "missing": lambda: assets.pop("central/models/churn:1"),
        "untagged": lambda: assets.__setitem__("central/models/churn:1", replace(registered, tags={})),
        "extra": lambda: assets.__setitem__(
            "central/models/churn:9", replace(registered, model=ModelVersion(name="churn", version="9"))
        ),
    }
    for name, edit in edits.items():
        before = app.chain().count("registry altered")
        edit()
        await app.pass_time(timedelta(days=1))
        assert app.chain().count("registry altered") == before + 1, name
        assets["central/models/churn:1"] = registered


async def test_an_entry_is_watched_while_another_version_waits(app: PromotionApp) -> None:
    model, _ = await entry(app)
    app.register("2", error=0.5)
    await app.evidence(await app.promote("churn:2"))

    app.clients.models.tag(CENTRAL, model, {STATE: "candidate"})
    await app.pass_time(timedelta(days=1))

    assert app.chain().count("registry altered") == 1


async def test_every_version_is_compared_and_not_only_the_newest(app: PromotionApp) -> None:
    first, _ = await entry(app)
    second = app.register("2", error=0.5)
    await app.whole("churn:2")
    app.register("3", error=0.4)
    await app.evidence(await app.promote("churn:3"))  # A third one waits for people.

    for count, model in enumerate((first, second), start=1):
        app.clients.models.tag(CENTRAL, model, {APPROVED_BY: "mallory"})
        await app.pass_time(timedelta(days=1))
        altered = [entry.subject for entry in app.clients.audit.entries() if entry.kind == "registry altered"]
        assert altered == ["churn:1", "churn:2"][:count]


async def test_bytes_of_an_entry_that_were_changed_are_found(app: PromotionApp) -> None:
    await entry(app)
    files = app.cloud.state["files"]
    path = next(path for path in files if path.startswith("central") and path.endswith("model.bin"))
    files[path] = b"other weights"

    await app.pass_time(timedelta(days=1))

    assert app.chain().count("registry altered") == 1


async def test_a_statement_that_was_removed_is_missed(app: PromotionApp) -> None:
    await entry(app)
    for path in blobs(app, "registry/churn/1/"):
        app.hub.delete(STATE_CONTAINER, path)

    await app.pass_time(timedelta(days=1))

    assert app.chain().count("registry altered") == 1


async def test_the_proof_of_an_earlier_stage_is_not_believed_unsigned(waiting: PromotionApp) -> None:
    """A record that says `promoted`, with a receipt that nobody signed, does not open the next stage."""
    promotion, _ = await asked(waiting)
    (path,) = blobs(waiting, "/preprod/exit/receipt.json")
    receipt = json.loads(waiting.hub.read(STATE_CONTAINER, path) or b"")
    plant(waiting, path, receipt | {"signature": "deciding-1:AAAA"})
    await waiting.approve(promotion)

    result = await waiting.finish(promotion)

    assert (result.fate is c.Fate.PROMOTED, forged(waiting)) == (False, [path])


async def test_a_plan_that_nobody_signed_is_told_of_where_approvals_are_mirrored(waiting: PromotionApp) -> None:
    """The mirror's order names the promotion by its id alone, and it ends with a note, not with a refusal."""
    promotion, _ = await asked(waiting)
    (statement,) = [path for path in blobs(waiting, f"{promotion}/plans/") if path.endswith(".dsse.json")]
    remove(waiting, statement)
    client = df.DurableOrchestrationClient(waiting.host.client_binding())

    mirrored = await mirror_approvals(client, waiting.clients, c.Mirroring(key="k", promotion=promotion))

    assert "no statement of the deciding key" in mirrored.notes[0]
    assert forged(waiting) == [f"promotions/{promotion}/effects/opened.json"]
