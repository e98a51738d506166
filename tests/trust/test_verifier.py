"""`signalbox-verify` proves a promotion without the product, and finds every byte that was changed."""

import hashlib
import json
import random
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.codec import encode
from shared.domain.trust.keys import Purpose
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths
from tests.amounts import amount
from tests.promotion.conftest import PromotionApp
from tests.promotion.test_glass import broken_glass
from tests.signing import signing, trusted_key_set
from tests.trust.attacks import FIRST_PROMOTION
from tests.trust.verifier import canonical, promotions, run, signed, verdict


@pytest.fixture
async def proof(arrived: PromotionApp, tmp_path: Path) -> Path:
    """The proof of a whole promotion, and the keys beside it."""
    return await written(arrived, FIRST_PROMOTION, tmp_path)


async def written(app: PromotionApp, promotion: str, folder: Path) -> Path:
    status, answer = await app.ask("GET", f"promotions/{promotion}/proof")
    assert status == 200, answer
    (folder / "proof.json").write_bytes(canonical(answer))
    (folder / "keys.json").write_text(json.dumps(trusted_key_set()))
    return folder / "proof.json"


def keys(proof: Path) -> dict[str, Any]:
    return {key["kid"]: key for key in json.loads((proof.parent / "keys.json").read_text())["keys"]}


async def test_a_machine_without_the_product_verifies_a_promotion(proof: Path) -> None:
    outcome = run(proof, "--keys", proof.parent / "keys.json")

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "churn:1 with sha256:" in outcome.stdout
    assert "approved by data-scientist: ada (1)" in outcome.stdout


async def test_keys_that_the_reader_does_not_trust_prove_nothing(proof: Path) -> None:
    strangers = {key["kid"]: key for key in trusted_key_set("attacker")["keys"]}

    assert "does not fit" in verdict(proof.read_bytes(), strangers)


@pytest.mark.long
async def test_every_changed_byte_is_found(proof: Path) -> None:
    content, trusted, chance = proof.read_bytes(), keys(proof), random.Random(7)
    assert verdict(content, trusted) == ""
    for _ in range(amount(150, 10_000)):
        at = chance.randrange(len(content))
        changed = bytes([content[at] ^ (1 << chance.randrange(8))])
        assert verdict(content[:at] + changed + content[at + 1 :], trusted), f"byte {at} was {content[at : at + 1]!r}"


async def test_each_statement_and_each_entry_of_the_log_is_needed(proof: Path) -> None:
    trusted, document = keys(proof), json.loads(proof.read_bytes())
    needed = [path for path in document["statements"] if "/effects/" not in path or path.endswith("receipt.json")]
    for path in needed:
        statements = {name: value for name, value in document["statements"].items() if name != path}
        assert verdict(canonical({**document, "statements": statements}), trusted), path
    for number in range(len(document["log"])):
        log = [entry for at, entry in enumerate(document["log"]) if at != number]
        assert verdict(canonical({**document, "log": log}), trusted), number


async def test_a_statement_of_a_key_for_another_purpose_is_refused(proof: Path) -> None:
    trusted, document = keys(proof), json.loads(proof.read_bytes())
    path = next(path for path in document["statements"] if "/decisions/" in path)
    payload = signed.decoded(document["statements"][path]["payload"])
    document["statements"][path] = encode(signing().sign(Purpose.MEASURING, signed.STATEMENT, payload))

    assert "signed with a key for measuring" in verdict(canonical(document), trusted)


Change = Callable[[dict[str, Any]], Any]

# What the thief of one key can sign, by the statement's path: the statements of the other keys contradict it.
FORGERIES: dict[str, tuple[str, Change, str]] = {
    "a receipt for other bytes": (
        "central/entry/receipt.json",
        lambda says: says["predicate"].update(digest="sha256:" + "0" * 64),
        "other bytes",
    ),
    "a receipt over a gate that is left out": (
        "preprod/exit/receipt.json",
        lambda says: says["predicate"]["verdicts"].pop(),
        "gates are missing",
    ),
    "a receipt that names somebody else": (
        "central/entry/receipt.json",
        lambda says: says["predicate"]["approvals"].append("owner: eve (9)"),
        "audit log",
    ),
    "an override that nobody signed": (
        "preprod/exit/receipt.json",
        lambda says: says["predicate"].update(override="engineer: eve because I can"),
        "signed nothing",
    ),
    "a plan of other bytes": (
        "/plans/",
        lambda says: says["predicate"].update(bundle="sha256:" + "0" * 64),
        "other bytes",
    ),
    "figures that nobody measured": (
        "preprod/exit/evidence.dsse.json",
        lambda says: says["predicate"]["record"]["verdicts"][0].update(outcome="fail"),
        "nobody measured",
    ),
    "figures of other bytes": (
        "preprod/exit/evidence.dsse.json",
        lambda says: says["predicate"].update(bundle="sha256:" + "0" * 64),
        "other bytes",
    ),
    "figures of another plan": (
        "preprod/exit/evidence.dsse.json",
        lambda says: says["predicate"].update(plan="sha256:" + "0" * 64),
        "nobody measured",
    ),
    "a decision of another promotion": (
        "/decisions/data-scientist",
        lambda says: says["predicate"].update(promotion="promotion-other"),
        "nobody has approved as data-scientist",
    ),
    "a decision of another person": (
        "/decisions/data-scientist",
        lambda says: says["predicate"]["decision"].update(oid="9"),
        "does not have the decision",
    ),
    "a decision that was made later": (
        "/decisions/data-scientist",
        lambda says: says["predicate"]["decision"].update(at="2026-02-01T00:00:00+00:00"),
        "decided later",
    ),
    "a decision that was withdrawn": (
        "/decisions/data-scientist",
        lambda says: says["predicate"]["decision"].update(withdrawn=True),
        "nobody has approved as data-scientist",
    ),
    "a move that was undone": (
        "preprod/switch_traffic.dsse.json",
        lambda says: says["predicate"].update(change="undone"),
        "was undone",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_what_one_stolen_key_signs_contradicts_the_others(proof: Path, forgery: str) -> None:
    part, change, reason = FORGERIES[forgery]
    trusted, document = keys(proof), json.loads(proof.read_bytes())
    path = next(path for path in document["statements"] if part in path)
    statement = json.loads(signed.decoded(document["statements"][path]["payload"]))
    change(statement)
    kind = next(kind for kind in PredicateKind if kind.type_uri == statement["predicateType"])
    document["statements"][path] = encode(signing().sign(kind.purpose, signed.STATEMENT, canonical(statement)))

    assert reason in verdict(canonical(document), trusted)


async def test_an_open_promotion_is_not_proven(app: PromotionApp, tmp_path: Path) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.pass_time(timedelta(minutes=5))
    waiting = await written(app, promotion, tmp_path)

    assert "there is no receipt for the entry of central" in verdict(waiting.read_bytes(), keys(waiting))


async def test_a_model_that_was_trained_on_its_way_is_proven(app: PromotionApp, tmp_path: Path) -> None:
    app.experiment("1")
    promotion = await app.promote("churn:1", to="dev")
    await app.finish(promotion)
    proof = await written(app, promotion, tmp_path)

    assert verdict(proof.read_bytes(), keys(proof)) == ""


async def test_broken_glass_is_proven_with_those_who_broke_it(app: PromotionApp, tmp_path: Path) -> None:
    promotion, consent = await broken_glass(app)
    for role, person in (("engineer", "linus"), ("product-owner", "grace")):
        await app.ask("POST", f"promotions/{promotion}/break-glass", consent | {"role": role}, person)
    await app.pass_time(timedelta(minutes=5))
    await app.finish(promotion)
    proof = await written(app, promotion, tmp_path)
    document = json.loads(proof.read_bytes())
    consents = [path for path in document["statements"] if "-break-glass-" in path]
    statements = {path: value for path, value in document["statements"].items() if path not in consents}

    lines = promotions.verify(document, keys(proof))

    assert any("overridden by engineer: linus because the champion is on fire" in line for line in lines)
    assert len(consents) == 2
    assert any("was broken over better_than_champion" in line for line in lines)
    assert "signed nothing" in verdict(canonical({**document, "statements": statements}), keys(proof))
    (stated,) = (path for path in document["statements"] if path.endswith("/break-glass.dsse.json"))
    del document["statements"][stated]
    assert "does not have its one statement" in verdict(canonical(document), keys(proof))


def test_a_folder_is_the_bundle_to_the_byte(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.bin").write_bytes(b"weights")
    files = [{"part": "model", "path": "model.bin", "size": 7, "sha256": hashlib.sha256(b"weights").hexdigest()}]
    promotions.verify_folder(files, tmp_path)

    for name, content, reason in (
        ("model/model.bin", b"weightS", "model/model.bin has other bytes"),
        ("model/code.py", b"import os", "model/code.py is not of the bundle"),
    ):
        before = (tmp_path / name).read_bytes() if (tmp_path / name).exists() else None
        (tmp_path / name).write_bytes(content)
        with pytest.raises(signed.NotProven, match=reason):
            promotions.verify_folder(files, tmp_path)
        (tmp_path / name).unlink() if before is None else (tmp_path / name).write_bytes(before)

    (tmp_path / "model" / "model.bin").rename(tmp_path / "elsewhere.bin")
    (tmp_path / "model" / "model.bin").symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(signed.NotProven, match="not of the bundle"):
        promotions.verify_folder(files, tmp_path)


async def test_a_proof_cannot_write_to_its_readers_terminal(proof: Path) -> None:
    document = json.loads(proof.read_bytes())
    document["statements"]["\x1b[2J"] = {"payload": b64encode(b"{}").decode()}
    proof.write_bytes(canonical(document))

    outcome = run(proof, "--keys", proof.parent / "keys.json")

    assert (outcome.returncode, "\x1b" in outcome.stdout) == (1, False)


async def test_a_decision_that_its_person_has_withdrawn_proves_nothing(app: PromotionApp, tmp_path: Path) -> None:
    """Somebody has put the approval back after the withdrawal; both are in the proof."""
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    await app.finish(promotion)
    (path,) = (b.path for b in app.clients.store.blobs(f"promotions/{promotion}/") if "/decisions/data-sci" in b.path)
    decision = (app.clients.statements.read(path, PredicateKind.DECISION) or {})["decision"]
    says = {name: decision[name] for name in ("role", "oid", "tenant", "name", "evidence")}
    says |= {"promotion": promotion, "stage": "central", "decision": path, "decided": decision["at"]}
    statement = Statement(kind=PredicateKind.WITHDRAWAL, subjects={}, at=app.clients.clock.now(), predicate=says)
    app.clients.statements.create(paths.withdrawal(promotion, "central", "x"), statement)

    proof = await written(app, promotion, tmp_path)

    assert "ada has withdrawn the decision as data-scientist" in verdict(proof.read_bytes(), keys(proof))
