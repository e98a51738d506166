"""Find what no event brought: lost arrivals, forgotten windows, runs that lost their orchestration; by usual ids.

A sweep that fails as a whole does not keep the others from looking.
"""

from collections.abc import Sequence

from shared import contracts as c
from shared.domain.failures import Refused
from shared.durable.context import Context, Steps, call
from shared.durable.failures import StepFailed

# Of 500 entries each, or a few published parts. What is left is for the next sweep.
_MOST_PARTS = 20


def reconcile(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sweeping arrivals")
    arrivals = yield from _part(ctx, c.SWEEP_ARRIVALS, sweep)
    ctx.show("sweeping runs")
    runs = yield from _part(ctx, c.SWEEP_RUNS, sweep)
    try:
        yield from call(ctx, c.LOOK_AT_BACKLOG, sweep)
    except (Refused, StepFailed) as failure:
        return _all((arrivals, runs, c.Swept(failed=(f"the backlog: {failure}",))))
    return _all((arrivals, runs))


def reconcile_promotions(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sweeping flags")
    flags = yield from _part(ctx, c.SWEEP_FLAGS, sweep)
    ctx.show("sweeping promotions")
    promotions = yield from _part(ctx, c.SWEEP_PROMOTIONS, sweep)
    return _all((flags, promotions))


def reconcile_production(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sweeping alerts")
    alerts = yield from _part(ctx, c.SWEEP_ALERTS, sweep)
    # After the alerts: a rollback that one of them has started may need what is kept warm.
    ctx.show("sweeping production")
    production = yield from _part(ctx, c.SWEEP_PRODUCTION, sweep)
    return _all((alerts, production))


def reconcile_answers(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    """Publish what online endpoints have answered, until nothing more is due."""
    published, failures = 0, tuple[str, ...]()
    for number in range(1, _MOST_PARTS + 1):
        ctx.show("publishing answers", look=number, parts=published)
        try:
            # Several short activities and not one long one: an activity that dies is repeated from its beginning.
            look = yield from call(ctx, c.PUBLISH_ANSWERS, c.AnswersLook(key=f"{sweep.key}/{number}"))
        except (Refused, StepFailed) as failure:
            return c.Swept(opened=published, failed=(str(failure),))
        published, failures = published + look.parts, look.failed
        if look.is_done:
            break
    return c.Swept(opened=published, failed=failures)


def deliver_notices(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    ctx.show("sending notices")
    return (yield from _part(ctx, c.SEND_NOTICES, sweep))


def verify_log(ctx: Context, sweep: c.Sweep) -> Steps[c.LogVerified]:
    """Verify what is new in the audit log."""
    return (yield from _look_at_log(ctx, sweep, reread=False))


def reread_log(ctx: Context, sweep: c.Sweep) -> Steps[c.LogVerified]:
    """Verify again what was verified before: the older part in turns, a bounded amount of it each time."""
    return (yield from _look_at_log(ctx, sweep, reread=True))


def _look_at_log(ctx: Context, sweep: c.Sweep, *, reread: bool) -> Steps[c.LogVerified]:
    problems: list[str] = []
    for number in range(1, _MOST_PARTS + 1):
        ctx.show("verifying the audit log", part=number, problems=len(problems))
        order = c.LogLookOrder(key=f"{sweep.key}/{number}", reread=reread)
        try:
            part = yield from call(ctx, c.LOOK_AT_LOG, order)
        except (Refused, StepFailed) as failure:
            return c.LogVerified(parts=number, problems=tuple(problems), failed=str(failure))
        problems += part.problems
        if part.is_done:
            break
    return c.LogVerified(parts=number, problems=tuple(problems))


def _part(ctx: Context, activity: c.Activity[c.Sweep, c.Swept], sweep: c.Sweep) -> Steps[c.Swept]:
    try:
        return (yield from call(ctx, activity, sweep))
    except (Refused, StepFailed) as failure:
        return c.Swept(failed=(str(failure),))


def _all(swept: Sequence[c.Swept]) -> c.Swept:
    return c.Swept(
        started=sum(sweep.started for sweep in swept),
        opened=sum(sweep.opened for sweep in swept),
        adrift=sum(sweep.adrift for sweep in swept),
        failed=tuple(failure for sweep in swept for failure in sweep.failed),
    )
