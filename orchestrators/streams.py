"""Make micro-batches of the records that wait in a group of a stream, for as long as some come.

Level-triggered, as windows are: it looks at what is there and never counts messages. The records stay in the hub.
"""

from shared import contracts as c
from shared.durable.context import Context, Steps, call, pause, start_over

_LOOKS_PER_SEGMENT = 20
_LINGER_S = 5.0


def collect_records(ctx: Context, watch: c.RecordsWatch) -> Steps[c.Done | None]:
    """Ends when nothing has waited for a while; a record, or the reconciling timer, opens it again."""
    quiet = False
    for _ in range(_LOOKS_PER_SEGMENT):
        ctx.show("looking")
        backlog = yield from call(ctx, c.LOOK_AT_RECORDS, watch)
        if backlog.due:
            ctx.show("closing")
            yield from call(ctx, c.CLOSE_BATCH, c.BatchClosing(key=ctx.unique(), watch=watch))
        elif backlog.wait_s is None and quiet:
            return c.Done()
        else:
            ctx.show("waiting")
            yield from pause(ctx, _LINGER_S if backlog.wait_s is None else backlog.wait_s)
        quiet = not backlog.due and backlog.wait_s is None
    start_over(ctx, watch)
    return None
