"""The end of a team's step: is it still wanted by both, and what is recorded once a pipeline has removed it."""

from dataclasses import replace

from activities.effects import once, stamp
from activities.provisioning.orders import mark_of
from shared import contracts as c
from shared.application.provisioning.standing import stands
from shared.application.provisioning.teardowns import teardown_id
from shared.clients import Clients
from shared.domain.identity import digest
from shared.domain.promotion.audit import Entry
from shared.domain.provisioning.rules import ProvisioningStep
from shared.records.provisioning import TeamStanding, find_order, find_standing
from shared.records.provisioning import paths as provisioning_paths


def look_at_teardown(clients: Clients, step: c.TeardownStep) -> c.TeardownStands:
    """Whether the very teardown that was confirmed still stands: the audit log knows both who wanted it."""
    teardown, audit = step.teardown, clients.audit
    standing = find_standing(clients.store, teardown.team, teardown.step)
    asked = None if standing is None else standing.teardown
    if standing is None or asked is None or teardown_id(standing) != teardown.id:
        return c.TeardownStands(wanted=False, because="it was taken back")
    key = f"provisioning/{teardown.team}/{teardown.step}/teardown/{asked.at}"
    first, second = audit.find(f"{key}/asked"), audit.find(f"{key}/confirmed")
    if first is None or second is None or not _are_two(first, second, teardown.after):
        return c.TeardownStands(wanted=False, because="the audit log does not know two people who want it")
    if standing.working:
        return c.TeardownStands(wanted=False, because=f"order {standing.order} is at work on it")
    later = ProvisioningStep.PRODUCTIONISATION
    if teardown.step != later and stands(clients.store, audit, teardown.team, later):
        return c.TeardownStands(wanted=False, because=f"{later.value} was made on it meanwhile")
    return c.TeardownStands(wanted=True)


def _are_two(first: Entry, second: Entry, after: str) -> bool:
    """Whether two people have spoken, in two roles, and the second for an end not before *after*."""
    return (
        first.who != second.who
        and first.facts.get("role") != second.facts.get("role")
        and second.facts.get("after") == after
    )


def close_teardown(clients: Clients, closing: c.TeardownClosing) -> c.Done:
    """Say that the step is gone, or why it is not; the next order may then make it anew."""

    def act() -> c.Done:
        teardown, moment = closing.teardown, stamp(clients)
        ready = teardown.order
        facts = {"step": teardown.step, "order": ready, "because": closing.because}
        if closing.gone:
            key = provisioning_paths.gone(teardown.team, teardown.step, ready)
            clients.audit.append(key, "provisioning torn down", teardown.team, "signalbox", facts)
        else:
            clients.audit.append(closing.key, "teardown failed", teardown.team, "signalbox", facts)

        def ended(found: TeamStanding | None) -> TeamStanding | None:
            if found is None or found.ready != ready:
                return None
            if not closing.gone:
                return replace(found, teardown=None)
            return replace(found, teardown=None, ready="", digest="", federated="", drift=(), gone=moment)

        clients.store.change(TeamStanding, provisioning_paths.standing(teardown.team, teardown.step), ended)
        _tell(clients, closing)
        return c.Done(at=moment)

    return once(clients, closing.key, c.Done, act)


def _tell(clients: Clients, closing: c.TeardownClosing) -> None:
    teardown = closing.teardown
    record = find_order(clients.store, teardown.order)
    text = "It was torn down." if closing.gone else f"It could not be torn down: {closing.because}"
    if record is not None:
        clients.provisioner.desk.note(record.order.request, mark_of(closing.key), text)
    kind = "Signalbox.Provisioning.TornDown" if closing.gone else "Signalbox.Provisioning.TeardownFailed"
    data = {"team": teardown.team, "step": teardown.step, "order": teardown.order, "because": closing.because}
    clients.announcer.announce(digest(closing.key, length=32), kind, f"provisioning/{teardown.id}", data)
