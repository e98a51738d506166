"""What was taken back and which keys were revoked is signed too, and a proof shows it."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from activities.trust.revocations import sign_revocations
from shared.adapters.signing.purpose_keys import PurposeKeys
from shared.adapters.signing.trusted_keys import TrustedKeys
from shared.domain.failures import Refused
from shared.domain.trust.statements import PredicateKind
from shared.records import paths
from tests.promotion.conftest import PromotionApp
from tests.signing import signing
from tests.trust.attacks import FIRST_PROMOTION
from tests.trust.test_verifier import keys, written
from tests.trust.verifier import promotions, verdict


async def test_what_was_taken_back_is_signed_and_no_proof_hides_it(app: PromotionApp, tmp_path: Path) -> None:
    app.register("1", error=1.0)

    def before(effect: str) -> None:
        if effect.startswith("tag central"):
            raise Refused("the registry is closed")

    app.cloud.before = before
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    result = await app.finish(promotion)

    predicate = app.clients.statements.read(paths.roll_back(promotion), PredicateKind.ROLL_BACK)
    assert predicate is not None
    assert (predicate["fate"], predicate["because"]) == (result.fate.value, list(result.because))
    assert {"preprod/switch_traffic", "preprod/copy_bundle", "central/publish_entry"} <= set(predicate["undone"])
    proof = await written(app, promotion, tmp_path)
    assert "it was taken back at" in verdict(proof.read_bytes(), keys(proof))
    assert "the registry is closed" in verdict(proof.read_bytes(), keys(proof))


async def test_a_promotion_that_arrived_has_no_roll_back(arrived: PromotionApp) -> None:

    assert not [blob for blob in arrived.clients.store.blobs("promotions/") if "roll-back" in blob.path]


@contextmanager
def revoking(app: PromotionApp, keyid: str) -> Iterator[None]:
    """A set is deployed in which *keyid* is revoked, which may be a key of long ago; the app signs with its own."""
    own = signing()
    assert isinstance(own, PurposeKeys)
    trusted = {key.keyid: key for key in own._trusted().keys}
    key = trusted.get(keyid) or replace(trusted["door-1"], keyid=keyid)
    stolen = replace(key, revoked=True, revoked_at="2026-01-02T00:00:00+00:00", revoked_because="it was copied")
    changed = TrustedKeys((trusted | {keyid: stolen}).values())
    vars(app.clients)["signing"] = PurposeKeys(own._addresses, own._open_key, lambda: changed)
    yield
    vars(app.clients)["signing"] = own


async def test_a_revoked_key_is_signed_logged_and_announced_once(arrived: PromotionApp, tmp_path: Path) -> None:
    with revoking(arrived, "measuring-1"):
        sign_revocations(arrived.clients)
        sign_revocations(arrived.clients)

    predicate = arrived.clients.statements.read(paths.revocation("measuring-1", 0), PredicateKind.REVOCATION)
    assert predicate is not None
    assert (predicate["because"], predicate["purpose"]) == ("it was copied", "measuring")
    assert [blob.path for blob in arrived.clients.store.blobs(paths.revocations())] == [
        paths.revocation("measuring-1", 0)
    ]
    assert arrived.chain().count("key revoked") == 1
    assert arrived.clients.announcer.kinds.count("Signalbox.Key.Revoked") == 1  # type: ignore[attr-defined]
    proof = await written(arrived, FIRST_PROMOTION, tmp_path)
    assert "key measuring-1 was revoked at 2026-01-02" in verdict(proof.read_bytes(), keys(proof))


async def test_a_planted_file_keeps_no_revocation_quiet(app: PromotionApp) -> None:
    app.hub.land(f"signalbox/{paths.revocation('door-1', 0)}", b"{}")
    with revoking(app, "door-1"):
        sign_revocations(app.clients)

    assert app.clients.statements.read(paths.revocation("door-1", 1), PredicateKind.REVOCATION) is not None


async def test_the_revocation_of_a_key_that_signed_nothing_here_is_shown(arrived: PromotionApp, tmp_path: Path) -> None:
    with revoking(arrived, "door-0"):
        sign_revocations(arrived.clients)
    proof = await written(arrived, FIRST_PROMOTION, tmp_path)

    lines = promotions.verify(json.loads(proof.read_bytes()), keys(proof))

    assert any("key door-0 was revoked at" in line for line in lines)


@pytest.mark.parametrize("keyid", ["door-1", "measuring-1", "deciding-1"])
async def test_a_proof_that_rests_on_a_revoked_key_says_so_and_not_that_something_is_missing(
    arrived: PromotionApp, tmp_path: Path, keyid: str
) -> None:
    with revoking(arrived, keyid):
        proof = await written(arrived, FIRST_PROMOTION, tmp_path)
    trusted = keys(proof)
    trusted[keyid]["revoked"] = True

    reason = verdict(proof.read_bytes(), trusted)

    assert reason.endswith("is signed with a revoked key"), reason


async def test_a_file_that_only_names_a_revoked_key_is_no_part_of_a_proof(
    arrived: PromotionApp, tmp_path: Path
) -> None:
    (path,) = (
        blob.path for blob in arrived.clients.store.blobs(f"promotions/{FIRST_PROMOTION}/") if "/plans/" in blob.path
    )
    envelope = json.loads(arrived.hub.read("signalbox", path) or b"")
    envelope["payload"] = b64encode(b64decode(envelope["payload"]).replace(b"churn:1", b"churn:9")).decode()
    planted = path.replace(".dsse.json", "-2.dsse.json")
    arrived.hub.land(f"signalbox/{planted}", json.dumps(envelope).encode())
    with revoking(arrived, "deciding-1"):
        proof = await written(arrived, FIRST_PROMOTION, tmp_path)

    assert planted not in json.loads(proof.read_bytes())["statements"]
