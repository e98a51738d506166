"""Watch one step of a rollout: look, wait, look again, until it may go on or must go back. It changes no traffic.

A rollout lasts days. So each step is a child of its promotion, and starts over after some looks: its history stays
short, and so does that of the promotion. The module is small and alone because its instances are no promotions.
"""

from dataclasses import replace

from orchestrators.waiting import call_through_outages
from shared import contracts as c
from shared.domain.rollout.steps import StepDecision
from shared.durable.context import Context, Steps, start_over, wait_for

_LOOKS_PER_SEGMENT = 50


def watch_step(ctx: Context, step: c.RolloutStep) -> Steps[c.LookTaken | None]:
    """The look that ended the step. An order of a person wakes it: what was ordered is a record."""
    for looks in range(step.looks, step.looks + _LOOKS_PER_SEGMENT):
        look = yield from call_through_outages(ctx, c.TAKE_LOOK, replace(step, looks=looks))
        if look.decision is not StepDecision.WAIT:
            return look
        ctx.show("watching", stage=step.stage, number=step.step, looks=looks + 1, because=look.because)
        yield from wait_for(ctx, c.ROLLOUT_ORDERED, look.wait_s)
    start_over(ctx, replace(step, looks=step.looks + _LOOKS_PER_SEGMENT))
    return None
