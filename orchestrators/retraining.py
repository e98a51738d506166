"""Consider a model's recorded causes of retraining together."""

from shared import contracts as c
from shared.durable import Context, Steps, pause


def consider_retraining(ctx: Context, watch: c.RetrainingWatch) -> Steps[c.Done]:
    ctx.show("considering", model=watch.model)
    yield from pause(ctx, 0)
    return c.Done()
