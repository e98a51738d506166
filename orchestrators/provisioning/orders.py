"""Carry an order of ServiceNow to a verified environment: planned, approved, applied as approved, set up, verified.

The app decides, records and follows. Only pipelines write Azure, and what one applies is the plan of the digest that
this orchestration has read from the planning run: it is history, and no record that somebody changes can alter it.
"""

import json
from dataclasses import replace
from datetime import timedelta

from orchestrators.devops import later, look_until
from orchestrators.waiting import call_through_outages
from orchestrators.workflow import carry_to_end
from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.provisioning.orders import step_parameters
from shared.domain.provisioning.plans import ChangeVerdict
from shared.domain.provisioning.rules import ProvisioningRules
from shared.domain.provisioning.states import OrderState
from shared.durable.context import Context, Steps, call, run_child, start_over
from shared.durable.failures import StepFailed

_LONGEST_PROOF = 1500


def provision(ctx: Context, request: c.ProvisioningOrder) -> Steps[c.OrderEnd]:
    """One order to its end. Whatever stops it says why, on the request too, and a stopped one can be resumed."""
    ctx.show("opening", team=request.order.team, of=request.order.step.value)
    opening = c.OrderOpening(key=_key(request, "opened"), execution=ctx.unique(), request=request)
    opened = yield from call_through_outages(ctx, c.OPEN_ORDER, opening)
    if opened.already:
        return _end(request, OrderState.FAILED, "this attempt runs already, or has ended")

    def failed(because: str) -> c.OrderEnd:
        return _end(request, OrderState.FAILED, because)

    def conclude(end: c.OrderEnd) -> Steps[c.OrderEnd]:
        return (yield from _conclude(ctx, request, end))

    return (yield from carry_to_end(_carry(ctx, request, opened), failed, conclude))


def _carry(ctx: Context, request: c.ProvisioningOrder, opened: c.OrderOpened) -> Steps[c.OrderEnd]:
    if request.attempt == 1:
        yield from _tell(ctx, request, OrderState.ASKED, "")
    if opened.objection:
        return _end(request, OrderState.REFUSED, opened.objection)
    run, plan = yield from _planned(ctx, request, "plan")
    because = f"{plan.changes} changes by plan {plan.digest} (run {run})" if plan.changes else "nothing would change"
    yield from _tell(ctx, request, OrderState.PLANNED, because, plan=plan.digest)
    change = ""
    # A change request about nothing would teach people to approve without looking.
    if plan.changes:
        change, said = yield from _approved(ctx, request, plan, run)
        if said.verdict is not ChangeVerdict.APPROVED:
            return _end(request, OrderState.REJECTED, said.because, plan.digest, change)
        yield from _tell(ctx, request, OrderState.APPROVED, said.because, plan.digest, change)
        yield from _applied(ctx, request, plan, change)
    federated = yield from _set_up(ctx, request, plan, change)
    proven = yield from _verified(ctx, request, plan, change)
    return replace(_end(request, OrderState.READY, proven, plan.digest, change), federated=federated)


def _planned(ctx: Context, request: c.ProvisioningOrder, name: str) -> Steps[tuple[int, c.PlanRead]]:
    """The run that planned the order now, and its plan. Raises Refused where it did not end well."""
    is_plan = name == "plan"
    number = request.rules.pipelines.plan if is_plan else request.rules.pipelines.drift
    run = yield from _run(ctx, request, number, name, _parameters(request, request.rules.reader))
    key = _key(request, f"{name}-{request.attempt}-read")
    plan = yield from call_through_outages(ctx, c.READ_PLAN, c.PlanReading(key=key, request=request, run=run.id))
    if is_plan and run.result.value != "succeeded":
        raise Refused(f"the planning run {run.id} ended as {run.result.value}; its log says why")
    return run.id, plan


def _approved(
    ctx: Context, request: c.ProvisioningOrder, plan: c.PlanRead, run: int
) -> Steps[tuple[str, c.ChangeSaid]]:
    """The change's number, and the verdict on it. Its correlation has the plan: another plan has another change."""
    key = _key(request, f"change-{_short(plan)}")
    opening = c.ChangeOpening(key=key, request=request, plan=plan.digest, run=run)
    change = yield from call_through_outages(ctx, c.OPEN_CHANGE, opening)
    yield from _tell(ctx, request, OrderState.CHANGE_OPEN, change.number, plan.digest, change.number)
    ctx.show("waiting for the change", change=change.number, plan=plan.digest)
    deadline = (ctx.now + timedelta(seconds=request.rules.give_up_after_s)).isoformat()
    waiting = c.ChangeWaiting(rules=request.rules, correlation=change.correlation, deadline=deadline)
    instance = f"{request.id}-change-{request.attempt}"
    return change.number, (yield from run_child(ctx, c.AWAIT_CHANGE, waiting, instance))


def _applied(ctx: Context, request: c.ProvisioningOrder, plan: c.PlanRead, change: str) -> Steps[None]:
    rules = request.rules
    yield from _tell(ctx, request, OrderState.APPLYING, f"by change {change}", plan.digest, change)
    parameters = {**_parameters(request, rules.writer), "environment": rules.gate, "digest": plan.digest}
    run = yield from _run(ctx, request, rules.pipelines.apply, "apply", parameters)
    if run.result.value != "succeeded":
        raise Refused(
            f"the applying run {run.id} ended as {run.result.value}; its log says why (another plan than the approved "
            "one is refused there); resume the order, which plans anew"
        )


def _set_up(ctx: Context, request: c.ProvisioningOrder, plan: c.PlanRead, change: str) -> Steps[str]:
    """Azure DevOps as the order needs it; then a pipeline tells Entra of its connections.

    Returns the digest of the federations that are settled.
    """
    setting_up = c.SettingUp(key=_key(request, f"set-up-{request.attempt}"), request=request)
    yield from _tell(ctx, request, OrderState.SETTING_UP, "", plan.digest, change)
    set_up = yield from call_through_outages(ctx, c.SET_UP_DEVOPS, setting_up)
    if set_up.settled:
        return set_up.digest
    rules = request.rules
    federations = [
        {"name": each.connection, "client": each.client, "issuer": each.issuer, "subject": each.subject}
        for each in set_up.federations
    ]
    parameters = {
        "serviceConnection": rules.writer,
        "environment": rules.gate,
        "federations": json.dumps(federations, sort_keys=True),
    }
    run = yield from _run(ctx, request, rules.pipelines.settle, "settle", parameters)
    if run.result.value != "succeeded":
        raise Refused(f"the settling run {run.id} ended as {run.result.value}; its log says why; resume the order")
    return set_up.digest


def _verified(ctx: Context, request: c.ProvisioningOrder, plan: c.PlanRead, change: str) -> Steps[str]:
    """Azure is as the templates say, the environments work, each persona may do what it should, and Azure DevOps is as
    wanted; what was proven of the personas. Raises Refused."""
    yield from _tell(ctx, request, OrderState.VERIFYING, "", plan.digest, change)
    run, rest = yield from _planned(ctx, request, "verify")
    if rest.changes:
        raise Refused(f"Azure is not as planned: {rest.changes} differences, the first {rest.first!r} (run {run})")
    look = yield from call_through_outages(ctx, c.LOOK_AT_SET_UP, c.SetUpLook(request=request))
    if look.differences:
        raise Refused(f"Azure DevOps is not as wanted: {'; '.join(look.differences)[:1500]}")
    if look.findings:
        raise Refused(f"the environments are not as they must be: {'; '.join(look.findings)[:1500]}; resume the order")
    return f"By their groups' roles: {'; '.join(look.proven)}"[:_LONGEST_PROOF] if look.proven else ""


def _conclude(ctx: Context, request: c.ProvisioningOrder, end: c.OrderEnd) -> Steps[c.OrderEnd]:
    yield from _tell(ctx, request, end.state, end.because, end.plan, end.change)
    closing = c.OrderClosing(
        key=_key(request, f"closed-{request.attempt}"), request=request, state=end.state, federated=end.federated
    )
    yield from call_through_outages(ctx, c.CLOSE_ORDER, closing)
    ctx.show("done", state=end.state.value, because=end.because[:300])
    return end


def await_change(ctx: Context, waiting: c.ChangeWaiting) -> Steps[c.ChangeSaid | None]:
    """Look at a change request until it is approved, or cannot be any more. Silence is no approval."""
    said, failures = yield from look_until(ctx, waiting, lambda _: _look_at_change(ctx, waiting), (StepFailed,))
    if said is None:
        start_over(ctx, later(waiting, failures))
    return said


def _look_at_change(ctx: Context, waiting: c.ChangeWaiting) -> Steps[c.ChangeSaid | None]:
    said = yield from call(ctx, c.LOOK_AT_CHANGE, waiting)
    if said.verdict is not ChangeVerdict.WAITING:
        return said
    if ctx.now.isoformat() >= waiting.deadline:
        because = f"nobody approved the change before {waiting.deadline}"
        return c.ChangeSaid(verdict=ChangeVerdict.STOPPED, because=because)
    return None


def _tell(
    ctx: Context, request: c.ProvisioningOrder, state: OrderState, because: str, plan: str = "", change: str = ""
) -> Steps[None]:
    ctx.show(state.value, because=because[:300])
    key = _key(request, f"told-{request.attempt}-{state.value.replace(' ', '-')}")
    telling = c.OrderTelling(key=key, request=request, state=state, because=because, plan=plan, change=change)
    yield from call_through_outages(ctx, c.TELL_ORDER, telling)


def _run(
    ctx: Context, request: c.ProvisioningOrder, pipeline: int, name: str, parameters: dict[str, str]
) -> Steps[c.DevOpsRun]:
    """The run of a pipeline to its end. The attempt is in its correlation: what failed is run again by a resume."""
    correlation = f"{request.id}-{name}-{request.attempt}"
    order = pipeline_run(request.rules, pipeline, correlation, parameters)
    return (yield from run_child(ctx, c.RUN_DEVOPS_PIPELINE, order, correlation))


def pipeline_run(
    rules: ProvisioningRules, pipeline: int, correlation: str, parameters: dict[str, str]
) -> c.RunOfPipeline:
    return c.RunOfPipeline(
        key=identity.provisioning_key("runs", correlation),
        organisation=rules.organisation,
        project=rules.project,
        pipeline=pipeline,
        correlation=correlation,
        parameters=parameters,
    )


def _parameters(request: c.ProvisioningOrder, connection: str) -> dict[str, str]:
    rules, order = request.rules, request.order
    return {**step_parameters(rules, order.team, order.step, connection), "variables": order.parameters}


def _key(request: c.ProvisioningOrder, effect: str) -> str:
    return identity.provisioning_key(request.id, effect)


def _short(plan: c.PlanRead) -> str:
    return plan.digest.removeprefix("sha256:")[:16]


def _end(request: c.ProvisioningOrder, state: OrderState, because: str, plan: str = "", change: str = "") -> c.OrderEnd:
    return c.OrderEnd(id=request.id, state=state, because=because, plan=plan, change=change)
