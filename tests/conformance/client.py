"""What the conformance suite knows of a host: its address, its master key and HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 30.0
WEBHOOK = "/runtime/webhooks/durabletask"

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Talks to the host at *url*."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self.key = key
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=PATIENCE)

    def close(self) -> None:
        self._connection.close()

    def call(self, method: str, path: str, body: object = None, headers: Headers = (), *, key: str = "") -> Reply:
        """Send one request. A *body* that is neither text nor bytes is sent as JSON."""
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if body is not None and not isinstance(body, str | bytes):
            body, pairs = json.dumps(body), [*pairs, ("Content-Type", "application/json")]
        data = body.encode() if isinstance(body, str) else body
        if key:
            pairs.append(("x-functions-key", key))
        self._connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in pairs:
            self._connection.putheader(name, value)
        if isinstance(data, bytes):
            self._connection.putheader("Content-Length", str(len(data)))
        elif method in ("POST", "PUT", "PATCH"):
            self._connection.putheader("Content-Length", "0")
        self._connection.endheaders(data if isinstance(data, bytes) else None)
        answer = self._connection.getresponse()
        return Reply(status=answer.status, headers=answer.headers, body=answer.read())

    def get(self, path: str, headers: Headers = (), *, key: str = "") -> Reply:
        return self.call("GET", path, None, headers, key=key)

    def durable(self, method: str, path: str, body: object = None, headers: Headers = ()) -> Reply:
        """Call the Durable HTTP API; *path* comes after the webhook's own."""
        return self.call(method, WEBHOOK + path, body, headers, key=self.key)

    def run(self, orchestrator: str, given: object = None) -> Any:
        """The status of a new instance once it has finished."""
        instance = self.durable("POST", f"/orchestrators/{orchestrator}?timeout=25&pollingInterval=0.02", *_json(given))
        if instance.status == 200 and "instanceId" not in instance.text:
            return {"runtimeStatus": "Completed", "output": instance.json() if instance.body else None}
        return instance.json()

    def start(self, orchestrator: str, given: object = None, instance: str = "") -> str:
        """The id of a new instance."""
        reply = self.durable("POST", f"/orchestrators/{orchestrator}/{instance}".rstrip("/"), *_json(given))
        assert reply.status == 202, reply.text
        return str(reply.json()["id"])

    def status(self, instance: str, query: str = "") -> Any:
        return self.durable("GET", f"/instances/{instance}{query}").json()

    def wait(self, instance: str, *statuses: str) -> Any:
        """The status of *instance* once it is one of *statuses*, or finished."""
        wanted = statuses or ("Completed", "Failed", "Terminated")
        return self.until(lambda: self.status(instance), lambda status: status["runtimeStatus"] in wanted)

    def until(self, look: Callable[[], Any], is_enough: Callable[[Any], bool]) -> Any:
        """What *look* returns, once it is enough."""
        deadline = time.monotonic() + PATIENCE
        while not is_enough(value := look()):
            assert time.monotonic() < deadline, f"waited too long; the last was {value}"
            threading.Event().wait(0.01)
        return value


def _json(value: object) -> tuple[str | None, Headers]:
    """*value* as the body of a request, and the headers that say so; nothing for None."""
    return (None, ()) if value is None else (json.dumps(value), {"Content-Type": "application/json"})
