"""The nightly look at the drift of all that stands; and the end of a team's step, once two people want it and the
retention is over."""

from datetime import datetime

from orchestrators.provisioning.orders import pipeline_run
from orchestrators.waiting import call_through_outages
from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.provisioning.orders import step_parameters
from shared.domain.provisioning.rules import ProvisioningRules, ProvisioningStep
from shared.durable.context import Context, Steps, call, pause, run_child
from shared.durable.failures import StepFailed


def reconcile_provisioning(ctx: Context, sweep: c.Sweep) -> Steps[c.DriftSwept]:
    """Every night: is each step of each team as it was verified, and the platform as its templates say?

    One after the other, with readers alone.
    """
    listing = yield from call(ctx, c.LIST_STANDINGS, sweep)
    drifted = list[str]()
    for row in listing.rows if listing.rules else ():
        assert listing.rules is not None
        name = f"{row.team}/{row.step}"
        ctx.show("looking for drift", of=name)
        try:
            lines = yield from _drift_of(ctx, listing.rules, row, listing.day)
        except (Refused, StepFailed) as failure:
            # One run that cannot be looked at must not hide the drift of the others.
            ctx.show("not looked at", of=name, because=str(failure)[:300])
            drifted.append(f"{name}: not looked at: {failure}"[:500])
            continue
        drifted += [name] if lines else []
    ctx.show("done", drifted=len(drifted))
    return c.DriftSwept(looked=len(listing.rows), drifted=tuple(drifted))


def _drift_of(ctx: Context, rules: ProvisioningRules, row: c.StandingRow, day: str) -> Steps[int]:
    correlation = f"drift-{row.team}-{row.step}-{day}"
    run = yield from run_child(
        ctx,
        c.RUN_DEVOPS_PIPELINE,
        pipeline_run(rules, rules.pipelines.drift, correlation, _looked_at(rules, row)),
        correlation,
    )
    reading = c.DriftReading(key=identity.drift_look_key(row.team, row.step, day), rules=rules, row=row, run=run.id)
    return (yield from call_through_outages(ctx, c.READ_DRIFT, reading)).lines


def _looked_at(rules: ProvisioningRules, row: c.StandingRow) -> dict[str, str]:
    if row.order:
        step = step_parameters(rules, row.team, ProvisioningStep(row.step), rules.reader)
        return {**step, "variables": row.variables}
    (look,) = (look for look in rules.platform if look.name == row.step)
    return {"installation": look.installation, "steps": ",".join(look.steps), "serviceConnection": look.reader}


def tear_down(ctx: Context, teardown: c.Teardown) -> Steps[c.TeardownEnd]:
    """Wait out the retention; then, if both people still want it, let a pipeline remove the step."""
    ctx.show("waiting out the retention", until=teardown.after)
    yield from pause(ctx, max(0.0, (datetime.fromisoformat(teardown.after) - ctx.now).total_seconds()))
    step = c.TeardownStep(key=identity.provisioning_key(teardown.id, "looked"), teardown=teardown)
    stands = yield from call_through_outages(ctx, c.LOOK_AT_TEARDOWN, step)
    if not stands.wanted:
        ctx.show("done", gone=False)
        return c.TeardownEnd(id=teardown.id, gone=False, because=stands.because)
    rules = teardown.rules
    step_of_team = step_parameters(rules, teardown.team, ProvisioningStep(teardown.step), rules.writer)
    parameters = {**step_of_team, "environment": rules.gate}
    run = yield from run_child(
        ctx,
        c.RUN_DEVOPS_PIPELINE,
        pipeline_run(rules, rules.pipelines.teardown, teardown.id, parameters),
        teardown.id + "-run",
    )
    is_gone = run.result.value == "succeeded"
    because = "" if is_gone else f"run {run.id} ended as {run.result.value}; its log says why"
    closing = c.TeardownClosing(
        key=identity.provisioning_key(teardown.id, "closed"), teardown=teardown, gone=is_gone, because=because
    )
    yield from call_through_outages(ctx, c.CLOSE_TEARDOWN, closing)
    ctx.show("done", gone=is_gone)
    return c.TeardownEnd(id=teardown.id, gone=is_gone, because=because)
