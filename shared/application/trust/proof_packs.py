"""The proof of one promotion as an archive that explains itself: pages to read, and all that a verifier needs.

The same statements, log and keys always make the same bytes. The deciding key signs which files the archive has, so
that a page is believed no less than a statement.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from shared.application.trust.proofs import PromotionProof
from shared.codec import encode
from shared.domain.failures import Refused
from shared.domain.promotion.models import ModelVersion
from shared.domain.trust.envelopes import canonical_json
from shared.domain.trust.keys import TrustedKey
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths
from shared.records.predicates import PackedFile, ProofPackPredicate
from shared.records.statements import Statements

MANIFEST = "manifest.dsse.json"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # The earliest time that an archive can name.
_README = """How to verify this archive

It is the proof of one promotion of a model. You need neither Signalbox nor access to it:

    pip install signalbox-verify
    signalbox-verify ARCHIVE.zip --keys trusted-keys.json --bundle FOLDER

trusted-keys.json is the JSON Web Key Set of the team that runs Signalbox. Take it from where you trust it, such as the
team's repository. keys.json in this archive is the set as the app had it, to be compared: a forger of an archive
has forged that file too. FOLDER has model/ and extras/, the files of the version; without it they are not compared.

pages/       what the approvers looked at, to be opened in a browser
evidence/    the same as data; the digest of each file is what the approvers decided on
statements/  everything that is signed about the promotion: DSSE envelopes with in-toto statements
log/         proofs that decisions and receipts are entries of the audit log (RFC 6962)
manifest.dsse.json  the digest of every file here, signed with the deciding key
"""


def proof_pack(
    statements: Statements, proof: PromotionProof, model: ModelVersion, pages: Mapping[str, bytes], now: datetime
) -> bytes:
    """The archive of *proof*; *pages* are files to read, by their names. Raises Refused where it cannot be signed.

    Safe to repeat: the statement of an archive that was handed out before is handed out again.
    """
    files = {**_files(proof, statements.signing.keys()), **pages}
    rows = tuple(PackedFile(name=name, sha256=_sha256(content)) for name, content in sorted(files.items()))
    digest = _sha256(canonical_json([[file.name, file.sha256] for file in rows]))
    path = paths.proof_pack(proof.promotion, digest)
    predicate = ProofPackPredicate(promotion=proof.promotion, model=str(model), files=rows)
    subjects = {proof.promotion: digest}
    statement = Statement(kind=PredicateKind.PROOF_PACK, subjects=subjects, at=now, predicate=encode(predicate))
    statements.create(path, statement)
    stored = statements.find_envelope(path)
    if stored is None:
        raise Refused(f"{path} was removed while it was read; ask again")
    statements.predicate(stored, PredicateKind.PROOF_PACK)
    return zipped({**files, MANIFEST: canonical_json(encode(stored.record))})


def zipped(files: Mapping[str, bytes]) -> bytes:
    """*files* in an archive that depends on nothing else: no time, no machine, no compression."""
    buffer = io.BytesIO()
    # Stored, not deflated: the bytes that zlib makes differ between its versions, and the same proof must make the same
    # archive.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            # `zipfile` writes the system it runs on into each entry (0 on Windows, 3 elsewhere).
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _files(proof: PromotionProof, keys: tuple[TrustedKey, ...]) -> dict[str, bytes]:
    files = {
        "README.txt": _README.encode(),
        "keys.json": canonical_json({"keys": [_public(key) for key in sorted(keys, key=lambda key: key.keyid)]}),
        "proof.json": canonical_json({"format": proof.format, "promotion": proof.promotion}),
    }
    for path, envelope in proof.statements.items():
        files[f"statements/{quote(path)}"] = canonical_json(encode(envelope))
    for number, entry in enumerate(proof.log):
        files[f"log/{number:06d}.json"] = canonical_json(encode(entry))
    return files


def _public(key: TrustedKey) -> dict[str, Any]:
    """*key* as the set of trusted keys has it."""
    limits = {"not_before": key.not_before, "not_after": key.not_after}
    entry: dict[str, Any] = {"kid": key.keyid, **key.jwk, "signalbox_purpose": key.purpose.value}
    entry |= {name: moment.isoformat() for name, moment in limits.items() if moment is not None}
    if key.revoked:
        entry |= {"revoked": True, "revoked_at": key.revoked_at, "revoked_because": key.revoked_because}
    return entry


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
