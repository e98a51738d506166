"""Whether the people who must approve have done so: a pure judgement over records. Silence is a no.

Every approval names the evidence it was given for; changed evidence voids it. One person counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Standing(StrEnum):
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
    """*roles* must all approve; times are seconds; *delegates* are the roles that may speak for a role."""

    roles: tuple[Role, ...] = ()
    remind_after_s: int = 86400
    escalate_after_s: int = 3 * 86400
    expire_after_s: int = 7 * 86400
    escalate_to: tuple[str, ...] = ()
    delegates: dict[str, Role] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A verified identity: *oid* is the directory's id, *name* what people call them."""

    oid: str
    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def fills(self, role: Role) -> bool:
        return (
            (bool(role.app_role) and role.app_role in self.roles)
            or (bool(role.group) and role.group in self.groups)
            or self.oid in role.people
            or self.name in role.people
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """*unmet*: one sentence for each condition that is not met, with who can meet it."""

    standing: Standing
    unmet: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()


def judge_approvals(
    policy: ApprovalPolicy,
    given: Sequence[Approval],
    evidence: str,
    requester: str,
    asked: datetime,
    now: datetime,
) -> Judgement:
    """Where the approvals stand. Those for other evidence, by the *requester* (an oid) or too late do not count."""
    deadline = asked + timedelta(seconds=policy.expire_after_s)
    alive = [each for each in given if not each.withdrawn and each.evidence == evidence and each.oid != requester]
    alive = [each for each in alive if each.at < deadline]
    rejections = [each for each in alive if not each.approved]
    if rejections:
        said = tuple(f"{each.name} ({each.role}) rejected it: {each.reason}" for each in rejections)
        return Judgement(standing=Standing.REJECTED, unmet=said, approvals=tuple(rejections))
    counted = _one_person_each(policy, alive)
    missing = [role for role in policy.roles if role.name not in {each.role for each in counted}]
    if not missing:
        return Judgement(standing=Standing.APPROVED, approvals=counted)
    said = tuple(_unmet(role, given, evidence, requester) for role in missing)
    return Judgement(standing=Standing.EXPIRED if now >= deadline else Standing.WAITING, unmet=said, approvals=counted)


def refuse_approval(
    policy: ApprovalPolicy,
    role: str,
    person: Person,
    requester: str,
    shown: str,
    evidence: str,
    given: Sequence[Approval],
) -> str:
    """Why *person* may not decide as *role* on evidence *shown*; empty where they may."""
    wanted = next((each for each in policy.roles if each.name == role), None)
    if wanted is None:
        asked = ", ".join(each.name for each in policy.roles) or "nobody"
        return f"role {role!r} is not asked here; the policy asks {asked}"
    delegate = policy.delegates.get(role)
    if not person.fills(wanted) and not (delegate and person.fills(delegate)):
        return f"{person.name} does not hold role {role!r}; {who_can(wanted)}"
    if person.oid == requester:
        return f"{person.name} asked for this promotion and cannot approve it; {who_can(wanted)}"
    if shown != evidence:
        return f"the approval is for evidence {shown}, and the evidence now is {evidence}; look at it and approve that"
    other = next((each for each in given if each.oid == person.oid and each.role != role and not each.withdrawn), None)
    if other is not None:
        return f"{person.name} has already decided as {other.role}; another person must decide as {role}"
    return ""


def who_can(role: Role) -> str:
    """Who can meet a condition on *role*, in words."""
    ways = [f"app role {role.app_role}" if role.app_role else "", f"group {role.group}" if role.group else ""]
    ways += [", ".join(role.people)]
    return f"it can be met by {' or '.join(way for way in ways if way)}"


def _one_person_each(policy: ApprovalPolicy, alive: Sequence[Approval]) -> tuple[Approval, ...]:
    """The first approval of each role by a person who has not counted before."""
    counted: list[Approval] = []
    for role in policy.roles:
        people = {each.oid for each in counted}
        mine = (each for each in alive if each.role == role.name and each.oid not in people)
        first = min(mine, key=lambda each: each.at, default=None)
        if first is not None:
            counted.append(first)
    return tuple(counted)


def _unmet(role: Role, given: Sequence[Approval], evidence: str, requester: str) -> str:
    void = next((each for each in given if each.role == role.name and not each.withdrawn), None)
    why = "nobody has approved"
    if void is not None and void.evidence != evidence:
        why = f"{void.name} approved other evidence ({void.evidence}), which is void"
    elif void is not None and void.oid == requester:
        why = f"{void.name} asked for the promotion, so their approval does not count"
    elif void is not None:
        why = f"{void.name} already counts for another role"
    return f"{role.name}: {why}; {who_can(role)}"
