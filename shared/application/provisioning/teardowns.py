"""The end of a team's step: asked for by one person, confirmed by another in another role, and then waited out."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared import contracts as c
from shared.application.provisioning.standing import stands
from shared.domain.failures import Refused
from shared.domain.provisioning.rules import ProvisioningRules, ProvisioningStep
from shared.durable.starting import Client, start_once
from shared.ports import AuditLog
from shared.records.provisioning import TeamStanding, TeardownAsked, find_standing
from shared.records.provisioning import paths as provisioning_paths
from shared.records.store import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class TeardownVoice:
    """A person who wants the end of a step, in the role in which they speak."""

    name: str
    oid: str
    role: str
    reason: str


def ask_for_teardown(
    store: RecordStore,
    audit: AuditLog,
    rules: ProvisioningRules,
    place: tuple[str, ProvisioningStep],
    voice: TeardownVoice,
    now: datetime,
) -> TeamStanding:
    """The standing with the request, or with its confirmation. Raises Refused.

    Two eyes are not four: the same person, or the same role, does not confirm.
    """
    team, step = place
    if not stands(store, audit, team, step):
        raise Refused(f"{step.value} of {team} does not stand, so there is nothing to tear down")
    later = ProvisioningStep.PRODUCTIONISATION
    if step is ProvisioningStep.EXPERIMENTATION and stands(store, audit, team, later):
        raise Refused(f"{later.value} of {team} stands on it; tear that down first")

    def asked(found: TeamStanding | None) -> TeamStanding | None:
        if found is None or found.working:
            raise Refused(f"an order is at work on {step.value} of {team}; wait for its end")
        return _with_voice(found, voice, rules.retention_s, now)

    path = provisioning_paths.standing(team, step)
    store.change(TeamStanding, path, asked)
    standing = find_standing(store, team, step)
    if standing is None or standing.teardown is None:
        raise Refused(f"the teardown of {step.value} of {team} was taken back at this moment")
    _log(audit, standing, standing.teardown, voice)
    return standing


async def start_teardown(client: Client, rules: ProvisioningRules, standing: TeamStanding) -> None:
    """Start the end that two people want, once: a repeat of either finds it at work."""
    asked = standing.teardown
    if asked is None or not asked.confirmed_by:
        return
    teardown = c.Teardown(
        id=teardown_id(standing),
        rules=rules,
        team=standing.team,
        step=standing.step,
        order=standing.ready,
        after=asked.after,
    )
    await start_once(client, c.TEAR_DOWN, teardown.id, teardown)


def keep_standing(store: RecordStore, audit: AuditLog, team: str, step: ProvisioningStep, who: str) -> TeamStanding:
    """Take a teardown back, which anybody may who may ask for one. Raises Refused where there is none."""
    asked = None

    def kept(found: TeamStanding | None) -> TeamStanding | None:
        nonlocal asked
        asked = None if found is None else found.teardown
        return None if found is None or asked is None else replace(found, teardown=None)

    store.change(TeamStanding, provisioning_paths.standing(team, step), kept)
    standing = find_standing(store, team, step)
    if standing is None or asked is None:
        raise Refused(f"nobody has asked for the end of {step.value} of {team}")
    key = f"provisioning/{team}/{step.value}/kept/{asked.at}"
    audit.append(key, "teardown taken back", team, who, {"step": step.value, "order": standing.ready})
    return standing


def teardown_id(standing: TeamStanding) -> str:
    """Of the teardown that is confirmed: another request for one has another id."""
    assert standing.teardown is not None
    moment = "".join(character for character in standing.teardown.at if character.isdigit())[:17]
    return f"teardown-{standing.team}-{standing.step}-{moment}"


def _with_voice(found: TeamStanding, voice: TeardownVoice, retention_s: int, now: datetime) -> TeamStanding | None:
    moment = now.isoformat(timespec="milliseconds")
    asked = found.teardown
    if asked is None:
        first = TeardownAsked(by=voice.name, oid=voice.oid, role=voice.role, reason=voice.reason, at=moment)
        return replace(found, teardown=first)
    if asked.confirmed_by or (voice.oid, voice.role) == (asked.oid, asked.role):
        return None  # The same word again, whose answer was lost.
    if voice.oid == asked.oid:
        raise Refused(f"{asked.by} has asked for it; another person must confirm")
    if voice.role == asked.role:
        raise Refused(f"it was asked for as {asked.role}; somebody in another role must confirm")
    after = (now + timedelta(seconds=retention_s)).isoformat(timespec="milliseconds")
    return replace(found, teardown=replace(asked, confirmed_by=voice.name, confirmed_role=voice.role, after=after))


def _log(audit: AuditLog, standing: TeamStanding, asked: TeardownAsked, voice: TeardownVoice) -> None:
    """The entry of the one who spoke, and of nobody else: what a record says of others is no word of theirs."""
    key = f"provisioning/{standing.team}/{standing.step}/teardown/{asked.at}"
    facts = {"step": standing.step, "order": standing.ready, "role": voice.role, "reason": voice.reason}
    if (voice.oid, voice.role) == (asked.oid, asked.role):
        audit.append(f"{key}/asked", "teardown asked", standing.team, voice.name, facts)
    elif (voice.name, voice.role) == (asked.confirmed_by, asked.confirmed_role):
        confirmation = {**facts, "after": asked.after}
        audit.append(f"{key}/confirmed", "teardown confirmed", standing.team, voice.name, confirmation)
