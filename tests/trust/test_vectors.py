"""Golden vectors: the product and the verifier agree with the published example of DSSE, and with what was released."""

import ast
import json
import random
import subprocess
import sys
from base64 import b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from shared.adapters.signing.purpose_keys import PurposeKeys
from shared.adapters.signing.trusted_keys import read_trusted_keys
from shared.domain.trust.envelopes import signed_bytes
from shared.domain.trust.keys import Purpose
from shared.domain.trust.merkle import includes
from shared.domain.trust.statements import PredicateKind
from shared.domain.trust.tree_heads import read_envelope, read_tree_head
from shared.records.statements import _moment, _opened
from tests.amounts import amount
from tests.statements import objections, validators
from tests.trust.verifier import FOLDER, canonical, run, signed, verdict

VECTORS = Path(__file__).parent / "vectors"
PROOF = (VECTORS / "promotion-proof.json").read_bytes()
DOCUMENT = json.loads(PROOF)
KEYS = signed.read_keys((VECTORS / "trusted-keys.json").read_bytes())
ARCHIVE, ARCHIVE_KEYS = VECTORS / "archive" / "proof.zip", VECTORS / "archive" / "trusted-keys.json"


@pytest.fixture(scope="module")
def product() -> PurposeKeys:
    """The product's own verification, which has no private key here."""
    trusted = read_trusted_keys(VECTORS / "trusted-keys.json")
    return PurposeKeys({}, {}.__getitem__, lambda: trusted)


def test_the_published_example_of_dsse_is_verified() -> None:
    vector = json.loads((VECTORS / "dsse.json").read_text())
    content = signed_bytes(vector["type"], vector["body"].encode())
    raw = b64decode(vector["envelope"]["signatures"][0]["sig"])
    signature = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    x, y = (urlsafe_b64encode(int(vector[name]).to_bytes(32)).rstrip(b"=").decode() for name in ("x", "y"))
    key = {"kid": "example", "kty": "EC", "crv": "P-256", "x": x, "y": y}

    assert content.decode() == vector["encoding"]
    signed.verify_signature(key, signature, content)
    with pytest.raises(InvalidSignature):
        signed.verify_signature(key, signature, content + b".")


def test_the_verifier_proves_what_was_released() -> None:
    outcome = run(VECTORS / "promotion-proof.json", "--keys", VECTORS / "trusted-keys.json")

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("path", sorted(DOCUMENT["statements"]))
def test_the_product_believes_the_statements_that_were_released(product: PurposeKeys, path: str) -> None:
    envelope = read_envelope(DOCUMENT["statements"][path])
    kinds = {kind.type_uri: kind for kind in PredicateKind}
    kind = kinds[json.loads(envelope.content)["predicateType"]]

    assert product.objection(kind.purpose, envelope, _moment(path, _opened(path, envelope, kind))) == ""


def test_every_kind_has_its_schema() -> None:
    assert set(validators()) == {kind.type_uri for kind in PredicateKind}


@pytest.mark.parametrize("path", sorted(DOCUMENT["statements"]))
def test_the_schema_takes_what_was_released(path: str) -> None:
    assert objections(json.loads(b64decode(DOCUMENT["statements"][path]["payload"]))) == []


def test_the_schema_refuses_a_predicate_with_a_member_more_or_less() -> None:
    statement = json.loads(b64decode(next(iter(DOCUMENT["statements"].values()))["payload"]))
    less = {name: value for name, value in statement["predicate"].items() if name != "promotion"}

    assert objections({**statement, "predicate": statement["predicate"] | {"more": 1}})
    assert objections({**statement, "predicate": less})


@pytest.mark.parametrize("number", range(len(DOCUMENT["log"])))
def test_the_product_finds_released_entries_below_their_heads(product: PurposeKeys, number: int) -> None:
    proof = DOCUMENT["log"][number]
    envelope = read_envelope(proof["head"])
    head = read_tree_head(envelope)
    hashes = [b64decode(text) for text in proof["hashes"]]

    assert product.objection(Purpose.LOG, envelope, head.at) == ""
    assert includes(b64decode(proof["entry"]), proof["index"], proof["size"], head.root, hashes)


def test_every_byte_of_a_small_proof_counts() -> None:
    content = canonical(DOCUMENT["log"][0])
    assert verdict(content, KEYS) == ""
    for at in range(len(content)):
        for bit in range(amount(1, 8)):
            changed = bytes([content[at] ^ (1 << (at + bit) % 8)])
            assert verdict(content[:at] + changed + content[at + 1 :], KEYS), f"byte {at} was {content[at : at + 1]!r}"


def test_the_verifier_proves_an_archive_that_was_released_and_the_bytes_that_it_is_about() -> None:
    outcome = run(ARCHIVE, "--keys", ARCHIVE_KEYS, "--bundle", VECTORS / "v2" / "bundle")

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "approved by data-scientist: ada (1), at 2026-01-01T00:00:10+00:00" in outcome.stdout
    assert "approved by product-owner: grace (2), at 2026-01-01T00:00:20+00:00" in outcome.stdout


@pytest.mark.long
def test_every_byte_of_an_archive_that_was_released_counts() -> None:
    content, keys = ARCHIVE.read_bytes(), signed.read_keys(ARCHIVE_KEYS.read_bytes())
    assert verdict(content, keys) == ""
    places = range(len(content))
    for at in random.Random(9).sample(places, amount(300, len(places))):
        changed = bytes([content[at] ^ (1 << at % 8)])
        assert verdict(content[:at] + changed + content[at + 1 :], keys), f"byte {at} was {content[at : at + 1]!r}"


def test_the_proof_of_an_entry_is_accepted_alone(tmp_path: Path) -> None:
    entry: Any = DOCUMENT["log"][0]
    (tmp_path / "entry.json").write_bytes(canonical(entry))

    outcome = run(tmp_path / "entry.json", "--keys", VECTORS / "trusted-keys.json")

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "receipt issued" in outcome.stdout


def test_what_proves_an_entry_is_short_and_needs_only_cryptography() -> None:
    package = FOLDER / "signalbox_verify"
    lines = sum(len((package / name).read_text().splitlines()) for name in ("signed.py", "command.py"))
    modules = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for file in package.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    assert lines < 200
    assert modules - set(sys.stdlib_module_names) == {"cryptography", "signalbox_verify"}
    assert all(len(file.read_text().splitlines()) < 200 for file in package.glob("*.py"))


def test_the_installed_command_is_the_same() -> None:
    command = Path(sys.executable).with_name("signalbox-verify")
    if not command.exists():
        pytest.skip("the verifier's package is not installed here: run `make setup`")
    arguments = [command, VECTORS / "promotion-proof.json", "--keys", VECTORS / "trusted-keys.json"]

    assert subprocess.run(arguments, capture_output=True, check=False, cwd=VECTORS.anchor).returncode == 0
