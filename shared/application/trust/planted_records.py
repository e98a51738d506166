"""What lies among the records of a promotion and was written by nobody who may, and receipts that are gone.

Nothing is judged by such a file. It is looked for all the same, since somebody who plants one has found a way to write
the state container, and people may read it.
"""

from collections.abc import Callable, Iterable, Iterator

from shared.application.promotion.standing import refuse_receipt
from shared.codec import UndecodableError, decode
from shared.domain.promotion.audit import Entry
from shared.domain.promotion.plans import Move
from shared.domain.promotion.receipts import Receipt
from shared.domain.trust.statements import PredicateKind
from shared.records import paths
from shared.records.statements import ForgedError, Statements

_STATEMENT, _RECEIPT, _EVIDENCE, _PACK = ".dsse.json", "/receipt.json", "/evidence.json", "/pack.json"
_EFFECTS, _TRAINED = "/effects/", "/trained.json"
_ISSUED = "receipt issued"  # How the log's entries on receipts begin, also on one over failing gates.
_MOVES = tuple(f"/{move.value}.json" for move in Move)


def planted_records(statements: Statements, promotion: str) -> Iterator[ForgedError]:
    """What is wrong with files of *promotion*; nothing where its plan is not signed, as with an earlier release's.

    A statement of a revoked key is none of it: the key's revocation is told of by itself.
    """
    files = list(statements.list(f"{paths.PROMOTIONS}{promotion}/"))
    if not any(path.startswith(paths.plans(promotion)) for path in files):
        return
    revocations = {key.revocation for key in statements.signing.revoked()}
    for path in files:
        look = _look_at(path)
        if look is not None:
            try:
                look(statements, path)
            except ForgedError as forgery:
                if forgery.because not in revocations:
                    yield forgery


def removed_receipts(statements: Statements, history: Iterable[Entry]) -> Iterator[ForgedError]:
    """The receipts that the audit log has, in the *history* of a version, and the records have not."""
    for entry in history:
        path = f"{entry.key}.json"
        if entry.kind.startswith(_ISSUED) and not statements.store.exists(path):
            yield ForgedError(path, f"it was removed; entry {entry.number} of the audit log has it")


def _look_at(path: str) -> Callable[[Statements, str], object] | None:
    """What raises ForgedError for a forgery at *path*; None for files that say nothing of weight."""
    if path.endswith(_STATEMENT) or "/decisions/" in path:
        return _require_signed
    if path.endswith(_RECEIPT):
        return _require_receipt
    if _EFFECTS in path:
        return _require_statement if path.endswith((_TRAINED, *_MOVES)) else None
    if path.endswith(_EVIDENCE):
        return lambda statements, path: _require_copy(statements, path, PredicateKind.EVIDENCE, "record")
    if path.endswith(_PACK):
        return lambda statements, path: _require_copy(statements, path, PredicateKind.EVIDENCE_PACK, "pack")
    return None


def _require_signed(statements: Statements, path: str) -> None:
    stored = statements.find_envelope(path)
    if stored is not None:
        statements.verified_of_any_kind(stored)


def _require_receipt(statements: Statements, path: str) -> None:
    try:
        receipt = decode(Receipt, statements.store.document(path))
        # promotions/PROMOTION/effects/STAGE/PHASE/receipt.json
        _, promotion, _, stage, *_ = path.split("/")
        because = refuse_receipt(statements, receipt, promotion, stage, receipt.phase)
    except ValueError as error:
        raise ForgedError(path, f"it is no receipt ({error})") from error
    if because:
        raise ForgedError(path, because)


def _require_copy(statements: Statements, path: str, kind: PredicateKind, member: str) -> None:
    """A readable copy says what was signed."""
    predicate = statements.read(paths.statement_of(path), kind)
    if predicate is None:
        raise ForgedError(path, "it is a copy of a statement that is not there")
    try:
        copy = statements.store.document(path)
    except UndecodableError as error:
        raise ForgedError(path, f"it is no copy of what is signed ({error})") from error
    if copy != predicate[member]:
        raise ForgedError(path, f"it is not a copy of what is signed in {paths.statement_of(path)}")


def _require_statement(statements: Statements, path: str) -> None:
    """The ledger says that something was done: the deciding key has to say it too."""
    if path.endswith(_TRAINED) or statements.find_envelope(paths.statement_of(path)) is None:
        raise ForgedError(path, "it says that something was done, and no statement does")
