"""Watch over the central registry: read every entry again on a schedule, and bring back what is needed.

It stands alone: it belongs to no promotion.
"""

from shared import contracts as c
from shared.durable.context import Context, Steps, call


def scrub_registry(ctx: Context, sweep: c.Sweep) -> Steps[c.Scrubbed]:
    """One entry after the other, so that a large registry never needs more than one entry's time at once."""
    ctx.show("listing the registry")
    listing = yield from call(ctx, c.LIST_ENTRIES, sweep)
    wrong: list[str] = []
    for number, entry in enumerate(listing.entries):
        ctx.show("scrubbing", entry=str(entry), done=number, of=len(listing.entries))
        scrub = yield from call(ctx, c.SCRUB_ENTRY, c.EntryScrub(key=sweep.key, entry=entry))
        wrong += [scrub.wrong] if scrub.wrong else []
    ctx.show("done", wrong=len(wrong))
    return c.Scrubbed(entries=len(listing.entries), wrong=tuple(wrong))


def recover(ctx: Context, recovery: c.Recovery) -> Steps[c.Recovered]:
    ctx.show("recovering", model=str(recovery.model), environment=recovery.environment)
    return (yield from call(ctx, c.RECOVER_ENTRY, recovery))
