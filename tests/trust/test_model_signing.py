"""The model's signature in the form of sigstore's model-signing: a golden vector, and the library where it is at hand.

The library weighs 95 MB with 38 packages around it, so `make proof-model-signing` gives it an environment of its own.
"""

import hashlib
import json
import os
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from signalbox.cli.errors import Unusable
from signalbox.cli.main import main
from signalbox.cli.model_signatures import model_signature
from tests.statements import objections
from tests.trust.verifier import bundles, canonical, run, signed, verdict

VECTORS = Path(__file__).parent / "vectors" / "v2"
PROOF = json.loads((VECTORS / "promotion-proof.json").read_bytes())
KEY_SET = json.loads((VECTORS / "trusted-keys.json").read_text())
BUNDLE = json.loads((VECTORS / "model.sig").read_text())
VERIFIER = os.environ.get("SIGNALBOX_MODEL_SIGNING", "")


def test_the_signature_is_made_of_the_proof_to_the_letter() -> None:
    signature = model_signature(PROOF, KEY_SET)

    assert json.loads(signature.bundle) == BUNDLE
    assert signature.public_key == (VECTORS / "deciding-1.pem").read_text()


def test_the_signature_is_what_a_verifier_of_sigstore_bundles_reads() -> None:
    pem = (VECTORS / "deciding-1.pem").read_bytes()
    key, envelope = load_pem_public_key(pem), BUNDLE["dsseEnvelope"]
    assert isinstance(key, EllipticCurvePublicKey)
    payload = b64decode(envelope["payload"])
    content = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    key.verify(b64decode(envelope["signatures"][0]["sig"]), content, ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(b64decode(envelope["signatures"][0]["sig"]), content + b".", ECDSA(SHA256()))

    assert BUNDLE["verificationMaterial"]["publicKey"]["hint"] == hashlib.sha256(pem).hexdigest()
    resources = {each["name"]: each["digest"] for each in json.loads(payload)["predicate"]["resources"]}
    files = {path.relative_to(VECTORS / "bundle").as_posix(): path for path in (VECTORS / "bundle").rglob("*")}
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if path.is_file()}
    assert resources == digests


def test_a_key_that_is_not_trusted_gives_no_signature() -> None:
    with pytest.raises(Unusable, match="is not a key on P-256 of the trusted keys"):
        model_signature(PROOF, {"keys": [key for key in KEY_SET["keys"] if key["kid"] != "deciding-1"]})
    with pytest.raises(Unusable, match="no signature of the model for elsewhere; it has central, preprod"):
        model_signature(PROOF, KEY_SET, "elsewhere")


def test_the_command_asks_for_the_keys_that_its_reader_trusts(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(main, ["prove", "p", "--to", str(tmp_path / "p"), "--model-sig", str(tmp_path / "m")])

    assert outcome.exit_code != 0
    assert "--model-sig and --keys go together" in str(outcome.exception) + outcome.output


def test_the_verifier_proves_the_second_form_and_its_provenance() -> None:
    arguments = ("--keys", VECTORS / "trusted-keys.json", "--bundle", VECTORS / "bundle")
    for name in ("promotion-proof.json", "provenance.json"):
        outcome = run(VECTORS / name, *arguments)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("path", sorted(PROOF["statements"]))
def test_the_schema_takes_what_was_released(path: str) -> None:
    assert objections(json.loads(b64decode(PROOF["statements"][path]["payload"]))) == []


def test_a_signature_of_other_files_than_the_provenance_has_proves_nothing() -> None:
    """The keys of the vector are gone, so the predicate is looked at before its signature is."""
    path = next(path for path in PROOF["statements"] if path.endswith("model-signature.dsse.json"))
    statement = json.loads(b64decode(PROOF["statements"][path]["payload"]))
    statement["predicate"]["resources"].pop()

    with pytest.raises(signed.NotProven, match="about other files than it lists"):
        bundles.verify_model_signature(statement, path)
    statements = {name: value for name, value in PROOF["statements"].items() if name != path}
    keys = signed.read_keys((VECTORS / "trusted-keys.json").read_bytes())
    assert "its one model signature" in verdict(canonical({**PROOF, "statements": statements}), keys)


def verified(folder: Path) -> subprocess.CompletedProcess[str]:
    arguments: list[Any] = ["--signature", VECTORS / "model.sig", "--public_key", VECTORS / "deciding-1.pem", folder]
    command = [VERIFIER, "verify", "key", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.skipif(not VERIFIER, reason="SIGNALBOX_MODEL_SIGNING names no model_signing: make proof-model-signing")
def test_the_library_accepts_the_bundle_and_finds_every_change(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(VECTORS / "bundle", folder)
    assert verified(folder).returncode == 0, verified(folder).stderr

    (folder / "extras" / "more.py").write_text("import os")
    assert verified(folder).returncode != 0
    (folder / "extras" / "more.py").unlink()
    (folder / "model" / "model.bin").write_bytes(b"other weights")
    assert verified(folder).returncode != 0
    (folder / "model" / "model.bin").unlink()
    assert verified(folder).returncode != 0
