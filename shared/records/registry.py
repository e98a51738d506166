"""What the deciding key says of the entries of the central registry: which there must be, with which bytes and state.

The registry's own tags are for people: a writer of the registry may write any tag.
"""

from collections.abc import Iterator

from shared.codec import UndecodableError, decode, encode
from shared.domain.promotion.models import ModelVersion
from shared.domain.trust.statements import PredicateKind, Statement
from shared.records import paths
from shared.records.predicates import EntryPredicate, EntryStatement
from shared.records.statements import ForgedError, Statements


def sign_entry(statements: Statements, name: str, entry: EntryStatement) -> None:
    """Say what *entry* is from now on. Safe to repeat: *name* tells one change of it from all others."""
    path = f"{paths.registry_statements(entry.model.name, entry.model.version)}{name}.dsse.json"
    statement = Statement(
        kind=PredicateKind.REGISTRY_STATE,
        subjects={str(entry.model): entry.bundle},
        at=entry.at,
        predicate=encode(EntryPredicate(entry=entry)),
    )
    statements.create(path, statement)


def entry_statement(statements: Statements, entry: ModelVersion, forgeries: list[ForgedError]) -> EntryStatement | None:
    """The newest statement on *entry*, None where there is none; files that nobody signed are added to *forgeries*."""
    newest: EntryStatement | None = None
    for path in statements.list(paths.registry_statements(entry.name, entry.version)):
        try:
            statement = _read(statements, path)
        except ForgedError as forgery:
            forgeries.append(forgery)
            continue
        if statement is not None and (newest is None or statement.at >= newest.at):
            newest = statement
    return newest


def entries_stated(statements: Statements) -> Iterator[ModelVersion]:
    """Every entry that something is said of, each once."""
    named = set[ModelVersion]()
    for path in statements.list(paths.registry_models()):
        _, name, *rest = path.split("/")
        if len(rest) == 2:  # What lies elsewhere was planted: it is nobody's statement.
            named.add(ModelVersion(name=name, version=rest[0]))
    return iter(sorted(named))


def _read(statements: Statements, path: str) -> EntryStatement | None:
    predicate = statements.read(path, PredicateKind.REGISTRY_STATE)
    if predicate is None:
        return None
    try:
        return decode(EntryStatement, predicate["entry"])
    except (KeyError, UndecodableError) as error:
        raise ForgedError(path, f"it is signed, and says nothing of an entry ({error!r})") from error
