"""Whether an alert on what serves brings the version before back: a pure judgement of the alert and of what served.

During a rollout its own looks judge alerts (`shared.domain.rollout.steps`); this is for the time after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.rollout.policy import RolloutAlerts
from shared.domain.rollout.serving import ChangeKind, ServedInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingAlert:
    """An alert of *rule* on an online endpoint; *deployment* (lower case) is empty where it names none.

    *id* is the alert's own name, the same where it was pushed and where it was listed. *window_start* begins the data
    that the rule looked at, None where it is not said.
    """

    id: str
    rule: str
    fired_at: datetime
    fired: bool = True
    deployment: str = ""
    window_start: datetime | None = None
    description: str = ""

    @property
    def because(self) -> str:
        """The alert in a sentence."""
        return f"alert {self.rule}{f': {self.description}' if self.description else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertJudgement:
    """Whether the alert *rolls_back* the version *model*, which serves since *switched*; *because* says why or not."""

    rolls_back: bool
    because: str
    model: str = ""
    switched: datetime | None = None


def judge_alert(
    policy: RolloutAlerts, alert: ServingAlert, served: Sequence[ServedInterval], now: datetime
) -> AlertJudgement:
    """What *alert* does to what serves: *served* are the intervals of its endpoint."""
    if not alert.fired:
        return _recorded("the alert was resolved")
    serving = next((interval for interval in served if interval.until is None and interval.share == 100), None)
    if serving is None or not serving.model:
        return _recorded("no version serves the endpoint alone, so that it is not known which one to leave")
    if alert.deployment not in ("", serving.deployment.lower()):
        return _recorded(f"it is about {alert.deployment}, and {serving.deployment} ({serving.model}) serves", serving)
    switch = _switch(served, serving)
    if switch is None or switch.began is not ChangeKind.SHIFT:
        change = switch.began.value if switch else "an unknown change"
        return _recorded(f"{serving.model} serves because of {change}, and not of a promotion", serving)
    return _in_time(policy, alert, serving, switch.since, now)


def _in_time(
    policy: RolloutAlerts, alert: ServingAlert, serving: ServedInterval, switched: datetime, now: datetime
) -> AlertJudgement:
    moment, limit = f"{switched:%Y-%m-%d %H:%M} UTC", timedelta(seconds=policy.within_s)
    if alert.fired_at < switched:
        return _recorded(f"it fired before {serving.model} had all traffic ({moment})", serving, switched)
    if not alert.deployment and alert.window_start is not None and alert.window_start < switched:
        because = f"it names no deployment, and looked at data from before {serving.model} had all traffic ({moment})"
        return _recorded(because, serving, switched)
    # Both the firing and this judgement must lie within the time: an old alert that is still listed, or comes late,
    # rolls back nothing any more.
    if max(alert.fired_at, now) - switched > limit:
        because = f"{serving.model} has all traffic since {moment}, which is longer than {limit}"
        return _recorded(because, serving, switched)
    return AlertJudgement(
        rolls_back=True,
        because=f"{serving.model} has all traffic since {moment}, and {alert.rule} brings the version before back",
        model=serving.model,
        switched=switched,
    )


def _switch(served: Sequence[ServedInterval], serving: ServedInterval) -> ServedInterval | None:
    """When and why *serving* got all traffic. A rollout that was put back returned what it had before."""
    earlier = (
        interval
        for interval in served
        if interval.model == serving.model
        and interval.share == 100
        and interval.since <= serving.since
        and interval.began is not ChangeKind.UNDO
    )
    return max(earlier, key=lambda interval: interval.since, default=None)


def _recorded(because: str, serving: ServedInterval | None = None, switched: datetime | None = None) -> AlertJudgement:
    return AlertJudgement(rolls_back=False, because=because, model=serving.model if serving else "", switched=switched)
