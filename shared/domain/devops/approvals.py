"""Decisions of Azure DevOps as decisions on a promotion's stage: who, in which role, and for which evidence.

Azure DevOps has verified that the person who decided is the step's approver, or a member of its group. That alone
gives the role.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.domain.devops.seen import ApprovalStep
from shared.domain.promotion.approvals import ApprovalPolicy, Person, Role

_DIGEST = re.compile(r"sha256:[0-9a-f]{12,64}")
DECIDED = ("approved", "rejected")


def role_of(step: ApprovalStep, approvers: Mapping[str, str]) -> str:
    """The role that the configuration gives the step's approver; empty if it gives none."""
    return next((role for role, name in approvers.items() if name.lower() == step.approver.lower()), "")


def in_role(person: Person, policy: ApprovalPolicy, name: str) -> Person:
    """*person* as a holder of the role *name*, as Azure DevOps has found them to be."""
    role: Role | None = next((role for role in policy.roles if role.name == name), None)
    if role is None:
        return person
    roles = (*person.roles, role.app_role) if role.app_role else person.roles
    groups = (*person.groups, role.group) if role.group else person.groups
    return replace(person, roles=roles, groups=groups)


def evidence_of(step: ApprovalStep, digest: str, requested_at: datetime) -> str:
    """The evidence that the step was decided on: the one that its comment names, or else the one shown before it.

    Empty where it was decided before there was anything to be shown.
    """
    digest_match = _DIGEST.search(step.comment)
    if digest_match:
        return digest if digest.startswith(digest_match[0]) else digest_match[0]
    # Nobody types a digest into every approval. Without one, the time decides: before the evidence was shown the person
    # cannot have looked at it, and that approval counts for nothing.
    return digest if step.at is not None and step.at >= requested_at else ""
