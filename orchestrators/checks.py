"""A data check that somebody asked for, on one file of the hub. It stands alone: no workflow is behind it."""

from shared import contracts as c
from shared.domain.failures import Refused
from shared.durable.context import Context, Steps, call
from shared.durable.failures import StepFailed


def check_hub_file(ctx: Context, request: c.FileCheck) -> Steps[c.FileVerdict]:
    ctx.show("checking data", path=request.path)
    try:
        verdict = yield from call(ctx, c.JUDGE_FILE, request)
    except (Refused, StepFailed) as failure:
        yield from _tell(ctx, request, None, str(failure))
        raise
    yield from _tell(ctx, request, verdict)
    return verdict


def _tell(ctx: Context, request: c.FileCheck, verdict: c.FileVerdict | None, because: str = "") -> Steps[None]:
    """Publish the verdict for the sender of the message, if one asked and there is a topic for results."""
    if request.asker and request.results:
        telling = c.VerdictTelling(key=f"{request.key}-told", check=request, verdict=verdict, because=because)
        yield from call(ctx, c.TELL_VERDICT, telling)
