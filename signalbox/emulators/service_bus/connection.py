"""One connection of a client: bytes into Proton's engine, its events to the links, bytes out again."""

import asyncio
import secrets
import time
from typing import Any

from proton import SASL, Collector, Connection, Endpoint, Message, Transport, TransportException

from signalbox.emulators.service_bus.access import is_covered, path_of
from signalbox.emulators.service_bus.broker import RefusedError
from signalbox.emulators.service_bus.entities import Status
from signalbox.emulators.service_bus.links import (
    SESSION_FILTER,
    Inbox,
    Outlet,
    Requests,
    Responses,
    Service,
    accept,
    accept_session,
    close,
    response_to,
)
from signalbox.emulators.service_bus.management import status
from signalbox.emulators.service_bus.numbering import Numbering

_MANAGEMENT, _CBS = "/$management", "$cbs"
_NEEDS_SESSION = "It is not possible for an entity that requires sessions to create a non-sessionful message receiver."
_FORWARDS = "Can not create a message receiver on an entity with auto-forwarding enabled."
_HAS_NO_SESSIONS = "A sessionful message receiver cannot be created on an entity that does not require sessions."
_PATIENCE_S = 65.0  # How long the service looks for a next session where the client gives no time-out.


class AmqpConnection(asyncio.Protocol):
    """The server's side of a connection; it may use only what a token that it put on `$cbs` opens."""

    def __init__(self, service: Service, connections: set["AmqpConnection"]) -> None:
        self._service, self._connections = service, connections
        self._granted_entities: set[str] = set()
        self._outlets: dict[Any, Outlet] = {}
        self._seeking: dict[Any, tuple[str, float]] = {}  # Links that wait for a session, and until when.
        self._responses: dict[tuple[Any, str], tuple[Any, Responses]] = {}
        self._container = secrets.token_hex(8)
        self._numbering = Numbering()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._wire = transport
        self._connection, self._collector = Connection(), Collector()
        self._connection.collect(self._collector)
        self._connection.container = f"signalbox-{self._container}"
        self._engine = Transport(mode=Transport.SERVER)
        sasl = self._engine.sasl()
        sasl.allowed_mechs("ANONYMOUS")
        sasl.done(SASL.OK)
        self._engine.bind(self._connection)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        data = self._numbering.incoming(data)
        while data and (room := self._engine.capacity()) > 0:
            try:
                self._engine.push(data[:room])
            except TransportException:  # Not AMQP: Proton has the error and says goodbye with it.
                break
            data = data[room:]
            self._handle_events()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)
        self._let_go()

    def wake(self, path: str) -> None:
        """Something may have come to *path*."""
        for link, (sought, _) in list(self._seeking.items()):
            if sought == path:
                self._seek(link)
        for link, outlet in list(self._outlets.items()):
            if outlet.entity.path == path:
                outlet.pump(link)
        self._flush()

    def tick(self) -> None:
        """Time passed: give up on sessions that did not come, notice lost locks, keep the line alive."""
        for link, (path, until) in list(self._seeking.items()):
            if self._service.broker.clock() >= until:
                del self._seeking[link]
                close(link, "com.microsoft:timeout", f"No session of '{path}' became free in time.")
        for link, outlet in list(self._outlets.items()):
            self._service.broker.touch(outlet.entity.path)  # A receiver that waits is a use of what it waits for.
            if outlet.session is not None:
                outlet.pump(link)
        self._engine.tick(time.monotonic())
        self._flush()

    def shut(self) -> None:
        self._wire.close()

    def _handle_events(self) -> None:
        while (event := self._collector.peek()) is not None:
            handler = getattr(self, f"_{event.type.method}", None)
            if handler is not None:
                handler(event)
            self._collector.pop()

    def _flush(self) -> None:
        if self._wire.is_closing():
            return
        self._handle_events()
        while (pending := self._engine.pending()) > 0:
            self._wire.write(self._numbering.outgoing(self._engine.peek(pending)))
            self._engine.pop(pending)
        if pending < 0 or self._engine.closed:
            self._wire.close()

    def _on_connection_remote_open(self, event: Any) -> None:
        event.connection.open()

    def _on_session_remote_open(self, event: Any) -> None:
        event.session.open()

    def _on_link_remote_open(self, event: Any) -> None:
        link = event.link
        end = link.remote_source if link.is_sender else link.remote_target
        path = path_of(end.address or "")
        if path != _CBS and not any(
            is_covered(path.removesuffix(_MANAGEMENT), audience) for audience in self._granted_entities
        ):
            description = f"Unauthorized access. A token with the claim for '{path}' is required."
            close(link, "amqp:unauthorized-access", description)
        elif path == _CBS or path.endswith(_MANAGEMENT):
            self._open_pair(link, path)
        elif not self._service.broker.namespace.exists(path):
            close(link, "amqp:not-found", f"The messaging entity '{path}' could not be found.")
        elif link.is_receiver:
            self._open_inbox(link, path)
        else:
            self._open_outlet(link, path)

    def _open_pair(self, link: Any, path: str) -> None:
        if link.is_sender:
            link.role = Responses()
            self._responses[(link.session, path)] = (link, link.role)
        else:
            answer = self._put_token if path == _CBS else self._manager(path.removesuffix(_MANAGEMENT))
            session = link.session
            link.role = Requests(answer, lambda response: self._respond(session, path, response))
        accept(link, self._service.max_message_bytes)

    def _open_inbox(self, link: Any, path: str) -> None:
        namespace = self._service.broker.namespace
        target = namespace.topic(path) or namespace.entity(path)
        if not namespace.takes_messages(path):
            close(link, "amqp:not-allowed", f"'{path}' takes no messages: send to its queue or topic")
        elif target is not None and target.status in (Status.DISABLED, Status.SEND_DISABLED):
            close(link, "com.microsoft:entity-disabled", f"'{path}' is disabled: it takes no messages.")
        else:
            link.role = Inbox(self._service, path)
            accept(link, self._service.max_message_bytes)

    def _open_outlet(self, link: Any, path: str) -> None:
        entity = self._service.broker.namespace.entity(path)
        wants = SESSION_FILTER in _filters(link)
        if entity is None:
            close(link, "amqp:not-allowed", f"'{path}' is a topic: receive from one of its subscriptions")
        elif entity.status in (Status.DISABLED, Status.RECEIVE_DISABLED):
            close(link, "com.microsoft:entity-disabled", f"'{path}' is disabled: it gives no messages.")
        elif entity.forward_to:
            close(link, "amqp:not-allowed", _FORWARDS)
        elif entity.sessions != wants:
            message = _NEEDS_SESSION if entity.sessions else _HAS_NO_SESSIONS
            close(link, "amqp:not-allowed", message)
        elif wants:
            timeout_ms = (link.remote_properties or {}).get("com.microsoft:timeout")
            patience = _PATIENCE_S if timeout_ms is None else timeout_ms / 1000
            self._seeking[link] = (path, self._service.broker.clock() + patience)
            self._seek(link)
        else:
            link.role = self._outlets[link] = Outlet(self._service, entity, None, self._container)
            accept(link, self._service.max_message_bytes)

    def _seek(self, link: Any) -> None:
        path, _ = self._seeking[link]
        session_id = _filters(link).get(SESSION_FILTER)
        owner = f"{self._container}/{link.name}"
        try:
            session = self._service.sessions.accept(path, None if session_id is None else str(session_id), owner)
        except RefusedError as refusal:
            del self._seeking[link]
            close(link, refusal.condition, str(refusal))
            return
        if session is None:
            return
        del self._seeking[link]
        entity = self._service.broker.namespace.entity(path)
        assert entity is not None
        link.role = self._outlets[link] = Outlet(self._service, entity, session[0], owner)
        accept_session(link, *session)

    def _on_link_flow(self, event: Any) -> None:
        role = getattr(event.link, "role", None)
        if isinstance(role, (Outlet, Responses)):
            role.pump(event.link)

    def _on_delivery(self, event: Any) -> None:
        delivery, link = event.delivery, event.link
        role = getattr(link, "role", None)
        if isinstance(role, (Inbox, Requests)) and delivery.readable and not delivery.partial:
            payload = link.recv(delivery.pending) or b""
            link.advance()
            role.receive(link, delivery, payload)
        elif link in self._outlets and delivery.updated and (delivery.remote_state or delivery.settled):
            # What comes behind the end of a link says nothing: the client says it again by `$management`.
            self._outlets[link].settled(delivery)

    def _on_link_remote_close(self, event: Any) -> None:
        link = event.link
        self._seeking.pop(link, None)
        outlet = self._outlets.pop(link, None)
        if outlet is not None:
            outlet.closed()
        self._responses = {key: pair for key, pair in self._responses.items() if pair[0] != link}
        link.close()

    _on_link_remote_detach = _on_link_remote_close

    def _on_session_remote_close(self, event: Any) -> None:
        event.session.close()

    def _on_connection_remote_close(self, event: Any) -> None:
        event.connection.close()

    def _on_link_local_close(self, event: Any) -> None:
        outlet = self._outlets.pop(event.link, None)
        if outlet is not None:
            outlet.closed()

    def _respond(self, session: Any, path: str, response: Any) -> None:
        pair = self._responses.get((session, path))
        if pair is not None:
            link, responses = pair
            responses.add(response)
            responses.pump(link)

    def _put_token(self, request: Any) -> Any:
        properties = request.properties or {}
        audience, token = str(properties.get("name", "")), str(request.body or "")
        good = properties.get("operation") == "put-token" and self._service.access.opens(token, audience)
        if good:
            self._granted_entities.add(path_of(audience))
        code, description = (
            (202, "Accepted") if good else (401, "InvalidSignature: The token is not valid for this entity.")
        )
        return Message(properties={"status-code": status(code), "status-description": description})

    def _manager(self, path: str) -> Any:
        def answer(request: Any) -> Any:
            operation = str((request.properties or {}).get("operation", ""))
            body = request.body if isinstance(request.body, dict) else {}
            return response_to(self._service.management.answer(path, operation, body))

        return answer

    def _let_go(self) -> None:
        for outlet in self._outlets.values():
            outlet.closed()
        self._outlets, self._seeking = {}, {}


def _filters(link: Any) -> dict[str, Any]:
    data = link.remote_source.filter
    data.rewind()
    return dict(data.get_dict()) if data.next() and link.state & Endpoint.REMOTE_ACTIVE else {}
