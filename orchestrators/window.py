"""Collect files until a window closes, then start one run for what lies there.

Level-triggered: it looks at what is there and never counts events, so a lost or repeated one changes nothing.
"""

from shared import contracts as c
from shared.domain import identity
from shared.domain.inference.windows import WindowAction
from shared.durable.context import Context, Steps, call, pause, start_over

_LOOKS_PER_SEGMENT = 20


def collect_window(ctx: Context, watch: c.WindowWatch) -> Steps[c.Done | None]:
    """Ends when nothing waits; an arrival, or the reconciling timer, opens it again."""
    for _ in range(_LOOKS_PER_SEGMENT):
        ctx.show("looking")
        verdict = yield from call(ctx, c.LOOK_AT_WINDOW, watch)
        if verdict.move is WindowAction.EMPTY:
            return c.Done()
        if verdict.move is WindowAction.WAIT:
            ctx.show("waiting", seconds=verdict.wait_s)
            yield from pause(ctx, verdict.wait_s)
        else:
            yield from _close(ctx, watch)
    start_over(ctx, watch)
    return None


def _close(ctx: Context, watch: c.WindowWatch) -> Steps[None]:
    ctx.show("closing")
    claimed = yield from call(ctx, c.CLAIM_WINDOW, c.WindowClaim(key=ctx.unique(), watch=watch))
    if claimed.inference is not None:
        run = claimed.inference
        key = identity.effect_key(run.run, "started")
        yield from call(ctx, c.START_RUN, c.RunStart(key=key, inference=run))
