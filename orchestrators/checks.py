"""A data check that somebody asked for: the module that checks arrivals, on one file of the hub."""

from shared import contracts as c
from shared.durable import Context, Steps, call


def check_hub_file(ctx: Context, request: c.FileCheck) -> Steps[c.FileVerdict]:
    ctx.show("checking data", path=request.path)
    return (yield from call(ctx, c.JUDGE_FILE, request))
