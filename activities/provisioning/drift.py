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
from shared.records.provisioning import PLATFORM_TEAM, OrderRecord, TeamStanding, find_order, standings
from shared.records.provisioning import paths as provisioning_paths

_MOST_LINES = 100


def list_standings(clients: Clients, sweep: c.Sweep) -> c.StandingList:
    """The platform's looks, and the steps that are ready and on which no order works: what is being changed is not
    looked at.

    The timer looks once a day, however often it ticks; a person's look is one of its own.
    """
    rules = clients.configuration.provisioning
    if rules is None:
        return c.StandingList()
    rows = [c.StandingRow(team=PLATFORM_TEAM, step=look.name, order="", variables="") for look in rules.platform]
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
    """The differences that the night's run has found: on record, and told if new.

    Of a team's step also those of Azure DevOps, and what people may do that they should not.
    """

    def act() -> c.DriftRead:
        rules, row, provisioner = reading.rules, reading.row, clients.provisioner
        record = find_order(clients.store, row.order) if row.order else None
        if row.order and record is None:
            raise Refused(f"the record of {row.order} is not there, so that its drift cannot be said")
        attached = provisioner.files.attached(rules.organisation, rules.project, reading.run, ATTACHMENTS)
        try:
            lines = plan_of(attached).lines
        except Refused as refusal:
            lines = (f"nobody knows whether Azure has changed: {refusal}",)  # Nothing found would look the same.
        if record is not None:
            seen = provisioner.set_up.look(wanted_set_up(record.order, rules))
            # What-if says nothing of a role that somebody has given besides: a look at what people may do finds it.
            problems = verify_environments(clients, rules, row.team, ProvisioningStep(row.step)).problems
            lines = (*lines, *(f"Azure DevOps: {difference}" for difference in seen.differences), *problems)
        moment = clients.clock.now().isoformat(timespec="milliseconds")

        def looked(found: TeamStanding | None) -> TeamStanding | None:
            standing = found or (TeamStanding(team=row.team, step=row.step) if record is None else None)
            return None if standing is None else replace(standing, looked=moment, drift=lines[:_MOST_LINES])

        paths = provisioning_paths
        path = paths.platform(row.step) if record is None else paths.standing(row.team, row.step)
        clients.store.change(TeamStanding, path, looked)
        if lines:
            _tell(clients, reading, record, lines)
        return c.DriftRead(lines=len(lines))

    return once(clients, reading.key, c.DriftRead, act)


def _tell(clients: Clients, reading: c.DriftReading, record: OrderRecord | None, lines: tuple[str, ...]) -> None:
    row = reading.row
    key = f"provisioning/{row.team}/{row.step}/drift/{digest(row.order, *lines)}"
    facts = {"team": row.team, "step": row.step, "lines": "\n".join(lines[:10])[:1000], "run": str(reading.run)}
    about = f"provisioning/{row.order or row.step}"
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
