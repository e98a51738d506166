"""The proof of a promotion over HTTP: every signed statement, as one document or as an archive that explains itself."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass

from shared.application.promotion.stored_plans import unverified_opening
from shared.application.trust.proof_packs import proof_pack
from shared.application.trust.proofs import PromotionProof, promotion_proof
from shared.clients import Clients
from shared.domain.promotion.audit import canonical_digest
from shared.domain.promotion.plans import Plan
from shared.domain.trust.envelopes import Envelope, canonical_json
from shared.domain.trust.statements import PredicateKind
from shared.domain.trust.tree_heads import EntryProof
from shared.records.statements import kind_of
from shared.records.store import read_json
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofShown:
    """*statements* are the signed envelopes by their paths, *log* proofs of entries of the audit log."""

    format: str
    promotion: str
    statements: dict[str, Envelope]
    log: tuple[EntryProof, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofPackShown:
    """*zip* is the archive, base64; *sha256* is its digest."""

    promotion: str
    sha256: str
    zip: str


def prove_promotion(request: ApiRequest, promotion: str) -> ProofShown:
    """Every signed statement that a promotion rests on, with proofs of the audit log, for `signalbox-verify`."""
    proof = _proof(request.clients, promotion, _plan(request.clients, promotion))
    return ProofShown(format=proof.format, promotion=proof.promotion, statements=proof.statements, log=proof.log)


def pack_proof(request: ApiRequest, promotion: str) -> ProofPackShown:
    """The proof of a promotion as a zip archive: pages to read, statements, proofs, keys, and how to verify them."""
    clients, plan = request.clients, _plan(request.clients, promotion)
    proof = _proof(clients, promotion, plan)
    content = proof_pack(clients.statements, proof, plan.model, _pages(proof), clients.clock.now())
    digest, archive = hashlib.sha256(content).hexdigest(), b64encode(content).decode()
    return ProofPackShown(promotion=promotion, sha256=digest, zip=archive)


def _plan(clients: Clients, promotion: str) -> Plan:
    opening = unverified_opening(clients.ledger, promotion)
    if opening is None or opening.plan is None:
        raise Problem(404, "no such promotion", f"promotion {promotion!r} is not known, or has no plan")
    return opening.plan


def _proof(clients: Clients, promotion: str, plan: Plan) -> PromotionProof:
    return promotion_proof(clients.statements, clients.ledger, clients.audit, promotion, plan)


def _pages(proof: PromotionProof) -> dict[str, bytes]:
    """What the approvers were shown, drawn again from what the measuring key has signed, and the same as data."""
    from shared.evidence_page import page  # It needs a library for plots, which nothing else of the API does.

    files = dict[str, bytes]()
    for envelope in proof.statements.values():
        if kind_of(envelope) is PredicateKind.EVIDENCE_PACK:
            pack = read_json(envelope.content)["predicate"]["pack"]
            name = f"{pack['stage']}-{pack['phase']}"
            files[f"pages/{name}.html"] = page(pack, canonical_digest(pack)).encode()
            files[f"evidence/{name}.json"] = canonical_json(pack)
    return files
