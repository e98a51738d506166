"""Collect what waits, files until a window closes and records into micro-batches, and start a run for it.

Both are level-triggered: they list the hub and never count events or messages, so a lost or repeated one changes
nothing. The files and the records stay in the hub.
"""

from shared import contracts as c
from shared.domain import identity
from shared.domain.inference.windows import WindowAction
from shared.durable.context import Context, Steps, call, pause, start_over

# Each look adds events to the history, and every replay reads all of it. After a segment the instance starts over with
# an empty one.
_LOOKS_PER_SEGMENT = 20
_LINGER_S = 5.0  # How long an instance stays after the last record: a new one costs more than a look.


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
    window_claim = yield from call(ctx, c.CLAIM_WINDOW, c.WindowClaim(key=ctx.unique(), watch=watch))
    if window_claim.inference is not None:
        run = window_claim.inference
        # The claim is written before the run starts. A host that dies between the two finds the same run under the
        # claim's key, and starts it by its own id.
        key = identity.effect_key(run.run, "started")
        yield from call(ctx, c.START_RUN, c.RunStart(key=key, inference=run))


def collect_records(ctx: Context, watch: c.RecordsWatch) -> Steps[c.Done | None]:
    """Ends when nothing has waited for a while; a record, or the reconciling timer, opens it again."""
    quiet = False
    for _ in range(_LOOKS_PER_SEGMENT):
        ctx.show("looking")
        backlog = yield from call(ctx, c.LOOK_AT_RECORDS, watch)
        if backlog.due:
            ctx.show("closing")
            # A new key for each batch: one instance closes many, and the ledger would take the second for a repeat of
            # the first. The message's own mark keeps it out of two batches.
            yield from call(ctx, c.CLOSE_BATCH, c.BatchClosing(key=ctx.unique(), watch=watch))
        elif backlog.wait_s is None and quiet:
            return c.Done()
        else:
            ctx.show("waiting")
            yield from pause(ctx, _LINGER_S if backlog.wait_s is None else backlog.wait_s)
        quiet = not backlog.due and backlog.wait_s is None
    start_over(ctx, watch)
    return None
