"""Say that what a promotion moved was taken back: by the statements on its moves, and by no unsigned record."""

from shared import contracts as c
from shared.clients import Clients
from shared.codec import encode
from shared.domain import identity
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths
from shared.records.predicates import RollBackPredicate
from shared.records.statements import ForgedError, Statements

_UNDONE = ".undone.dsse.json"


def sign_roll_back(clients: Clients, closing: c.PromotionClosing) -> None:
    """Sign which moves were undone, where any was. Safe to repeat: the first ending stands."""
    statements, request = clients.statements, closing.promotion
    undone = _undone(statements, request.id)
    if closing.fate is c.Fate.PROMOTED or not undone:
        return
    digest = next(iter(undone.values()))
    plan = statements.read(paths.plan_statement(request.id, digest), PredicateKind.PLAN)
    predicate = RollBackPredicate(
        promotion=request.id,
        model=str(request.model),
        plan=digest,
        target=request.target,
        fate=closing.fate,
        because=closing.because,
        undone=tuple(undone),
    )
    statement = Statement(
        kind=PredicateKind.ROLL_BACK,
        subjects={str(request.model): plan["bundle"]} if plan else {},
        at=clients.clock.now(),
        predicate=encode(predicate),
    )
    statements.create(paths.roll_back(request.id), statement)


def _undone(statements: Statements, promotion: str) -> dict[str, str]:
    """The digest of the plan by each move that was undone, `STAGE/MOVE`."""
    undone = dict[str, str]()
    for path in statements.list(identity.promotion_key(promotion, "")):
        try:
            stored = statements.find_envelope(path) if path.endswith(_UNDONE) else None
            if stored is None:
                continue
            predicate = statements.verified_of_any_kind(stored)
        except ForgedError:
            continue  # A planted file undoes nothing, and keeps no promotion open.
        if predicate.get("change") == "undone":
            undone[f"{predicate['stage']}/{predicate['move']}"] = str(predicate["plan"])
    return undone
