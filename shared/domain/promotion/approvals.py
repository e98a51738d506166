"""Whether the people who must approve have done so: a pure judgement over records. Silence is a no.

Every approval names the evidence it was given for; changed evidence voids it. One person counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.newer import NEWER
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
    where it is empty. *fresh_sign_in_s*: who decides has proved who they are within these seconds; 0 asks for no proof.
    """

    roles: tuple[Role, ...] = ()
    witness: tuple[Role, ...] = ()
    remind_after_s: int = 86400
    escalate_after_s: int = 3 * 86400
    expire_after_s: int = 7 * 86400
    escalate_to: tuple[str, ...] = ()
    delegates: dict[str, Role] = field(default_factory=dict)
    fresh_sign_in_s: int = field(default=0, metadata=NEWER)

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
    *authenticated_at* is when they proved to the directory who they are; None where their token does not say.
    """

    oid: str
    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tenant: str = ""
    upn: str = ""
    mails: tuple[str, ...] = ()
    authenticated_at: datetime | None = None

    def fills(self, role: Role) -> bool:
        """A name never fills a role: people can be called what they like."""
        return (
            (bool(role.app_role) and role.app_role in self.roles)
            or (bool(role.group) and role.group in self.groups)
            or self.oid in role.people
            or (bool(self.upn) and self.upn.casefold() in {person.casefold() for person in role.people})
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
    approvals: Sequence[Approval],
    evidence: str,
    askers: Askers,
    requested_at: datetime,
    now: datetime,
) -> Judgement:
    """Where the approvals stand. Those for other evidence, by one of the *askers* or too late do not count."""
    deadline = requested_at + timedelta(seconds=policy.expire_after_s)
    counting = [approval for approval in approvals if not approval.withdrawn and approval.evidence == evidence]
    counting = [approval for approval in counting if not askers.include(approval, approval.name)]
    counting = [approval for approval in counting if approval.at < deadline]
    rejections = [approval for approval in counting if not approval.approved]
    if rejections:
        reasons = tuple(
            f"{rejection.name} ({rejection.role}) rejected it: {rejection.reason}" for rejection in rejections
        )
        return Judgement(standing=ApprovalStanding.REJECTED, unmet=reasons, approvals=tuple(rejections))
    roles = policy.asked(askers)
    # The door refuses a second decision of one person (`refuse_approval`). Two at the same moment may both pass it, so
    # that it is judged here again.
    counted_approvals = _one_person_each(roles, counting)
    missing_roles = [role for role in roles if role.name not in {approval.role for approval in counted_approvals}]
    if not missing_roles:
        return Judgement(standing=ApprovalStanding.APPROVED, approvals=counted_approvals)
    reasons = tuple(_unmet(policy, role, approvals, evidence, askers) for role in missing_roles)
    return Judgement(
        standing=ApprovalStanding.EXPIRED if now >= deadline else ApprovalStanding.WAITING,
        unmet=reasons,
        approvals=counted_approvals,
    )


def refuse_approval(
    policy: ApprovalPolicy,
    role: str,
    person: Person,
    askers: Askers,
    shown_evidence: str,
    evidence: str,
    approvals: Sequence[Approval],
) -> str:
    """Why *person* may not decide as *role* on *shown_evidence*; empty where they may."""
    roles = policy.asked(askers)
    role_rule = next((candidate for candidate in roles if candidate.name == role), None)
    if role_rule is None:
        role_names = ", ".join(candidate.name for candidate in roles) or "nobody"
        return f"role {role!r} is not asked here; the policy asks {role_names}"
    remedy = who_can(role_rule, policy)
    if not any(person.fills(speaker_role) for speaker_role in policy.speakers(role_rule)):
        return f"{person.name} does not hold role {role!r}; {remedy}"
    if askers.include(person, person.name):
        return f"{person.name} asked for this promotion and cannot approve it; {remedy}"
    if shown_evidence != evidence:
        remedy = "look at it and approve that"
        return f"the approval is for evidence {shown_evidence}, and the evidence now is {evidence}; {remedy}"
    other_decisions = (approval for approval in approvals if approval.role != role and not approval.withdrawn)
    earlier = next((approval for approval in other_decisions if same_person(approval, person)), None)
    if earlier is not None:
        return f"{person.name} has already decided as {earlier.role}; another person must decide as {role}"
    return ""


def refuse_old_sign_in(policy: ApprovalPolicy, person: Person, at: datetime) -> str:
    """Why *person* has to sign in again before they decide *at*; empty where their sign-in is fresh enough.

    A token that does not say when they signed in proves nothing fresh, whenever it was issued.
    """
    longest = timedelta(seconds=policy.fresh_sign_in_s)
    authenticated_at = person.authenticated_at
    if not longest or (authenticated_at is not None and at - authenticated_at <= longest):
        return ""
    since = f"signed in at {authenticated_at.isoformat()}" if authenticated_at else "has a token that does not say when"
    return (
        f"this decision asks for a sign-in of the last {policy.fresh_sign_in_s} seconds, and {person.name} {since}; "
        "sign in again, and decide then"
    )


def who_can(role: Role, policy: ApprovalPolicy | None = None) -> str:
    """Who can meet a condition on *role*, in words; of a witness it is the *policy* that says who."""
    if policy is not None and role.name == WITNESS:
        return unverified_reason(policy)
    holders = [f"app role {role.app_role}" if role.app_role else "", f"group {role.group}" if role.group else ""]
    holders += [", ".join(role.people)]
    return f"it can be met by {' or '.join(holder for holder in holders if holder)}"


def unverified_reason(policy: ApprovalPolicy) -> str:
    """Why a witness is asked for, and who may be one."""
    speakers = ", ".join(role.name for role in policy.speakers(Role(name=WITNESS)))
    return f"nobody is verified to have asked, so one more person must approve as {WITNESS}, who holds {speakers}"


def _one_person_each(roles: Sequence[Role], alive: Sequence[Approval]) -> tuple[Approval, ...]:
    """The first approval of each role by a person who has not counted before."""
    counted_approvals: list[Approval] = []
    for role in roles:
        candidates = [approval for approval in alive if approval.role == role.name]
        candidates = [
            approval
            for approval in candidates
            if not any(same_person(approval, before) for before in counted_approvals)
        ]
        first = min(candidates, key=lambda approval: approval.at, default=None)
        if first is not None:
            counted_approvals.append(first)
    return tuple(counted_approvals)


def _unmet(policy: ApprovalPolicy, role: Role, approvals: Sequence[Approval], evidence: str, askers: Askers) -> str:
    void_approval = next(
        (approval for approval in approvals if approval.role == role.name and not approval.withdrawn), None
    )
    reason = "nobody has approved"
    if void_approval is not None and void_approval.evidence != evidence:
        reason = f"{void_approval.name} approved other evidence ({void_approval.evidence}), which is void"
    elif void_approval is not None and askers.include(void_approval, void_approval.name):
        reason = f"{void_approval.name} asked for the promotion, so their approval does not count"
    elif void_approval is not None:
        reason = f"{void_approval.name} already counts for another role"
    return f"{role.name}: {reason}; {who_can(role, policy)}"
