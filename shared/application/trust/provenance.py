"""The provenance that travels with a bundle: where it comes from, what it passed, who approved it, and all its files.

It is signed when the bundle arrives at a stage. One copy stays among the promotion's statements. Another lies beside
the bundle, where it can be checked without the app; a deployment is not made without it.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from shared import contracts as c
from shared.application.promotion.standing import receipt_of
from shared.codec import UndecodableError, decode, encode
from shared.domain.failures import Refused
from shared.domain.promotion.bundles import (
    ENVIRONMENT,
    EXTRAS,
    MLFLOW_MODEL,
    MODEL,
    Bundle,
    BundleFile,
    bundle_digest,
    difference,
)
from shared.domain.promotion.plans import Phase, Plan
from shared.domain.promotion.receipts import Receipt
from shared.domain.trust.envelopes import Envelope, canonical_json
from shared.domain.trust.statements import PredicateKind, Statement, subject_list
from shared.ports import Ledger
from shared.records import paths
from shared.records.predicates import (
    FileSerialization,
    ModelSignaturePredicate,
    PassedPhase,
    ProvenancePredicate,
    SignedResource,
)
from shared.records.statements import ForgedError, Statements, receipt_objection
from shared.records.store import read_json

_COMMITS = ("azureml.git.commit", "mlflow.source.git.commit")
_RUNS = ("signalbox.training", "job")
_MLFLOW_PACKAGES = ("conda.yaml", "python_env.yaml", "requirements.txt")


def provenance_name(promotion: str) -> str:
    """The name of the file beside the bundle; another promotion of the same bundle has its own."""
    return f"{promotion}.dsse.json"


def signed_provenance(statements: Statements, ledger: Ledger, order: c.MoveOrder, at: datetime) -> bytes:
    """The envelope of the bundle that *order* brings to its stage, as it is to lie beside it. Safe to repeat.

    Raises Refused where a receipt of the way here is not signed, and ForgedError where something else has been signed.
    """
    path, plan = paths.provenance(order.promotion.id, order.stage), order.plan
    predicate = _predicate(statements, ledger, order)
    statement = Statement(kind=PredicateKind.PROVENANCE, subjects=_subjects(plan), at=at, predicate=encode(predicate))
    statements.create(path, statement)
    stored = statements.find_envelope(path)
    if stored is None or (wrong := _objection(statements, stored.record, order)):
        raise ForgedError(path, wrong if stored else "it was removed while it was written")
    return canonical_json(encode(stored.record))


def sign_model(statements: Statements, order: c.MoveOrder, at: datetime) -> None:
    """Sign the files of the bundle that *order* brings to its stage as sigstore's model-signing does. Safe to repeat.

    The promotion's proof takes it out again, for verifiers that know nothing of the app.
    """
    resources = sorted(
        (
            SignedResource(name=f"{file.part}/{file.path}", algorithm="sha256", digest=file.sha256)
            for file in order.plan.contents
        ),
        key=lambda resource: resource.name,
    )
    digests = b"".join(bytes.fromhex(resource.digest) for resource in resources)
    predicate = ModelSignaturePredicate(
        serialization=FileSerialization(),
        resources=tuple(resources),
        promotion=order.promotion.id,
        stage=order.stage,
    )
    statement = Statement(
        kind=PredicateKind.MODEL_SIGNATURE,
        subjects={str(order.plan.model): hashlib.sha256(digests).hexdigest()},
        at=at,
        predicate=encode(predicate),
    )
    statements.create(paths.model_signature(order.promotion.id, order.stage), statement)


def provenance_objection(statements: Statements, content: bytes | None, order: c.MoveOrder) -> str:
    """Why *content*, which lies beside the bundle of *order*, does not say where it comes from; empty where it does."""
    if content is None:
        return "no provenance lies beside it"
    try:
        envelope = decode(Envelope, read_json(content))
    except UndecodableError as error:
        return f"its provenance is not a signed statement ({error})"
    return _objection(statements, envelope, order)


def _objection(statements: Statements, envelope: Envelope, order: c.MoveOrder) -> str:
    plan = order.plan
    try:
        predicate = statements.verified_predicate(
            paths.provenance(order.promotion.id, order.stage), envelope, PredicateKind.PROVENANCE
        )
        provenance = decode(ProvenancePredicate, predicate)
    except ForgedError as forgery:
        return f"its provenance is not believed: {forgery.because}"
    except UndecodableError as error:
        return f"its provenance is signed, and is none ({error})"
    own = (order.promotion.id, order.stage, str(plan.model), plan.digest, order.plan_digest)
    named = tuple(getattr(provenance, name) for name in ("promotion", "stage", "model", "bundle", "plan"))
    if named != own:
        return f"its provenance is of {', '.join(named)}, and this is {', '.join(own)}"
    if changes := difference(Bundle(files=provenance.files), Bundle(files=plan.contents)):
        return f"its provenance lists other files: {'; '.join(changes[:5])}"
    if read_json(envelope.content).get("subject") != subject_list(_subjects(plan)):
        return "its provenance is about other digests than its files have"
    return ""


def _predicate(statements: Statements, ledger: Ledger, order: c.MoveOrder) -> ProvenancePredicate:
    plan, request, lineage = order.plan, order.promotion, order.plan.lineage
    return ProvenancePredicate(
        promotion=request.id,
        stage=order.stage,
        place=order.at.stage.place,
        model=str(plan.model),
        bundle=plan.digest,
        plan=order.plan_digest,
        source=plan.origin.name,
        requested_by=request.requested_by or "the flag on the model",
        reason=request.reason,
        data_version=lineage.get("signalbox.data_version", ""),
        code_commit=_first(lineage, _COMMITS),
        training_run=_first(lineage, _RUNS),
        environment=bundle_digest(_environment(plan)),
        lineage=dict(lineage),
        passed=tuple(_passed(statements, ledger, order)),
        files=tuple(sorted(plan.contents)),
    )


def _subjects(plan: Plan) -> dict[str, str]:
    """The bundle, and each of its files: any reader of in-toto statements can compare them."""
    files = {f"{file.part}/{file.path}": file.sha256 for file in plan.contents}
    return {str(plan.model): plan.digest, **files}


def _environment(plan: Plan) -> Iterator[BundleFile]:
    """The files that say which packages the model needs: an MLflow model brings them in its own folder."""
    for file in plan.contents:
        own = file.part == MODEL and plan.kind == MLFLOW_MODEL and file.path in _MLFLOW_PACKAGES
        if own or (file.part, file.path) == (EXTRAS, ENVIRONMENT):
            yield file


def _passed(statements: Statements, ledger: Ledger, order: c.MoveOrder) -> Iterator[PassedPhase]:
    """The receipts of the stages before, and the one that opens this stage."""
    for receipt in (*_receipts_before(statements, ledger, order), order.receipt):
        if receipt is None or receipt_objection(statements.signing, receipt):
            raise Refused(f"a receipt on the way to {order.stage} is not one that this app has signed")
        yield PassedPhase(
            stage=receipt.stage,
            phase=receipt.phase,
            issued=receipt.issued,
            bundle=receipt.digest,
            evidence=receipt.evidence,
            verdicts=receipt.verdicts,
            approvals=receipt.approvals,
            override=receipt.override,
        )


def _receipts_before(statements: Statements, ledger: Ledger, order: c.MoveOrder) -> Iterator[Receipt]:
    for at in order.plan.stages:
        if at.stage.name == order.stage:
            return
        for phase in Phase:
            receipt = receipt_of(statements, ledger, order.promotion.id, at.stage.name, phase)
            if receipt is None:
                raise Refused(f"the receipt of {at.stage.name} ({phase.value}) is gone; promote anew")
            yield receipt


def _first(lineage: dict[str, str], names: tuple[str, ...]) -> str:
    return next((lineage[name] for name in names if lineage.get(name)), "")
