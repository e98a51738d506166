"""One object per AMQP link: what arrives on it, and what it may send. Proton knows the protocol, these the meaning."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from proton import Condition, Delivery, Link, Message, Terminus, symbol

from signalbox.emulators.service_bus.access import Access
from signalbox.emulators.service_bus.broker import Broker, RefusedError
from signalbox.emulators.service_bus.entities import Entity
from signalbox.emulators.service_bus.locks import Locks, Outcome
from signalbox.emulators.service_bus.management import Management, status
from signalbox.emulators.service_bus.sections import MalformedError, read_messages
from signalbox.emulators.service_bus.sessions import Sessions

_CREDIT = 200
_SETTLED = 1  # snd-settle-mode: what is delivered is settled, that is, removed.
_TICKS_1970 = 621355968000000000  # .NET counts 100 ns since the year 1.
SESSION_FILTER = symbol("com.microsoft:session-filter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What links act on."""

    broker: Broker
    locks: Locks
    sessions: Sessions
    management: Management
    access: Access
    max_message_bytes: int


class Inbox:
    """A client sends to *path*."""

    def __init__(self, service: Service, path: str) -> None:
        self._service, self._path = service, path

    def receive(self, link: Any, delivery: Any, payload: bytes) -> None:
        if is_too_large(link, delivery, payload):
            return
        try:
            self._service.broker.send(self._path, read_messages(payload))
        except RefusedError as refusal:
            reject(delivery, refusal.condition, str(refusal))
        except MalformedError as error:
            reject(delivery, "amqp:decode-error", str(error))
        else:
            delivery.update(Delivery.ACCEPTED)
        delivery.settle()
        replenish(link)


class Requests:
    """A client sends requests; *answer* works out the response and *respond* sends it on the link beside this one."""

    def __init__(self, answer: Callable[[Any], Any], respond: Callable[[Any], None]) -> None:
        self._answer, self._respond = answer, respond

    def receive(self, link: Any, delivery: Any, payload: bytes) -> None:
        if is_too_large(link, delivery, payload):
            return
        delivery.update(Delivery.ACCEPTED)
        delivery.settle()
        replenish(link)
        request = Message()
        request.decode(payload)
        response = self._answer(request)
        response.correlation_id = request.id
        self._respond(response)


class Responses:
    """What waits for credit of the client's receiving link."""

    def __init__(self) -> None:
        self._queue: list[bytes] = []
        self._sent_count = 0

    def add(self, response: Any) -> None:
        self._queue.append(response.encode())

    def pump(self, link: Any) -> None:
        while self._queue and link.credit > 0:
            self._sent_count += 1
            link.delivery(f"r{self._sent_count}")
            link.send(self._queue.pop(0))
            link.current.settle()
            link.advance()


class Outlet:
    """A client receives from *entity*, within *session* where the entity has sessions."""

    def __init__(self, service: Service, entity: Entity, session: str | None, owner: str) -> None:
        self._service, self.entity, self.session, self._owner = service, entity, session, owner

    def pump(self, link: Any) -> None:
        """Send what there is credit for; where the client drains its link, give the rest of the credit back."""
        if not self._service.broker.namespace.exists(self.entity.path):
            close(link, "amqp:not-found", f"The messaging entity '{self.entity.path}' could not be found.")
            return
        if self._is_lost():
            close(link, "com.microsoft:session-lock-lost", f"The session lock of '{self.session}' has expired.")
            return
        removes = link.remote_snd_settle_mode == _SETTLED
        if link.credit > 0:
            for message in self._service.locks.take(self.entity.path, link.credit, self.session, remove=removes):
                delivery = link.delivery(message.token or f"s{message.sequence:015d}")
                link.send(message.payload)
                link.advance()
                if removes:
                    delivery.settle()
        link.drained()

    def settled(self, delivery: Any) -> None:
        """The client decided: apply it and say whether it counts."""
        outcome = outcome_of(delivery)
        if outcome is not None:
            try:
                self._service.locks.settle(delivery.tag, outcome)
            except RefusedError as refusal:
                reject(delivery, refusal.condition, str(refusal))
            else:
                delivery.update(delivery.remote_state)
        delivery.settle()

    def closed(self) -> None:
        if self.session is not None:
            self._service.sessions.release(self.entity.path, self.session, self._owner)

    def _is_lost(self) -> bool:
        return self.session is not None and not self._service.sessions.holds(
            self.entity.path, self.session, self._owner
        )


def outcome_of(delivery: Any) -> Outcome | None:
    """What the client's delivery state means in the service, None where it says nothing."""
    state, remote = delivery.remote_state, delivery.remote
    if state == Delivery.ACCEPTED:
        return Outcome(verdict="complete")
    if state == Delivery.REJECTED:
        info = (remote.condition.info if remote.condition else None) or {}
        fields = {str(key): value for key, value in info.items()}
        description = fields.get("DeadLetterErrorDescription")
        return Outcome(verdict="dead-letter", reason=fields.get("DeadLetterReason"), description=description)
    if state == Delivery.MODIFIED:
        return Outcome(verdict="defer" if remote.undeliverable else "abandon")
    return Outcome(verdict="release") if state == Delivery.RELEASED else None


def is_too_large(link: Any, delivery: Any, payload: bytes) -> bool:
    """Whether *payload* is more than the link takes; then it is refused already."""
    size, limit = len(payload), link.max_message_size
    if size > limit:
        message = f"The message (size: {size} bytes) exceeds the limit ({limit} bytes) currently allowed on the link."
        reject(delivery, "amqp:link:message-size-exceeded", message)
        delivery.settle()
        replenish(link)
    return bool(size > limit)


def reject(delivery: Any, condition: str, message: str) -> None:
    # The client waits for ever where a condition has no `info`.
    delivery.local.condition = Condition(condition, message, {symbol("com.microsoft:tracking-id"): uuid4().hex})
    delivery.update(Delivery.REJECTED)


def replenish(link: Any) -> None:
    if link.credit < _CREDIT // 2:
        link.flow(_CREDIT - link.credit)


def accept(link: Any, max_message_bytes: int) -> None:
    """Open the link as the client asked for it."""
    link.source.copy(link.remote_source)
    link.target.copy(link.remote_target)
    link.snd_settle_mode, link.rcv_settle_mode = link.remote_snd_settle_mode, link.remote_rcv_settle_mode
    link.max_message_size = max_message_bytes
    link.open()
    if link.is_receiver:
        link.flow(_CREDIT)


def accept_session(link: Any, session: str, until: float) -> None:
    """Open a link that holds *session* until the moment given."""
    link.properties = {symbol("com.microsoft:locked-until-utc"): int(until * 10_000_000) + _TICKS_1970}
    link.source.copy(link.remote_source)
    link.source.filter.clear()
    link.source.filter.put_dict({SESSION_FILTER: session})
    link.target.copy(link.remote_target)
    link.snd_settle_mode, link.rcv_settle_mode = link.remote_snd_settle_mode, link.remote_rcv_settle_mode
    link.open()


def close(link: Any, condition: str, message: str) -> None:
    if not link.state & Link.LOCAL_ACTIVE and not link.state & Link.LOCAL_CLOSED:
        # AMQP knows no refusal of a link: it is opened without its ends, by which the client sees that there is more to
        # come, and closed at once.
        link.source.type = link.target.type = Terminus.UNSPECIFIED
        link.open()
    link.condition = Condition(condition, message)
    link.close()


def response_to(answer: tuple[int, str, dict[str, Any] | None, str | None]) -> Any:
    """The response message of a management operation."""
    code, description, body, condition = answer
    properties = {"statusCode": status(code), "statusDescription": description}
    if condition:
        properties["errorCondition"] = symbol(condition)
    return Message(body=body, inferred=False, properties=properties)
