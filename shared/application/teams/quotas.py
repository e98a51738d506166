"""How much of its quotas a team has used: one record for runs and one for trainings, changed by one writer at a time.

A run or a training counts once, however often it is asked for. A run that waits for room has a mark, so that the end of
another one can wake it.
"""

from datetime import datetime

from shared import contracts as c
from shared.domain.configuration import Configuration
from shared.domain.retraining.rules import Retraining
from shared.domain.teams.ownership import Belonging, Team
from shared.domain.teams.quotas import (
    RunUsage,
    RunVerdict,
    TrainingUsage,
    TrainingVerdict,
    admit_run,
    admit_training,
    without_run,
    without_training,
)
from shared.durable.starting import Client, wake
from shared.records import team_paths
from shared.records.inference import find_run, members_of
from shared.records.retraining import find_claim
from shared.records.store import RecordStore

_MOST_WOKEN = 3  # More than one, since the first in the list may have ended meanwhile.
_UNCLAIMED_S = 900  # A training that was counted so long ago and has no claim never began: its worker died.


def limited_team(configuration: Configuration, kind: Belonging, name: str) -> Team | None:
    """The team that *name* belongs to, if it has quotas for what is named so."""
    owner = configuration.team_of(kind, name)
    team = next((own for own in configuration.teams if own.name == owner), None)
    if team is None:
        return None
    is_limited = team.quotas.limits_runs if kind is Belonging.ROUTE else team.quotas.limits_trainings
    return team if is_limited else None


def take_room(configuration: Configuration, store: RecordStore, inference: c.Inference, now: datetime) -> str:
    """Count the run among those of its team that are being scored.

    Returns an empty text where there was room, else which quota is full. Raises Refused where no waiting can make room,
    and Transient where too many others are counted at the same moment.
    """
    team = limited_team(configuration, Belonging.ROUTE, inference.route.name)
    if team is None:
        return ""
    run, verdict = inference.run, RunVerdict()
    size = sum(member.size for member in members_of(store, run))

    def count(usage: RunUsage | None) -> RunUsage | None:
        nonlocal verdict
        verdict = admit_run(team, usage or RunUsage(), run, size, now)
        return None if verdict.usage == usage else verdict.usage

    store.change(RunUsage, team_paths.team_runs(team.name), count)
    waiting = team_paths.waiting_run(team.name, run)
    if verdict.because:
        store.mark(waiting)
        _forget_ended(store, team.name, now)
    elif store.exists(waiting):
        store.delete(waiting)
    return verdict.because


def _forget_ended(store: RecordStore, team: str, now: datetime) -> None:
    """Look at one of the runs that fill the quota, another each second, and give its room back if it has ended.

    A run gives its room back itself, unless its route was given to another team meanwhile.
    """
    usage = store.get(RunUsage, team_paths.team_runs(team))
    names = sorted(usage.running) if usage else []
    if names:
        run = names[int(now.timestamp()) % len(names)]
        record = find_run(store, run)
        if record is not None and record.outcome is not None:
            _leave(store, team, run)


async def give_room_back(
    client: Client, configuration: Configuration, store: RecordStore, route: str, run: str
) -> None:
    """*run* is no longer being scored: those that wait for its room are woken. Safe to repeat."""
    if not leave_room(configuration, store, route, run):
        return
    team = configuration.team_of(Belonging.ROUTE, route)
    waiting = sorted(store.blobs(team_paths.waiting_runs(team)), key=lambda blob: blob.modified)
    for blob in waiting[:_MOST_WOKEN]:
        # The event wakes a run early; one that misses it looks again by itself.
        await wake(client, blob.path.removeprefix(team_paths.waiting_runs(team)), c.ORDER_GIVEN)


def leave_room(configuration: Configuration, store: RecordStore, route: str, run: str) -> bool:
    """`give_room_back` without waking anybody; whether the run had room, or waited for it."""
    team = configuration.team_of(Belonging.ROUTE, route)
    return bool(team) and _leave(store, team, run)


def _leave(store: RecordStore, team: str, run: str) -> bool:
    """Whether the run was counted, or waited, until now."""
    was_counted = False

    def leave(usage: RunUsage | None) -> RunUsage | None:
        nonlocal was_counted
        was_counted = usage is not None and run in usage.running
        return without_run(usage, run) if usage is not None and was_counted else None

    store.change(RunUsage, team_paths.team_runs(team), leave)
    waiting = team_paths.waiting_run(team, run)
    return was_counted or (store.exists(waiting) and store.delete(waiting))


def count_training(
    configuration: Configuration, store: RecordStore, rules: Retraining, run: str, now: datetime
) -> TrainingVerdict:
    """Count the training *run* among those of its team, if there is room for it. Raises Refused as `admit_training`."""
    team = limited_team(configuration, Belonging.MODEL, rules.model)
    verdict = TrainingVerdict()
    if team is None:
        return verdict
    hours = rules.nodes * rules.rates.hours

    def count(usage: TrainingUsage | None) -> TrainingUsage | None:
        nonlocal verdict
        verdict = admit_training(team, usage or TrainingUsage(), run, hours, now)
        if verdict.because and usage is not None:  # Room that a worker took and died with is nobody's.
            verdict = admit_training(team, _begun(store, usage, now), run, hours, now)
        return None if verdict.usage == usage else verdict.usage

    store.change(TrainingUsage, team_paths.team_trainings(team.name), count)
    return verdict


def _begun(store: RecordStore, usage: TrainingUsage, now: datetime) -> TrainingUsage:
    """*usage* without trainings that were counted a while ago and that no causes were given to."""
    for training in usage.trainings:
        if (now - training.at).total_seconds() > _UNCLAIMED_S and find_claim(store, training.run) is None:
            usage = without_training(usage, training.run)
    return usage


def uncount_training(configuration: Configuration, store: RecordStore, model: str, run: str) -> None:
    """The training *run* does not begin after all: another one of its model was faster."""
    team = limited_team(configuration, Belonging.MODEL, model)
    if team is not None:
        path = team_paths.team_trainings(team.name)
        store.change(TrainingUsage, path, lambda usage: without_training(usage, run) if usage else None)
