"""The request and response operations of `$management`: renew, peek, schedule, defer, settle, session state.

Source: AMQP 1.0 in Azure Service Bus, request-response-based operations. Rules of subscriptions are not changed here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from proton import UNDESCRIBED, Array, Data, int32, timestamp

from signalbox.emulators.service_bus.broker import Broker, RefusedError
from signalbox.emulators.service_bus.locks import Locks, Outcome
from signalbox.emulators.service_bus.schema import Held, lock_of, token_of
from signalbox.emulators.service_bus.sections import MalformedError, read_messages
from signalbox.emulators.service_bus.sessions import Sessions

_VENDOR = "com.microsoft:"
_STATUSES = {"com.microsoft:message-lock-lost": 410, "com.microsoft:session-lock-lost": 410, "amqp:not-allowed": 400}
_MAX_TIME_MS = 253402300800000  # .NET's DateTime.MaxValue, by which clients ask for all sessions.
_VERDICTS = {"completed": "complete", "abandoned": "abandon", "defered": "defer", "suspended": "dead-letter"}

Answer = tuple[int, str, dict[str, Any] | None, str | None]  # status, description, body, error condition
Operation = Callable[["Management", str, Mapping[str, Any]], dict[str, Any] | None]


class Management:
    """Answers one operation on the entity at a path."""

    def __init__(self, broker: Broker, locks: Locks, sessions: Sessions) -> None:
        self._broker, self._locks, self._sessions = broker, locks, sessions

    def answer(self, path: str, operation: str, body: Mapping[str, Any]) -> Answer:
        """Never raises: a refusal is an answer."""
        operation_body = _OPERATIONS.get(operation.removeprefix(_VENDOR))
        if operation_body is None:
            return 501, f"the emulator does not serve {operation}", None, "amqp:not-implemented"
        try:
            answer = operation_body(self, path, body)
        except RefusedError as refusal:
            return _STATUSES.get(refusal.condition, 404), str(refusal), None, refusal.condition
        except (MalformedError, KeyError, TypeError, ValueError) as error:
            return 400, f"{type(error).__name__}: {error}", None, "com.microsoft:argument-error"
        return (204, "No content", None, None) if answer is None else (200, "OK", answer, None)

    def _renew(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        del path  # A lock token says which message it locks.
        moments = self._locks.renew([token_of(token) for token in body["lock-tokens"]])
        return {"expirations": Array(UNDESCRIBED, Data.TIMESTAMP, *(_moment(moment) for moment in moments))}

    def _renew_session(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"expiration": _moment(self._sessions.renew(path, body["session-id"]))}

    def _peek(self, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        first, count = int(body["from-sequence-number"]), int(body["message-count"])
        messages = self._broker.peek(path, first, count, body.get("session-id"))
        return {"messages": [{"message": message.payload} for message in messages]} if messages else None

    def _schedule(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        messages = [read_messages(bytes(message["message"]))[0] for message in body["messages"]]
        return {"sequence-numbers": Array(UNDESCRIBED, Data.LONG, *self._broker.send(path, messages))}

    def _cancel(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._broker.cancel(path, [int(number) for number in body["sequence-numbers"]])
        return {}

    def _receive_deferred(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        numbers = [int(number) for number in body["sequence-numbers"]]
        messages = self._locks.take_deferred(path, numbers, remove=int(body["receiver-settle-mode"]) == 0)
        return {"messages": [_entry(message) for message in messages]}

    def _settle(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        del path
        outcome = Outcome(
            verdict=_VERDICTS[body["disposition-status"]],
            reason=body.get("deadletter-reason"),
            description=body.get("deadletter-description"),
        )
        for token in body["lock-tokens"]:
            self._locks.settle(token_of(token), outcome)
        return {}

    def _list_sessions(self, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        since, skip, top = int(body["last-updated-time"]), int(body["skip"]), int(body["top"])
        names = self._sessions.names(path, None if since >= _MAX_TIME_MS else since / 1000)[skip : skip + top]
        return {"skip": int32(skip), "sessions-ids": Array(UNDESCRIBED, Data.STRING, *names)} if names else None

    def _state(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"session-state": self._sessions.state(path, body["session-id"])}

    def _set_state(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        state = body.get("session-state")
        self._sessions.set_state(path, body["session-id"], None if state is None else bytes(state))
        return {}


_OPERATIONS: Mapping[str, Operation] = {
    "renew-lock": Management._renew,
    "renew-session-lock": Management._renew_session,
    "peek-message": Management._peek,
    "schedule-message": Management._schedule,
    "cancel-scheduled-message": Management._cancel,
    "receive-by-sequence-number": Management._receive_deferred,
    "update-disposition": Management._settle,
    "get-message-sessions": Management._list_sessions,
    "get-session-state": Management._state,
    "set-session-state": Management._set_state,
}


def status(code: int) -> Any:
    return int32(code)


def _entry(message: Held) -> dict[str, Any]:
    lock = {} if message.token is None else {"lock-token": lock_of(message.token)}
    return {"message": message.payload, **lock}


def _moment(seconds: float) -> Any:
    return timestamp(int(seconds * 1000))
