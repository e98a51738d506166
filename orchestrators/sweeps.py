"""Find what no event brought: lost arrivals, forgotten windows, runs that lost their orchestration; by usual ids."""

from shared import contracts as c
from shared.durable import Context, Steps, call


def reconcile(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sweeping arrivals")
    arrivals = yield from call(ctx, c.SWEEP_ARRIVALS, sweep)
    ctx.show("sweeping runs")
    runs = yield from call(ctx, c.SWEEP_RUNS, sweep)
    yield from call(ctx, c.LOOK_AT_BACKLOG, sweep)
    return c.Swept(started=arrivals.started + runs.started, opened=arrivals.opened, adrift=runs.adrift)


def reconcile_promotions(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sweeping flags")
    flags = yield from call(ctx, c.SWEEP_FLAGS, sweep)
    ctx.show("sweeping promotions")
    promotions = yield from call(ctx, c.SWEEP_PROMOTIONS, sweep)
    return c.Swept(started=flags.started, adrift=promotions.adrift)
