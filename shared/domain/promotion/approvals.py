"""Whether the people who must approve have done so: a pure judgement over records. Silence is a no.

Every approval names the evidence it was given for; changed evidence voids it. One person counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.promotion.people import Askers, same_person

WITNESS = "witness"  # As whom one more person approves, where nobody is verified to have asked.


class ApprovalStanding(StrEnum):
    APPROVED = "approved"
    WAITING = "waiting"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Who may speak for a role: holders of an app role, members of a group (object id), or named persons."""

    name: str
    app_role: str = ""
    group: str = ""
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """*roles* must all approve; times are seconds; *delegates* are the roles that may speak for a role.

    *witness* are the roles of which one more person must approve where nobody is verified to have asked; all *roles*
    where it is empty.
    """

    roles: tuple[Role, ...] = ()
    witness: tuple[Role, ...] = ()
    remind_after_s: int = 86400
    escalate_after_s: int = 3 * 86400
    expire_after_s: int = 7 * 86400
    escalate_to: tuple[str, ...] = ()
    delegates: dict[str, Role] = field(default_factory=dict)

    def asked(self, askers: Askers) -> tuple[Role, ...]:
        """The roles that must approve what *askers* asked for."""
        return (*self.roles, Role(name=WITNESS)) if self.roles and askers.unverified else self.roles

    def speakers(self, role: Role) -> tuple[Role, ...]:
        """The roles whose holders may approve as *role*."""
        if role.name == WITNESS:
            return self.witness or self.roles
        delegate = self.delegates.get(role.name)
        return (role, delegate) if delegate else (role,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A verified identity: *oid* and *tenant* are the directory's ids, *name* is what people call them.

    *upn* is the user principal name; *mails* are it and every other address, as `people.mail_names` gives them.
    """

    oid: str
    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tenant: str = ""
    upn: str = ""
    mails: tuple[str, ...] = ()

    def fills(self, role: Role) -> bool:
        """A name never fills a role: people can be called what they like."""
        return (
            (bool(role.app_role) and role.app_role in self.roles)
            or (bool(role.group) and role.group in self.groups)
            or self.oid in role.people
            or (bool(self.upn) and self.upn.casefold() in {each.casefold() for each in role.people})
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's decision in one role; *evidence* is the digest of what they were shown.

    *used*: a receipt may rest on it, so that it is too late to withdraw it.
    """

    role: str
    oid: str
    name: str
    approved: bool
    reason: str
    evidence: str
    at: datetime
    withdrawn: bool = False
    used: bool = False
    tenant: str = ""
    mails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """*unmet*: one sentence for each condition that is not met, with who can meet it."""

    standing: ApprovalStanding
    unmet: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()


def judge_approvals(
    policy: ApprovalPolicy,
    given: Sequence[Approval],
    evidence: str,
    askers: Askers,
    asked: datetime,
    now: datetime,
) -> Judgement:
    """Where the approvals stand. Those for other evidence, by one of the *askers* or too late do not count."""
    deadline = asked + timedelta(seconds=policy.expire_after_s)
    alive = [each for each in given if not each.withdrawn and each.evidence == evidence]
    alive = [each for each in alive if not askers.include(each, each.name)]
    alive = [each for each in alive if each.at < deadline]
    rejections = [each for each in alive if not each.approved]
    if rejections:
        said = tuple(f"{each.name} ({each.role}) rejected it: {each.reason}" for each in rejections)
        return Judgement(standing=ApprovalStanding.REJECTED, unmet=said, approvals=tuple(rejections))
    roles = policy.asked(askers)
    counted = _one_person_each(roles, alive)
    missing = [role for role in roles if role.name not in {each.role for each in counted}]
    if not missing:
        return Judgement(standing=ApprovalStanding.APPROVED, approvals=counted)
    said = tuple(_unmet(policy, role, given, evidence, askers) for role in missing)
    return Judgement(
        standing=ApprovalStanding.EXPIRED if now >= deadline else ApprovalStanding.WAITING,
        unmet=said,
        approvals=counted,
    )


def refuse_approval(
    policy: ApprovalPolicy,
    role: str,
    person: Person,
    askers: Askers,
    shown: str,
    evidence: str,
    given: Sequence[Approval],
) -> str:
    """Why *person* may not decide as *role* on evidence *shown*; empty where they may."""
    roles = policy.asked(askers)
    wanted = next((each for each in roles if each.name == role), None)
    if wanted is None:
        asked = ", ".join(each.name for each in roles) or "nobody"
        return f"role {role!r} is not asked here; the policy asks {asked}"
    remedy = who_can(wanted, policy)
    if not any(person.fills(each) for each in policy.speakers(wanted)):
        return f"{person.name} does not hold role {role!r}; {remedy}"
    if askers.include(person, person.name):
        return f"{person.name} asked for this promotion and cannot approve it; {remedy}"
    if shown != evidence:
        return f"the approval is for evidence {shown}, and the evidence now is {evidence}; look at it and approve that"
    decided = (each for each in given if each.role != role and not each.withdrawn)
    other = next((each for each in decided if same_person(each, person)), None)
    if other is not None:
        return f"{person.name} has already decided as {other.role}; another person must decide as {role}"
    return ""


def who_can(role: Role, policy: ApprovalPolicy | None = None) -> str:
    """Who can meet a condition on *role*, in words; of a witness it is the *policy* that says who."""
    if policy is not None and role.name == WITNESS:
        return unverified_reason(policy)
    ways = [f"app role {role.app_role}" if role.app_role else "", f"group {role.group}" if role.group else ""]
    ways += [", ".join(role.people)]
    return f"it can be met by {' or '.join(way for way in ways if way)}"


def unverified_reason(policy: ApprovalPolicy) -> str:
    """Why a witness is asked for, and who may be one."""
    speakers = ", ".join(role.name for role in policy.speakers(Role(name=WITNESS)))
    return f"nobody is verified to have asked, so one more person must approve as {WITNESS}, who holds {speakers}"


def _one_person_each(roles: Sequence[Role], alive: Sequence[Approval]) -> tuple[Approval, ...]:
    """The first approval of each role by a person who has not counted before."""
    counted: list[Approval] = []
    for role in roles:
        mine = [each for each in alive if each.role == role.name]
        mine = [each for each in mine if not any(same_person(each, before) for before in counted)]
        first = min(mine, key=lambda each: each.at, default=None)
        if first is not None:
            counted.append(first)
    return tuple(counted)


def _unmet(policy: ApprovalPolicy, role: Role, given: Sequence[Approval], evidence: str, askers: Askers) -> str:
    void = next((each for each in given if each.role == role.name and not each.withdrawn), None)
    why = "nobody has approved"
    if void is not None and void.evidence != evidence:
        why = f"{void.name} approved other evidence ({void.evidence}), which is void"
    elif void is not None and askers.include(void, void.name):
        why = f"{void.name} asked for the promotion, so their approval does not count"
    elif void is not None:
        why = f"{void.name} already counts for another role"
    return f"{role.name}: {why}; {who_can(role, policy)}"
