"""Turn the finding of another monitor into a cause of retraining, or a reason why there is none. Pure."""

from collections.abc import Sequence
from datetime import datetime

from shared.domain import identity
from shared.domain.alerts import AlertChanged
from shared.domain.drift.watch import DriftWatch
from shared.domain.events import MonitorBreached
from shared.domain.retraining.causes import Cause, CauseKind


def cause_of(
    event: MonitorBreached | AlertChanged,
    watches: Sequence[DriftWatch],
    workspaces: Sequence[str],
    now: datetime,
    closed: Sequence[str] = (),
) -> Cause | str:
    """The cause; a repeated finding gives the same id. *workspaces* are how known ones' ARM ids end, *closed* the
    ids of workspaces and accounts, in lower case, below which no alert is a cause."""
    if isinstance(event, AlertChanged):
        own = next((target for target in event.targets if _is_below(target, closed)), "")
        return f"{own} is what teams use with hubs of their own" if own else _of_alert(event, watches, now)
    if not event.workspace.endswith(tuple(workspaces)):
        reason = "is not the workspace of an environment, or it is one in which teams use hubs of their own"
        return f"{event.workspace} {reason}"
    watch = _watch(watches, event.names)
    if watch is None:
        return f"no model names {' or '.join(event.names) or 'this monitor'} under drift.sources"
    if event.coefficient is not None and event.coefficient < watch.coefficient:
        return f"a drift coefficient of {event.coefficient:.3g} is below {watch.coefficient:g} for {watch.model}"
    kind, facts = CauseKind.DRIFT, {"monitor": event.names[0], "run": event.run, **event.facts}
    return _cause(watch, kind, event.because, facts, now, event.workspace, event.run, event.names[0])


def _is_below(target: str, closed: Sequence[str]) -> bool:
    return f"{target.lower().rstrip('/')}/".startswith(tuple(f"{resource}/" for resource in closed))


def _of_alert(event: AlertChanged, watches: Sequence[DriftWatch], now: datetime) -> Cause | str:
    if not event.fired:
        return f"alert {event.rule} was resolved"
    watch = _watch(watches, (event.rule,))
    if watch is None:
        return f"no model names the alert rule {event.rule} under drift.sources"
    facts = {"rule": event.rule, **event.facts}
    return _cause(watch, CauseKind.ALERT, event.because, facts, now, event.event_id, event.fired_at)


def _cause(
    watch: DriftWatch, kind: CauseKind, because: str, facts: dict[str, str], now: datetime, *fact: str
) -> Cause | str:
    if not watch.retrain:
        return f"models.{watch.model}.drift.retrain is false: {because}"
    return Cause(
        id=identity.cause_id(watch.model, kind.value, *fact),
        model=watch.model,
        kind=kind,
        at=now,
        because=because[:1000],
        facts=facts,
    )


def _watch(watches: Sequence[DriftWatch], names: Sequence[str]) -> DriftWatch | None:
    """The watch with one of *names* among its sources; `monitor` also stands for each signal `monitor_signal`."""
    lowered_names = [name.lower() for name in names]
    for watch in watches:
        for source in (name_.lower() for name_ in watch.sources):
            if any(name == source or name.startswith(f"{source}_") for name in lowered_names):
                return watch
    return None
