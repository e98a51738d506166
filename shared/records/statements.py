"""Statements as they are signed and kept: one blob each, which is the DSSE envelope.

Only decisions and delegations may be replaced.

A record that must not be forged is kept as the statement alone: there is no unsigned copy that could be believed
instead. The statement names the path that it was made for, so that it counts nowhere else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from shared.codec import UndecodableError, decode
from shared.domain.failures import Refused
from shared.domain.promotion.receipts import Receipt, envelope_of, statement_of
from shared.domain.trust.envelopes import STATEMENT_TYPE, Envelope, MalformedEnvelopeError
from shared.domain.trust.statements import STATEMENT, PredicateKind, Statement
from shared.ports import Signing
from shared.records.store import RecordStore, Stored, read_json

PATH = "path"  # The member of each predicate that says where its statement is kept.
T = TypeVar("T")


class ForgedError(Refused):
    """A record is not what a trusted key has signed; *path* is where it lies."""

    def __init__(self, path: str, because: str) -> None:
        super().__init__(f"{path} is not believed: {because}")
        self.path, self.because = path, because


@dataclass(frozen=True, slots=True)
class Statements:
    """Signs statements, keeps them in the store, and reads back only what is signed."""

    store: RecordStore
    signing: Signing

    def create(self, path: str, statement: Statement) -> bool:
        """Sign and keep *statement* where nothing is; False where something was. Raises Refused as `_signed` does."""
        return self.store.create(path, self._signed(path, statement))

    def replace(self, stored: Stored[Envelope], statement: Statement) -> None:
        """Sign *statement* and write it over *stored*. Raises LostRace, and Refused as `_signed` does."""
        self.store.update(stored, self._signed(stored.blob.path, statement))

    def read(self, path: str, kind: PredicateKind) -> dict[str, Any] | None:
        """The predicate that is kept at *path*, None where nothing is. Raises ForgedError."""
        stored = self.find_envelope(path)
        return None if stored is None else self.predicate(stored, kind)

    def record(self, path: str, kind: PredicateKind, record_type: type[T], member: str = "record") -> T | None:
        """The *member* of the predicate at *path* as a *record_type*, None where nothing is. Raises ForgedError."""
        stored = self.find_envelope(path)
        return None if stored is None else self.record_of(stored, kind, record_type, member)

    def record_of(self, stored: Stored[Envelope], kind: PredicateKind, record_type: type[T], member: str) -> T:
        """As `record`, of what was read already. Raises ForgedError also where what is signed is no such record."""
        predicate = self.predicate(stored, kind)
        try:
            return decode(record_type, predicate[member])
        except (KeyError, UndecodableError) as error:
            raise ForgedError(
                stored.blob.path, f"it is signed, and has no {record_type.__name__} ({error!r})"
            ) from error

    def records(
        self,
        folder: str,
        kind: PredicateKind,
        record_type: type[T],
        member: str = "record",
        forgeries: list[ForgedError] | None = None,
    ) -> Iterator[tuple[str, T]]:
        """As `record`, all that is signed below *folder*, with its path; what nobody signed joins *forgeries*."""
        return signed_records(self.list(folder), lambda path: self.record(path, kind, record_type, member), forgeries)

    def find_envelope(self, path: str) -> Stored[Envelope] | None:
        """The envelope at *path* as it lies there; nothing is checked yet. Raises ForgedError for what is none."""
        try:
            return self.store.get_stored(Envelope, path)
        except UndecodableError as error:
            raise ForgedError(path, f"it is not a signed statement ({error})") from error

    def list(self, folder: str) -> Iterator[str]:
        """The paths of what is kept below *folder*, in their order."""
        return (blob.path for blob in self.store.blobs(folder))

    def predicate(self, stored: Stored[Envelope], kind: PredicateKind) -> dict[str, Any]:
        """What the statement says. Raises ForgedError unless it was signed for this kind and this path."""
        return self.verified_predicate(stored.blob.path, stored.record, kind)

    def verified_predicate(self, path: str, envelope: Envelope, kind: PredicateKind) -> dict[str, Any]:
        """As `predicate`, of an *envelope* that was read elsewhere, and was signed for *path* here."""
        predicate = _opened(path, envelope, kind)
        if predicate.get(PATH) != path:
            raise ForgedError(path, f"it was signed for {predicate.get(PATH)}")
        if because := self.signing.objection(kind.purpose, envelope, _moment(path, predicate)):
            raise ForgedError(path, because)
        return predicate

    def verified_of_any_kind(self, stored: Stored[Envelope]) -> dict[str, Any]:
        """As `predicate`, for a caller that takes every kind. Raises ForgedError."""
        kind = kind_of(stored.record)
        if kind is None:
            raise ForgedError(stored.blob.path, "it is no statement of a kind that is ours")
        return self.predicate(stored, kind)

    def _signed(self, path: str, statement: Statement) -> Envelope:
        """*statement*, bound to *path*. Raises Refused where its purpose has no key, or one that is past its time."""
        purpose, at = statement.kind.purpose, statement.at
        bound = replace(statement, predicate={**statement.predicate, PATH: path})
        envelope = self.signing.sign(purpose, STATEMENT_TYPE, bound.payload())
        if because := self.signing.objection(purpose, envelope, at):
            # A key past its time would leave a create-only statement that nobody believes.
            raise Refused(f"{path} is not signed, since nobody would believe it: {because}; see docs/signing-keys.md")
        return envelope


def signed_records(
    files: Iterable[str], read: Callable[[str], T | None], forgeries: list[ForgedError] | None = None
) -> Iterator[tuple[str, T]]:
    """What *read* finds at each of *files*, with its path; what nobody signed is added to *forgeries*."""
    for path in files:
        try:
            record = read(path)
        except ForgedError as forgery:
            if forgeries is not None:
                forgeries.append(forgery)
            continue
        if record is not None:
            yield path, record


def signed_receipt(signing: Signing, receipt: Receipt) -> Receipt:
    """*receipt* with the signature of the deciding key."""
    envelope = signing.sign(PredicateKind.RECEIPT.purpose, STATEMENT_TYPE, statement_of(receipt).payload())
    (signature,) = envelope.signatures
    return replace(receipt, signature=f"{signature.keyid}:{signature.sig}")


def receipt_objection(signing: Signing, receipt: Receipt) -> str:
    """Why *receipt* is not ours; empty where the deciding key has signed it."""
    return signing.objection(
        PredicateKind.RECEIPT.purpose, envelope_of(receipt), datetime.fromisoformat(receipt.issued)
    )


def kind_of(envelope: Envelope) -> PredicateKind | None:
    """Of which kind *envelope* says that it is; nothing is verified. None where it is of none."""
    kinds = {kind.type_uri: kind for kind in PredicateKind}
    try:
        return kinds.get(read_json(envelope.content)["predicateType"])
    except (MalformedEnvelopeError, UndecodableError, KeyError, TypeError):
        return None


def _opened(path: str, envelope: Envelope, kind: PredicateKind) -> dict[str, Any]:
    try:
        statement = read_json(envelope.content)
    except (MalformedEnvelopeError, UndecodableError) as error:
        raise ForgedError(path, f"it is not a statement ({error!r})") from error
    if not isinstance(statement, dict):
        raise ForgedError(path, "it is not a statement, but a " + type(statement).__name__)
    predicate = statement.get("predicate")
    forms = (envelope.payloadType, statement.get("_type"), statement.get("predicateType"))
    if forms != (STATEMENT_TYPE, STATEMENT, kind.type_uri) or not isinstance(predicate, dict):
        raise ForgedError(path, f"it is a statement of {forms[2]}, not of {kind.type_uri}")
    return predicate


def _moment(path: str, predicate: Mapping[str, Any]) -> datetime:
    try:
        moment = datetime.fromisoformat(predicate["at"])
    except (KeyError, TypeError, ValueError) as error:
        raise ForgedError(path, "it does not say when it was made") from error
    if moment.tzinfo is None:
        raise ForgedError(path, f"its time {moment.isoformat()} has no zone")
    return moment
