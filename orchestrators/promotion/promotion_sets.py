"""Carry several models together: each by its own promotion, and, where the set is atomic, all of them or none."""

from collections.abc import Sequence

from orchestrators.waiting import call_through_outages
from shared import contracts as c
from shared.domain import identity
from shared.durable.context import Context, Steps, run_child
from shared.durable.failures import StepFailed


def promote_set(ctx: Context, request: c.PromotionSet) -> Steps[c.PromotionSetResult]:
    """One after the other; the first that does not arrive stops an atomic set, and those before it are taken back."""
    results: list[c.PromotionResult] = []
    for promotion in request.promotions:
        ctx.show("promoting", promotion=promotion.id, done=len(results), of=len(request.promotions))
        results.append((yield from _promote(ctx, promotion)))
        if request.atomic and results[-1].fate is not c.Fate.PROMOTED:
            # Taking back in reverse order keeps every state on the way one that has existed before.
            results[:-1] = yield from _take_back(ctx, request, results)
            break
    all_promoted = all(result.fate is c.Fate.PROMOTED for result in results)
    ctx.show("done", promoted=all_promoted)
    return c.PromotionSetResult(id=request.id, promoted=all_promoted, results=tuple(results))


def _promote(ctx: Context, promotion: c.Promotion) -> Steps[c.PromotionResult]:
    """A promotion that was ended from outside is one that failed; the timer puts it back."""
    try:
        # Under the id that a flag or a person would give it, so that the same version is never promoted beside itself.
        return (yield from run_child(ctx, c.PROMOTE, promotion, promotion.id))
    except StepFailed as failure:
        return c.PromotionResult(id=promotion.id, fate=c.Fate.FAILED, because=(str(failure),))


def _take_back(
    ctx: Context, request: c.PromotionSet, results: Sequence[c.PromotionResult]
) -> Steps[list[c.PromotionResult]]:
    """The results of those that had been promoted, now put back, in the order of the set."""
    last, restorations = results[-1], list[c.PromotionResult]()
    for promotion in reversed(request.promotions[: len(results) - 1]):
        ctx.show("taking back", promotion=promotion.id)
        look = c.PromotionLook(promotion=promotion.id)
        admission = yield from call_through_outages(ctx, c.LOOK_AT_PLAN, look)
        outline = admission.course
        assert outline is not None  # It was promoted, so it had a plan.
        restoring = c.Restoring(
            promotion=promotion,
            outline=outline,
            plan_digest=admission.plan_digest,
            because=f"{last.id} of the same set was {last.fate.value}, so this one was taken back",
            locks=admission.locks or outline.endpoints,
        )
        restorations.insert(0, (yield from run_child(ctx, c.RESTORE, restoring, identity.restore_id(promotion.id))))
    return restorations
