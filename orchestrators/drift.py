"""Watch for drift beside the runs: count what a run read and wrote, look at the window when due, tell what moved."""

from shared import contracts as c
from shared.domain import identity
from shared.domain.counts import counted
from shared.domain.drift.rule import DriftOutcome
from shared.domain.failures import Refused
from shared.durable.context import Context, Steps, call
from shared.durable.failures import StepFailed


def check_drift(ctx: Context, request: c.DriftCheck) -> Steps[c.DriftFound]:
    """One run, or one look that is due by the clock; a check that fails says so, and harms no run."""
    try:
        return (yield from _check(ctx, request))
    except (Refused, StepFailed) as failure:
        ctx.show("failed", because=str(failure)[:300])
        return c.DriftFound(outcome=DriftOutcome.INCONCLUSIVE, because=str(failure))


def _check(ctx: Context, request: c.DriftCheck) -> Steps[c.DriftFound]:
    if request.inference is not None:
        ctx.show("counting")
        key = identity.effect_key(request.inference.run, "drift-counted")
        yield from call(ctx, c.COUNT_RUN, c.RunCounting(key=key, inference=request.inference))
    window = yield from call(ctx, c.LOOK_AT_DRIFT, c.WindowLook(model=request.model, version=request.version))
    if not window.due:
        ctx.show("gathering", window=window.number, rows=window.rows)
        reason = f"window {window.number} has {counted(window.rows, 'row')}: it is not yet time to look"
        return c.DriftFound(outcome=DriftOutcome.INCONCLUSIVE, because=reason)
    ctx.show("looking", window=window.number, rows=window.rows)
    # The number of the look is part of the key: two runs that find the same window due judge it once, and the next look
    # is an effect of its own.
    key = identity.drift_key(request.model, request.version, window.number, f"look-{window.look}")
    judging = c.DriftJudging(
        key=key, model=request.model, version=request.version, number=window.number, look=window.look
    )
    verdict = yield from call(ctx, c.JUDGE_DRIFT, judging)
    if verdict.outcome is DriftOutcome.DRIFTED:
        yield from _tell(ctx, request, window, verdict)
    ctx.show("done", outcome=verdict.outcome.value)
    return verdict


def _tell(ctx: Context, request: c.DriftCheck, window: c.WindowStanding, verdict: c.DriftFound) -> Steps[None]:
    ctx.show("telling", window=window.number)
    key = identity.drift_key(request.model, request.version, window.number, "told")
    telling = c.DriftTelling(
        key=key,
        model=request.model,
        version=request.version,
        number=window.number,
        look=window.look,
        found=verdict,
    )
    yield from call(ctx, c.TELL_DRIFT, telling)


def reconcile_drift(ctx: Context, sweep: c.Sweep) -> Steps[c.Swept]:
    """Runs whose check was never started, and windows that are due by the clock."""
    ctx.show("sweeping windows")
    return (yield from call(ctx, c.SWEEP_DRIFT, sweep))
