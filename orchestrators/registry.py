"""Watch over the central registry: read every entry again on a schedule, bring back what is needed, and revoke.

It stands alone: it belongs to no promotion.
"""

from shared import contracts as c
from shared.durable.context import Context, Steps, call, run_child
from shared.durable.failures import StepFailed


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


def revoke(ctx: Context, revocation: c.EntryRevocation) -> Steps[c.RevocationResult]:
    """Revoke an entry, and bring production back where it serves. A rollback that fails leaves the entry revoked."""
    ctx.show("revoking", model=str(revocation.model))
    order = c.RevocationOrder(key=f"revocations-of-entries/{revocation.id}", revocation=revocation)
    revoked = yield from call(ctx, c.REVOKE_ENTRY, order)
    rolled_back: list[str] = []
    because = list(revoked.because)
    # The entry is revoked first and production is brought back after: a rollback that fails must not leave an entry
    # that can be promoted again.
    for rollback in revoked.rollbacks:
        ctx.show("rolling back", model=str(revocation.model), stage=rollback.stage, rollback=rollback.id)
        try:
            result = yield from run_child(ctx, c.ROLL_BACK, rollback, rollback.id)
            is_done, reason = result.done, result.because
        except StepFailed as failure:
            is_done, reason = False, str(failure)
        (rolled_back if is_done else because).append(f"{rollback.id}: {reason}")
        if not is_done:
            because += [batch.because for batch in revoked.batch_defaults if batch.stage == rollback.stage]
    ctx.show("done", rolled_back=len(rolled_back), still_serving=len(because))
    return c.RevocationResult(
        id=revocation.id, model=revocation.model, rolled_back=tuple(rolled_back), because=tuple(because)
    )
