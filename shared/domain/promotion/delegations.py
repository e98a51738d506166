"""Who may hand the question of a role to whom: a pure judgement. A delegation gives nobody a right.

It says whose answer is awaited. The person must be allowed to speak for the role already, by name and by the
configuration, and is judged like everybody else when they decide.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.promotion.approvals import Approval, ApprovalPolicy, Person, Role, refuse_approval
from shared.domain.promotion.people import Askers, PersonId, mail_names, same_person

CanDecide = Callable[[Person], bool]  # Whether the permissions let a person decide there.


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """*by* leaves the question of *role* about *evidence* to *to*, a person as the configuration names them."""

    role: str
    to: str
    by: PersonId
    reason: str
    evidence: str
    at: datetime
    withdrawn: bool = False

    def is_to(self, person: Person) -> bool:
        return is_named(person, self.to)


def is_named(person: Person, name: str) -> bool:
    """Whether the configuration's *name*, an object id or a user principal name, is that of *person*."""
    return person.oid == name or (bool(person.upn) and person.upn.casefold() == name.casefold())


def named_speakers(policy: ApprovalPolicy, role: Role, askers: Askers) -> tuple[str, ...]:
    """The people whom the configuration names for *role*, less those who asked.

    Who holds an app role or is in a group stands in the directory, which is known only of people who have signed in.
    """
    names = (name for speaker_role in policy.speakers(role) for name in speaker_role.people)
    return tuple(name for name in dict.fromkeys(names) if not askers.include(named_person(name), name))


def refuse_delegation(
    policy: ApprovalPolicy,
    delegation: Delegation,
    person: Person,
    askers: Askers,
    evidence: str,
    approvals: Sequence[Approval],
    can_decide: CanDecide,
) -> str:
    """Why *person* may not make the *delegation* of what is asked about *evidence*; empty where they may."""
    role, name = delegation.role, delegation.to
    # Nobody hands on what they may not decide themselves.
    if reason := refuse_approval(policy, role, person, askers, delegation.evidence, evidence, approvals):
        return reason
    if is_named(person, name):
        return f"{person.name} decides as {role} already; a delegation is to another person"
    role_rule = next(candidate for candidate in policy.asked(askers) if candidate.name == role)
    named = named_person(name)
    if askers.include(named, name):
        return f"{name} asked for this promotion and cannot approve it"
    names = named_speakers(policy, role_rule, askers)
    if name.casefold() not in {candidate.casefold() for candidate in names}:
        choice = ", ".join(names) or "nobody"
        return f"the configuration does not name {name} for role {role!r}; it names {choice}"
    counting = [approval for approval in approvals if not approval.withdrawn]
    earlier = next((approval for approval in counting if same_person(approval, named)), None)
    if earlier is not None:
        return f"{name} has already decided as {earlier.role}; another person must decide as {role}"
    if not can_decide(named):
        return f"{name} may not decide there; give a role that names them the permission `decide`"
    return ""


def named_person(name: str) -> Person:
    """The person whom the configuration calls *name*, as far as that is known without their token."""
    return Person(oid=name, name=name, upn=name if "@" in name else "", mails=mail_names(name))
