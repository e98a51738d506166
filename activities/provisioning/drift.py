"""What stands, and whether it still is as it was verified: each finding is told once, however many nights it lasts."""

from dataclasses import replace

from activities.effects import Alarm, once, raise_alarm
from activities.provisioning.orders import mark_of
from activities.provisioning.set_up import verify_environments
from shared import contracts as c
from shared.application.provisioning.standing import stands
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.domain.identity import digest
from shared.domain.provisioning.plans import ATTACHMENTS, plan_of
from shared.domain.provisioning.rules import ProvisioningStep
from shared.domain.provisioning.set_up import wanted_set_up
from shared.records.provisioning import TeamStanding, find_order, standings
from shared.records.provisioning import paths as provisioning_paths

_MOST_LINES = 100


def list_standings(clients: Clients, sweep: c.Sweep) -> c.StandingList:
    """The steps that are ready and on which no order works: what is being changed is not looked at.

    The timer looks once a day, however often it ticks; a person's look is one of its own.
    """
    rules = clients.configuration.provisioning
    if rules is None:
        return c.StandingList()
    rows = list[c.StandingRow]()
    for standing in standings(clients.store):
        if standing.working or not stands(clients.store, clients.audit, standing.team, ProvisioningStep(standing.step)):
            continue
        record = find_order(clients.store, standing.ready)
        if record is not None:
            variables = record.order.parameters
            row = c.StandingRow(team=standing.team, step=standing.step, order=standing.ready, variables=variables)
            rows.append(row)
    by_timer = sweep.key == c.RECONCILE_PROVISIONING.name.replace("_", "-")
    day = clients.clock.now().date().isoformat() if by_timer else sweep.key.removeprefix(c.DRIFT_LOOK)
    return c.StandingList(rules=rules, rows=tuple(rows), day=day)


def read_drift(clients: Clients, reading: c.DriftReading) -> c.DriftRead:
    """The differences that the night's run has found, those of Azure DevOps, and what people may do that they should
    not: on record, and told if new."""

    def act() -> c.DriftRead:
        rules, row = reading.rules, reading.row
        plan = plan_of(clients.provisioner.files.attached(rules.organisation, rules.project, reading.run, ATTACHMENTS))
        record = find_order(clients.store, row.order)
        if record is None:
            raise Refused(f"the record of {row.order} is not there, so that its drift cannot be said")
        seen = clients.provisioner.set_up.look(wanted_set_up(record.order, rules))
        # What-if says nothing of a role that somebody has given besides: only a look at what people may do finds it.
        problems = verify_environments(clients, rules, row.team, ProvisioningStep(row.step)).problems
        lines = (*plan.lines, *(f"Azure DevOps: {difference}" for difference in seen.differences), *problems)
        moment = clients.clock.now().isoformat(timespec="milliseconds")

        def looked(found: TeamStanding | None) -> TeamStanding | None:
            return None if found is None else replace(found, looked=moment, drift=lines[:_MOST_LINES])

        clients.store.change(TeamStanding, provisioning_paths.standing(row.team, row.step), looked)
        if lines:
            _tell(clients, reading, lines)
        return c.DriftRead(lines=len(lines))

    return once(clients, reading.key, c.DriftRead, act)


def _tell(clients: Clients, reading: c.DriftReading, lines: tuple[str, ...]) -> None:
    row = reading.row
    record = find_order(clients.store, row.order)
    key = f"provisioning/{row.team}/{row.step}/drift/{digest(row.order, *lines)}"
    facts = {"team": row.team, "step": row.step, "lines": "\n".join(lines[:10])[:1000], "run": str(reading.run)}
    about = f"provisioning/{row.order}"
    alarm = Alarm(
        key=key,
        kind="provisioning drifted",
        subject=row.team,
        event="Signalbox.Provisioning.Drifted",
        about=about,
        facts=facts,
    )
    raise_alarm(clients, alarm)
    if record is not None:
        text = f"Somebody changed what was provisioned; run {reading.run} has all of it.\n{facts['lines']}"
        clients.provisioner.desk.note(record.order.request, mark_of(key), text)
