"""`signalbox-verify` proves a promotion without the product, and finds every byte that was changed."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.codec import encode
from tests.amounts import amount
from tests.promotion.conftest import PromotionApp
from tests.signing import signing, trusted_key_set

VERIFIER = Path(__file__).parents[2] / "verifier"
sys.path.insert(0, str(VERIFIER))  # As it is installed alone; it imports nothing of the product.

import signalbox_verify  # noqa: E402


def canonical(proof: Any) -> bytes:
    return json.dumps(proof, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.fixture
async def proof(app: PromotionApp, tmp_path: Path) -> Path:
    """The proof of a whole promotion, and the keys beside it."""
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    await app.finish(promotion)
    status, answer = await app.ask("GET", f"promotions/{promotion}/proof")
    assert status == 200, answer
    (tmp_path / "proof.json").write_bytes(canonical(answer))
    (tmp_path / "keys.json").write_text(json.dumps(trusted_key_set()))
    return tmp_path / "proof.json"


def keys(proof: Path) -> dict[str, Any]:
    return {key["kid"]: key for key in json.loads((proof.parent / "keys.json").read_text())["keys"]}


def verdict(content: bytes, trusted: dict[str, Any]) -> str:
    """The reason why *content* is not proven; empty where it is."""
    try:
        document = signalbox_verify.read_json(content)
        signalbox_verify.require(signalbox_verify.canonical_bytes(document) == content, "not canonical")
        signalbox_verify.verify(document, trusted)
    except signalbox_verify.NotProven as reason:
        return str(reason)
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        return repr(error)
    return ""


async def test_a_machine_without_the_product_verifies_a_promotion(proof: Path) -> None:
    command = [sys.executable, "-I", str(VERIFIER / "signalbox_verify.py"), str(proof), "--keys"]
    outcome = subprocess.run([*command, str(proof.parent / "keys.json")], capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "churn:1 with sha256:" in outcome.stdout
    assert "approved by data-scientist: ada (1)" in outcome.stdout


async def test_keys_that_the_reader_does_not_trust_prove_nothing(proof: Path) -> None:
    strangers = {key["kid"]: key for key in trusted_key_set("attacker")["keys"]}

    assert "does not fit" in verdict(proof.read_bytes(), strangers)


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
        assert verdict(canonical({**document, "statements": statements}), trusted) or "exit" in path, path
    assert verdict(canonical({**document, "log": []}), trusted)


async def test_a_statement_of_a_key_for_another_purpose_is_refused(proof: Path) -> None:
    trusted, document = keys(proof), json.loads(proof.read_bytes())
    path = next(path for path in document["statements"] if "/decisions/" in path)
    envelope = signing().sign(
        signing_purpose("measuring"),
        "application/vnd.in-toto+json",
        signalbox_verify.decoded(document["statements"][path]["payload"]),
    )
    document["statements"][path] = encode(envelope)

    assert "signed with a key for measuring" in verdict(canonical(document), trusted)


def signing_purpose(name: str) -> Any:
    from shared.domain.trust.keys import Purpose

    return Purpose(name)
