"""What the deciding key says of the entries of the central registry: which there must be, with which bytes and state.

The registry's own tags are for people: a writer of the registry may write any tag.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from shared.codec import encode
from shared.domain.failures import Refused
from shared.domain.promotion.audit import Entry
from shared.domain.promotion.models import ModelVersion
from shared.domain.promotion.plans import Move
from shared.domain.trust.statements import PredicateKind, Statement
from shared.ports import AuditLog
from shared.records import paths
from shared.records.predicates import EntryPredicate, EntryStatement
from shared.records.promotion import FATES
from shared.records.statements import ForgedError, Statements

# Kinds of entries of the audit log, and the fact by which an entry names what it says of the registry.
BEGUN, UNDO_BEGUN, ENTRY_STATEMENT = "move begun", "undo begun", "entry_statement"
REVOKED = "entry revoked"
_MOVES = frozenset({Move.PUBLISH_ENTRY.value, Move.APPROVE_ENTRY.value, Move.MARK_IN_PRODUCTION.value})


def sign_entry(statements: Statements, name: str, entry: EntryStatement) -> str:
    """Say what *entry* is from now on, and return where that is said: the audit log is to name it.

    Safe to repeat: *name* tells one change of it from all others.
    """
    path = f"{paths.registry_statements(entry.model.name, entry.model.version)}{name}.dsse.json"
    statement = Statement(
        kind=PredicateKind.REGISTRY_STATE,
        subjects={str(entry.model): entry.bundle},
        at=entry.at,
        predicate=encode(EntryPredicate(entry=entry)),
    )
    statements.create(path, statement)
    return path


def entry_statement(
    statements: Statements, history: Sequence[Entry], entry: ModelVersion, forgeries: list[ForgedError]
) -> EntryStatement | None:
    """What *entry* is by the newest statement that its *history* in the audit log names; None where it names none.

    Where that statement was removed, or is not signed, nothing is said of the entry: an older one does not take its
    place. Such a file is added to *forgeries*, and so is every other one that nobody has signed.
    """
    named = [logged.facts[ENTRY_STATEMENT] for logged in history if ENTRY_STATEMENT in logged.facts]
    states = dict(_states(statements, entry, forgeries))
    if not named:
        return None
    if named[-1] not in states and all(forgery.path != named[-1] for forgery in forgeries):
        forgeries.append(ForgedError(named[-1], "it was removed; the audit log has it as the newest on its entry"))
    return states.get(named[-1])


def newest_state(statements: Statements, entry: ModelVersion) -> str:
    """The state of *entry* by the newest statement that is signed of it; empty where nothing is.

    One listing, for every run: a statement that was removed is not missed here, as it is by `entry_statement`.
    """
    # The scrub of the registry reports forgeries. What nobody has signed says nothing.
    newest = max((state for _, state in _states(statements, entry)), key=lambda state: state.at, default=None)
    return "" if newest is None else newest.state


def history_of(audit: AuditLog, entry: ModelVersion, logged_of_model: Iterable[Entry] | None = None) -> list[Entry]:
    """The entries of the audit log on *entry*, the oldest first.

    *logged_of_model* is all that the log has on the model; a caller who asks about several versions reads it once.
    Where the index of models shows the entry in the middle of a move, the log itself is read from there on: a writer
    who removed from the index what came after would keep the scrub quiet.
    """
    of_model = audit.about(entry.name) if logged_of_model is None else logged_of_model
    history = [logged for logged in of_model if logged.subject == str(entry)]
    if bundle_on_the_move(history) is None:
        return history
    since = next(logged for logged in reversed(history) if logged.kind in (BEGUN, UNDO_BEGUN))
    later = [logged for logged in audit.since(datetime.fromisoformat(since.at)) if logged.subject == str(entry)]
    return [
        *history,
        *sorted((logged for logged in later if logged.number > since.number), key=lambda logged: logged.number),
    ]


def bundle_on_the_move(history: Sequence[Entry]) -> str | None:
    """The bundle of a promotion that stands between an effect on the entry and what is said of it, by the entry's
    *history* in the log; None where none does."""
    bundle: str | None = None
    for logged in history:
        if logged.facts.get("move") in _MOVES:
            bundle = logged.facts.get("bundle", "") if logged.kind in (BEGUN, UNDO_BEGUN) else None
        elif logged.kind in FATES:
            bundle = None
    return bundle


def revocation_key(model: ModelVersion) -> str:
    """The key under which the audit log has the revocation of *model*."""
    return f"registry-revocations/{model}"


def is_revoked(statements: Statements, audit: AuditLog, model: ModelVersion) -> bool:
    """Whether a person has revoked *model*, at the cost of a few reads: one removed file alone does not hide it.

    Raises ForgedError for a planted statement.
    """
    path = paths.entry_revocation(model.name, model.version)
    if statements.read(path, PredicateKind.ENTRY_REVOCATION) is not None:
        return True
    return audit.find(revocation_key(model)) is not None


def refuse_revoked(statements: Statements, audit: AuditLog, model: ModelVersion, logged: Iterable[Entry]) -> None:
    """Raise Refused where *model* is revoked, by its statement, its key in the log, or an entry of the log itself.

    *logged* is what the caller has read of the log, by no index that somebody could have edited.
    """
    is_logged = any((entry.kind, entry.subject) == (REVOKED, str(model)) for entry in logged)
    if is_logged or is_revoked(statements, audit, model):
        raise Refused(f"{model} is revoked; see `signalbox history {model}`, and register a new version")


def entries_stated(statements: Statements) -> Iterator[ModelVersion]:
    """Every entry that something is said of, each once."""
    entries = set[ModelVersion]()
    for path in statements.list(paths.registry_models()):
        _, name, *tail = path.split("/")
        if len(tail) == 2:  # What lies elsewhere was planted: it is nobody's statement.
            entries.add(ModelVersion(name=name, version=tail[0]))
    return iter(sorted(entries))


def _states(
    statements: Statements, entry: ModelVersion, forgeries: list[ForgedError] | None = None
) -> Iterator[tuple[str, EntryStatement]]:
    folder = paths.registry_statements(entry.name, entry.version)
    return statements.records(folder, PredicateKind.REGISTRY_STATE, EntryStatement, "entry", forgeries)
