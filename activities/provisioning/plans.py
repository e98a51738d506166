"""The plan of an order as its run has attached it, and the change request of ServiceNow that is about exactly it."""

from activities.effects import once
from activities.provisioning.orders import mark_of
from shared import contracts as c
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.identity import digest
from shared.domain.provisioning.plans import ATTACHMENTS, AzurePlan, ChangeVerdict, plan_of, shown_lines, verdict_on
from shared.records.provisioning import paths as provisioning_paths

_LONGEST_FIELD = 4000  # What ServiceNow keeps of a description.


def read_plan(clients: Clients, reading: c.PlanReading) -> c.PlanRead:
    """The plan, kept for people to read. What is applied later is bound by the digest that is returned here."""

    def act() -> c.PlanRead:
        rules = reading.request.rules
        run = (rules.organisation, rules.project, reading.run)
        plan = plan_of(clients.provisioner.files.attached(*run, ATTACHMENTS))
        clients.store.create_document(provisioning_paths.plan(reading.request.id, reading.run), plan)
        return c.PlanRead(digest=plan.digest, changes=len(plan.lines), first="".join(plan.lines[:1])[:300])

    return once(clients, reading.key, c.PlanRead, act)


def open_change(clients: Clients, opening: c.ChangeOpening) -> c.ChangeOpened:
    """The change request, found by its correlation before it is made: there is one for each plan of an order."""

    def act() -> c.ChangeOpened:
        request, order = opening.request, opening.request.order
        plan = clients.store.get(AzurePlan, provisioning_paths.plan(request.id, opening.run))
        if plan is None or plan.digest != opening.plan:
            raise Refused(f"the plan of run {opening.run} on record is not {opening.plan}; resume the order")
        correlation = digest(request.id, opening.plan, length=32)
        text = (
            f"Order {request.id}, asked for by {order.request.number} for {order.by}.\n"
            f"Plan {opening.plan}, made by run {opening.run}. Exactly this is applied:\n{shown_lines(plan)}"
        )
        rest = f"\n... the rest is in run {opening.run}"
        fields = {
            "short_description": f"Provision {order.step.value} of {order.team}",
            "description": text if len(text) <= _LONGEST_FIELD else f"{text[: _LONGEST_FIELD - len(rest)]}{rest}",
            "parent": order.request.sys_id,
            "correlation_display": "signalbox",
        }
        if request.rules.assignment_group:
            fields["assignment_group"] = request.rules.assignment_group
        change = clients.provisioner.desk.open_change(correlation, fields)
        clients.provisioner.desk.note_change(correlation, mark_of(opening.key), f"Opened for plan {opening.plan}.")
        return c.ChangeOpened(number=change.number, correlation=correlation)

    return once(clients, opening.key, c.ChangeOpened, act)


def look_at_change(clients: Clients, waiting: c.ChangeWaiting) -> c.ChangeSaid:
    """What ServiceNow says of the change now."""
    change = clients.provisioner.desk.look_at_change(waiting.correlation)
    verdict = verdict_on(change, waiting.rules)
    if verdict is ChangeVerdict.WAITING:
        return c.ChangeSaid(verdict=verdict)
    return c.ChangeSaid(
        verdict=verdict, because=f"{change.number} is {change.approval or 'not approved'}, state {change.state}"
    )
