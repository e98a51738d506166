"""Who people are, for four eyes: told apart by tenant and object id, and by no name that they chose for themselves.

Two identities that share a user principal name or an e-mail address are one person who has two accounts.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol


class Identified(Protocol):
    """A verified identity: an approval's, a caller's, or that of somebody who asked."""

    @property
    def oid(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def mails(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonId:
    """*tenant* and *oid* are the directory's ids; *mails* are as `mail_names` gives them; *name* is for readers."""

    oid: str
    tenant: str = ""
    mails: tuple[str, ...] = ()
    name: str = ""

    @classmethod
    def of(cls, person: Identified, name: str) -> "PersonId":
        return cls(oid=person.oid, tenant=person.tenant, mails=person.mails, name=name)


def mail_names(*claims: object) -> tuple[str, ...]:
    """The principal names and addresses in *claims* (texts, or lists of them), so that equal ones compare equal.

    A guest's principal name `ada_contoso.com#EXT#@fabrikam.onmicrosoft.com` is that of `ada@contoso.com`.
    """
    texts = [text for claim in claims for text in (claim if isinstance(claim, list | tuple) else [claim])]
    return tuple(sorted({_mail(text) for text in texts if isinstance(text, str) and "@" in text}))


def same_person(person: Identified, other_person: Identified) -> bool:
    """Whether both are one person; where a tenant is not known, the object id decides."""
    # Records of earlier releases have no tenant. An unknown tenant counts as the same: it must not make one person two.
    same_tenant = person.tenant == other_person.tenant or not (person.tenant and other_person.tenant)
    return (same_tenant and person.oid == other_person.oid) or bool(set(person.mails) & set(other_person.mails))


@dataclass(frozen=True, slots=True, kw_only=True)
class Askers:
    """Who asked for a promotion, or for what it carries.

    *persons* were verified. *named* are the names that Azure gives the authors of the flagged version: they verify
    nobody, and a person with such a name approves nothing. *nameless*: a machine asked and named no person.
    *automatic*: Signalbox asked by itself.
    """

    persons: tuple[PersonId, ...] = ()
    named: tuple[str, ...] = ()
    nameless: bool = False
    automatic: bool = False

    @property
    def unverified(self) -> bool:
        """Whether somebody may have asked who cannot be kept from approving: then one more person must approve."""
        return self.nameless or not (self.persons or self.automatic)

    def include(self, person: Identified, name: str) -> bool:
        """Whether *person*, who is called *name*, is or may be one of them."""
        names = {text.casefold() for text in self.named}
        return any(same_person(person, asker) for asker in self.persons) or not names.isdisjoint(
            {person.oid.casefold(), name.casefold(), *person.mails}
        )

    def joined(self, more_askers: Iterable["Askers"]) -> "Askers":
        """These and *more_askers*: the people who asked for one part do not replace those who asked for another."""
        askers = self
        for askers_of_part in more_askers:
            askers = replace(
                askers,
                persons=tuple(dict.fromkeys((*askers.persons, *askers_of_part.persons))),
                named=tuple(dict.fromkeys((*askers.named, *askers_of_part.named))),
                nameless=askers.nameless or askers_of_part.nameless,
            )
        return askers


def _mail(text: str) -> str:
    # NFKC and casefold, so that look-alike spellings of one address do not pass for two people.
    address = unicodedata.normalize("NFKC", text).strip().casefold()
    home, is_guest, _ = address.partition("#ext#@")
    local, _, domain = home.rpartition("_")
    return f"{local}@{domain}" if is_guest and local else address
