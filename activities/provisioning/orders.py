"""The record of an order: opened by one execution, told state by state, closed; and the claim on its team's step."""

from dataclasses import replace

from activities.effects import once, stamp
from shared import contracts as c
from shared.application.provisioning.standing import refusal_of_step
from shared.clients import Clients
from shared.domain.failures import Refused, Transient
from shared.domain.identity import digest
from shared.domain.provisioning.orders import order_problems
from shared.domain.provisioning.states import OrderState, first_words, may_follow
from shared.records.provisioning import OrderRecord, OrderTransition, TeamStanding, find_order
from shared.records.provisioning import paths as provisioning_paths


def open_order(clients: Clients, opening: c.OrderOpening) -> c.OrderOpened:
    """The record and the claim on the step. An execution that comes second learns that it has nothing to do."""
    request = opening.request
    path = provisioning_paths.order(request.id)
    record = OrderRecord(
        order=request.order,
        digest=request.order.digest,
        opened=stamp(clients),
        attempt=request.attempt,
        execution=opening.execution,
    )

    def begun(found: OrderRecord | None) -> OrderRecord | None:
        if found is None:
            return record
        if found.attempt >= request.attempt or found.digest != record.digest:
            return None
        begun_again = replace(found, attempt=request.attempt, execution=opening.execution)
        if found.state is OrderState.FAILED:
            return begun_again
        because = "its orchestration was ended from outside"
        lost = OrderTransition(state=OrderState.FAILED, at=record.opened, because=because, attempt=found.attempt)
        return replace(begun_again, transitions=(*found.transitions, lost))

    clients.store.change(OrderRecord, path, begun)
    found = find_order(clients.store, request.id)
    if found is None:
        raise Transient(f"the record of {request.id} was removed while it was opened")
    if (found.attempt, found.execution) != (request.attempt, opening.execution):
        return c.OrderOpened(already=True)
    return c.OrderOpened(objection=_refusal(clients, request) or _claimed(clients, request))


def tell_order(clients: Clients, telling: c.OrderTelling) -> c.Done:
    """A transition: on the record, in the audit log, on the request in ServiceNow, and announced; once each."""

    def act() -> c.Done:
        request, state = telling.request, telling.state
        _record(clients, telling)
        order = request.order
        facts = {"order": request.id, "digest": order.digest, "state": state.value, "because": telling.because[:1000]}
        facts |= {"plan": telling.plan, "change": telling.change, "request": order.request.number}
        clients.audit.append(telling.key, f"provisioning {state.value}", order.team, order.by, facts)
        text = f"{first_words(state)} {telling.because}".strip()
        clients.provisioner.desk.note(order.request, mark_of(telling.key), text)
        data = {**facts, "team": order.team, "step": order.step.value}
        kind = f"Signalbox.Provisioning.{state.value.title().replace(' ', '')}"
        clients.announcer.announce(digest(telling.key, length=32), kind, f"provisioning/{request.id}", data)
        return c.Done(at=stamp(clients))

    return once(clients, telling.key, c.Done, act)


def close_order(clients: Clients, closing: c.OrderClosing) -> c.Done:
    """Give the step free; if it is ready, say so for good; and close the request, unless it can be resumed."""

    def act() -> c.Done:
        request, order, is_ready = closing.request, closing.request.order, closing.state is OrderState.READY
        if is_ready:
            key = provisioning_paths.verified(order.team, order.step, request.id)
            facts = {"order": request.id, "digest": order.digest}
            clients.audit.append(key, "provisioning verified", order.team, order.by, facts)

        def freed(found: TeamStanding | None) -> TeamStanding | None:
            if found is None or found.order != request.id:
                return None
            if not is_ready:
                return replace(found, working=False)
            fields = {"ready": request.id, "digest": order.digest, "federated": closing.federated}
            return replace(found, working=False, drift=(), gone=None, teardown=None, **fields)

        clients.store.change(TeamStanding, provisioning_paths.standing(order.team, order.step), freed)
        if closing.state is not OrderState.FAILED:
            clients.provisioner.desk.close(order.request, is_ready, first_words(closing.state))
        return c.Done(at=stamp(clients))

    return once(clients, closing.key, c.Done, act)


def mark_of(key: str) -> str:
    """What a note carries, so that it is found again before it is written twice."""
    return f"signalbox {digest(key)}"


def _record(clients: Clients, telling: c.OrderTelling) -> None:
    request, state = telling.request, telling.state

    def passed(found: OrderRecord | None) -> OrderRecord | None:
        if found is None:
            raise Transient(f"the record of {request.id} is not there")
        if any((each.state, each.attempt) == (state, request.attempt) for each in found.transitions):
            return None
        if not may_follow(found.state, state):
            raise Refused(f"{request.id} is {found.state}, and cannot become {state.value}")
        because = telling.because[:1000]
        transition = OrderTransition(state=state, at=stamp(clients), because=because, attempt=request.attempt)
        return replace(
            found,
            transitions=(*found.transitions, transition),
            plan=telling.plan or found.plan,
            change=telling.change or found.change,
        )

    clients.store.change(OrderRecord, provisioning_paths.order(request.id), passed)


def _refusal(clients: Clients, request: c.ProvisioningOrder) -> str:
    """Why the order may not be carried out; empty where it may."""
    order = request.order
    if problems := list(order_problems(order, request.rules)):
        return "; ".join(problems)
    # What came through the door is a hint. The truth about an approval is in ServiceNow.
    approval = clients.provisioner.desk.approval(order.request)
    if approval != "approved":
        return f"{order.request.number} is {approval or 'not requested'} in ServiceNow, and must be approved"
    return refusal_of_step(clients.store, clients.audit, order)


def _claimed(clients: Clients, request: c.ProvisioningOrder) -> str:
    """Claim the step, which one order at a time may work on; or why it cannot be."""
    order, refusal = request.order, ""

    def claim(found: TeamStanding | None) -> TeamStanding | None:
        nonlocal refusal
        standing = found or TeamStanding(team=order.team, step=order.step)
        refusal = ""
        if standing.working and standing.order != request.id:
            refusal = f"order {standing.order} is at work on {order.step.value} of {order.team}; wait for its end"
            return None
        if standing.teardown is not None:
            refusal = f"{order.step.value} of {order.team} is being torn down; take that back, or wait for its end"
            return None
        if standing.working:
            return None
        return replace(standing, working=True, order=request.id)

    clients.store.change(TeamStanding, provisioning_paths.standing(order.team, order.step), claim)
    return refusal
