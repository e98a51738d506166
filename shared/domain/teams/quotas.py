"""Whether there is room for one more run or training in a team's quotas. Pure: usage in, usage or a reason out.

What is beyond a quota waits, and a reason names the quota. Only what no waiting can make fit is refused.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from shared.domain.counts import counted
from shared.domain.failures import Refused
from shared.domain.teams.ownership import Team

WAITING_FOR_ROOM = "waiting for room"  # The step of a run that waits for its team's quota.
TRAINING_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUsage:
    """The runs of a team that are being scored, with their bytes, and how many *bytes* began to be scored on *day*."""

    running: dict[str, int] = field(default_factory=dict)
    day: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedTraining:
    """A training that began *at*, and the *hours* of nodes that it was estimated to take."""

    run: str
    at: datetime
    hours: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingUsage:
    """The trainings of a team of the last thirty days."""

    trainings: tuple[CountedTraining, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunVerdict:
    """The *usage* with the run in it; without it, *because* says which quota is full."""

    usage: RunUsage | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingVerdict:
    """The *usage* with the training in it; without it, *because* names the quota that is full *until* then."""

    usage: TrainingUsage | None = None
    because: str = ""
    until: datetime | None = None


def admit_run(team: Team, usage: RunUsage, run: str, size: int, now: datetime) -> RunVerdict:
    """Room for *run*, whose files have *size* bytes. A run that is in already stays.

    Raises Refused where its files are more than the quota of a whole day.
    """
    quotas, today = team.quotas, now.astimezone(UTC).date().isoformat()
    if run in usage.running:
        return RunVerdict(usage=usage)
    if usage.day < today:  # A day ahead was written by a clock that was: it counts until it is over.
        usage = replace(usage, day=today, bytes=0)
    if quotas.bytes_a_day and size > quotas.bytes_a_day:
        raise Refused(
            f"{_quota(team, 'bytes_a_day')} is {quotas.bytes_a_day}, and the run's files have {size} bytes: no day has "
            "room for them; send them as several runs, or ask for a larger quota"
        )
    if quotas.runs_at_once and len(usage.running) >= quotas.runs_at_once:
        because = f"{counted(len(usage.running), 'run is', 'runs are')} being scored"
        return RunVerdict(because=f"{_quota(team, 'runs_at_once')} is {quotas.runs_at_once}, and {because}")
    if quotas.bytes_a_day and usage.bytes + size > quotas.bytes_a_day:
        because = f"{usage.bytes} are used today, and the run's files have {size}"
        return RunVerdict(because=f"{_quota(team, 'bytes_a_day')} is {quotas.bytes_a_day}, {because}")
    return RunVerdict(usage=replace(usage, running={**usage.running, run: size}, bytes=usage.bytes + size))


def without_run(usage: RunUsage, run: str) -> RunUsage:
    """*usage* once *run* is no longer being scored; what it scored today stays counted."""
    return replace(usage, running={name: size for name, size in usage.running.items() if name != run})


def admit_training(team: Team, usage: TrainingUsage, run: str, hours: float, now: datetime) -> TrainingVerdict:
    """Room for the training *run*, which is estimated to take *hours*. One that is in already stays.

    Raises Refused where it is estimated to take more than the whole quota.
    """
    quotas, kept = team.quotas, tuple(own for own in usage.trainings if own.at > now - TRAINING_WINDOW)
    if any(own.run == run for own in kept):
        return TrainingVerdict(usage=replace(usage, trainings=kept))
    if quotas.training_hours and hours > quotas.training_hours:
        raise Refused(
            f"{_quota(team, 'training_hours')} is {quotas.training_hours:g}, and one training is estimated at "
            f"{hours:g}: no waiting makes room for it"
        )
    full = _full_day(team, kept, now) or _full_window(team, kept, hours)
    if full is not None:
        return full
    training = CountedTraining(run=run, at=now, hours=hours)
    return TrainingVerdict(usage=replace(usage, trainings=(*kept, training)))


def _full_day(team: Team, trainings: tuple[CountedTraining, ...], now: datetime) -> TrainingVerdict | None:
    quota, today = team.quotas.retrainings_a_day, now.astimezone(UTC).date()
    count = sum(own.at.astimezone(UTC).date() >= today for own in trainings)
    if not quota or count < quota:
        return None
    because = f"{_quota(team, 'retrainings_a_day')} is {quota}, and {count} have begun today"
    tomorrow = datetime.combine(today + timedelta(days=1), time(), UTC)
    return TrainingVerdict(because=because, until=tomorrow)


def _full_window(team: Team, trainings: tuple[CountedTraining, ...], hours: float) -> TrainingVerdict | None:
    quota, used = team.quotas.training_hours, sum(own.hours for own in trainings)
    if not quota or _rounded(used + hours) <= quota:
        return None
    because = f"{used:g} are used within 30 days, and a training may take {hours:g}"
    # The oldest leave the window first: the wait ends when enough of them have left it.
    remaining, until = used, None
    for own in sorted(trainings, key=lambda training: training.at):
        remaining, until = remaining - own.hours, own.at + TRAINING_WINDOW
        if _rounded(remaining + hours) <= quota:
            break
    return TrainingVerdict(because=f"{_quota(team, 'training_hours')} is {quota:g}, {because}", until=until)


def without_training(usage: TrainingUsage, run: str) -> TrainingUsage:
    """*usage* without the training *run*, which never began."""
    return replace(usage, trainings=tuple(own for own in usage.trainings if own.run != run))


def _rounded(hours: float) -> float:
    return round(hours, 6)  # Sums of decimal fractions are off by less.


def _quota(team: Team, name: str) -> str:
    """The quota as the platform's file calls it."""
    return f"quota teams.{team.name}.quotas.{name}"
