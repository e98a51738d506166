"""A service that answers with recorded shapes and remembers what it was asked, and by whom."""

import json
import re
import time
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken

PAYLOADS = Path(__file__).parents[1] / "payloads" / "pipelines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """*cut* closes the line instead of answering; *after* is called once the request was read: its effect.

    A *body* may be made when it is asked for.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    body: Any
    token: str
    headers: dict[str, str]


class Service:
    """What `on` was told is answered in turn, the last of it for ever."""

    def __init__(self, port: int, ca: Path) -> None:
        self.host, self.ca = f"localhost:{port}", ca
        self.forget()

    def forget(self) -> None:
        self.asked = list[Asked]()
        self._answers: dict[str, list[Answer]] = {}

    def on(self, what: str, *answers: Answer) -> None:
        """*what*: a regular expression for `METHOD path`."""
        self._answers[what] = list(answers)

    def answers(self, what: str) -> list[Answer]:
        return [*self._answers[what]]

    def cut(self, what: str) -> None:
        """Have the effect, but close the line instead of answering."""
        self._answers[what] = [replace(answer, cut=True) for answer in self._answers[what]]

    def payload(self, name: str, **changes: Any) -> Any:
        return json.loads((PAYLOADS / f"{name}.json").read_text().replace("HOST", self.host)) | changes

    def paths(self, method: str) -> list[str]:
        return [each.path for each in self.asked if each.method == method]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        for what, answers in self._answers.items():
            if re.search(what, f"{asked.method} {asked.path}"):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if answer.after is not None:
                    answer.after()
                return replace(answer, body=answer.body()) if callable(answer.body) else answer
        return Answer(status=404, body={"error": {"code": "NotFound", "message": f"nothing at {asked.path}"}})


class Directory:
    """Hands out tokens 1, 2, 3..., each said to live *life_s* seconds."""

    def __init__(self, life_s: int = 3600) -> None:
        self.life_s, self.issued, self.scopes = life_s, 0, set[str]()

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        del kwargs
        self.scopes.update(scopes)
        self.issued += 1
        return AccessToken(f"token-{self.issued}", int(time.time()) + self.life_s)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # Head and body in one packet: otherwise each answer waits for an acknowledgement.

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        asked = Asked(
            method=self.command,
            path=self.path.split("?api-version")[0],
            body=body,
            token=token,
            headers={name.lower(): value for name, value in self.headers.items()},
        )
        answer = getattr(self.server, "service").answer(asked)  # noqa: B009 - Put there by the fixture.
        if answer.cut:
            self.close_connection = True
            return
        said = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {
            **answer.headers,
            "Content-Length": str(len(said)),
            "Content-Type": "application/json",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - The server calls them so.

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
