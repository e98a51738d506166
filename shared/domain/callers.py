"""Who calls: a person or a machine whose identity was verified. `shared.domain.permissions` says what they may do."""

from dataclasses import dataclass, fields
from enum import StrEnum

from shared.domain.promotion.approvals import Person


class CallerKind(StrEnum):
    PERSON = "person"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller(Person):
    """A verified identity; *app* is the application that a machine's token was issued to."""

    kind: CallerKind = CallerKind.PERSON
    app: str = ""

    @classmethod
    def of(cls, person: Person) -> "Caller":
        """*person* as a caller; a caller stays what it is."""
        if isinstance(person, cls):
            return person
        return cls(**{each.name: getattr(person, each.name) for each in fields(Person)})


NOBODY = Caller(oid="", name="nobody")
