"""Find what no event brought: lost arrivals, forgotten windows, jobs whose run is gone; the ids are the usual ones."""

from shared import contracts as c
from shared.durable import Context, Steps, call


def reconcile(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sweeping arrivals")
    arrivals = yield from call(ctx, c.SWEEP_ARRIVALS, sweep)
    ctx.show("sweeping jobs")
    jobs = yield from call(ctx, c.SWEEP_JOBS, sweep)
    yield from call(ctx, c.LOOK_AT_BACKLOG, sweep)
    return c.Swept(started=arrivals.started, opened=arrivals.opened, adrift=jobs.adrift)


def reconcile_promotions(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sweeping flags")
    flags = yield from call(ctx, c.SWEEP_FLAGS, sweep)
    ctx.show("sweeping promotions")
    promotions = yield from call(ctx, c.SWEEP_PROMOTIONS, sweep)
    return c.Swept(started=flags.started, adrift=promotions.adrift)
