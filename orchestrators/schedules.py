"""Fire what is due, batch by batch; every decision is the activity's, and its record outlives this instance.

Schedules are a capability of their own, so this stands alone.
"""

from shared import contracts as c
from shared.durable.context import Context, Steps, call, start_over

_BATCHES_PER_SEGMENT = 20


def keep_schedules(ctx: Context, sweep: c.Sweep) -> Steps[c.Ticked | None]:
    """One tick of all schedules; one that comes while this one is at work joins it."""
    firings = 0
    for _ in range(_BATCHES_PER_SEGMENT):
        ctx.show("firing what is due", fired=firings)
        tick = yield from call(ctx, c.FIRE_DUE, sweep)
        firings += tick.fired
        if not tick.more:
            return c.Ticked(fired=firings)
    start_over(ctx, sweep)
    return None


def run_schedule(ctx: Context, firing: c.ScheduleFiring) -> Steps[c.ScheduleFired]:
    """Fire one schedule because somebody asked for it."""
    ctx.show("firing", schedule=firing.schedule.name, by=firing.by)
    return (yield from call(ctx, c.FIRE_SCHEDULE, firing))
