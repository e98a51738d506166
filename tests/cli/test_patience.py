"""A command that waits outlives a restart of the app and a dropped connection, says so, and ends after its patience."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from signalbox.cli import patience
from signalbox.cli.app_client import AppClient
from signalbox.cli.errors import Undecided, UnknownName, Unreachable

START = {"id": "rollback-1", "status_url": "/api/v1/operations/rollback-1"}
RUNNING, DONE = ({"id": "rollback-1", "status": status} for status in ("running", "succeeded"))
DROPPED, RESTARTING = "the connection ends without an answer", 503

Answer = dict[str, str] | int | str


class RestartingApp(http.server.ThreadingHTTPServer):
    """Gives *answers* one after another, the last one for ever: an operation, a status, or no answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []
        self.asked = 0

    @property
    def client(self) -> AppClient:
        return AppClient(f"http://127.0.0.1:{self.server_port}", key="k")


class _Handler(http.server.BaseHTTPRequestHandler):
    server: RestartingApp

    def do_GET(self) -> None:
        number, self.server.asked = self.server.asked, self.server.asked + 1
        answer = self.server.answers[min(number, len(self.server.answers) - 1)]
        if answer == DROPPED:
            return
        self.send_response(answer if isinstance(answer, int) else 200)
        self.end_headers()
        body: Any = {"detail": "no such operation"} if answer == 404 else answer
        self.wfile.write(b"<html>" if answer == RESTARTING else json.dumps(body).encode())

    def log_message(self, format: str, *arguments: object) -> None:
        del format, arguments


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[RestartingApp]:
    monkeypatch.setattr(patience, "_AGAIN_AFTER_S", 0.01)
    server = RestartingApp()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("fault", [DROPPED, RESTARTING])
def test_an_app_that_is_away_for_a_while_is_waited_for_and_both_is_said(
    app: RestartingApp, fault: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    app.answers = [fault, fault, RUNNING, DONE]

    assert app.client.follow(START) == DONE
    assert app.asked == 4
    assert capsys.readouterr().err.splitlines() == [
        "the app does not answer; it has 120 s to come back",
        "the app answers again",
    ]


def test_once_patience_is_over_it_says_that_the_operation_goes_on_and_where(
    app: RestartingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_S", 0.1)
    app.answers = [DROPPED]

    with pytest.raises(
        Unreachable, match="rollback-1 goes on without this command; look at /api/v1/operations/"
    ) as end:
        app.client.follow(START)
    assert end.value.exit_code == 7
    assert app.asked > 1


def test_a_refusal_is_an_answer_and_ends_it_at_once(app: RestartingApp) -> None:
    app.answers = [404]

    with pytest.raises(UnknownName, match="no such operation"):
        app.client.follow(START)
    assert app.asked == 1


def test_what_has_not_ended_in_time_is_undecided(app: RestartingApp) -> None:
    app.answers = [RUNNING]

    with pytest.raises(Undecided, match="rollback-1 is still running; look at /api/v1/operations/rollback-1"):
        app.client.follow(START, longest_s=0)
