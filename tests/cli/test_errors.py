"""Whatever goes wrong is one sentence with its remedy and a code of its own; a traceback reaches nobody."""

import asyncio
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from signalbox.cli.errors import cli_error
from signalbox.cli.main import main
from tests.cli.conftest import PROJECT, clean_environment, run_in, shell
from tests.fakes.ports import OPERATOR_KEY
from tests.inference.conftest import InferenceApp

NOWHERE = {"SIGNALBOX_URL": "http://127.0.0.1:9", "SIGNALBOX_KEY": "k"}


class _Page(http.server.BaseHTTPRequestHandler):
    """Something that is not Signalbox: a page for everything, a sign-in below /moved."""

    def do_GET(self) -> None:
        moved = self.path.startswith("/moved")
        self.send_response(302 if moved else 200)
        self.send_header("Content-Type", "text/html")
        if moved:
            self.send_header("Location", "https://login.example.org/")
        self.end_headers()
        self.wfile.write(b"<html>welcome</html>")

    def log_message(self, format: str, *arguments: object) -> None:
        del format, arguments


@pytest.fixture
def stranger() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def failure(words: tuple[str, ...], folder: Path, **environment: str) -> tuple[int, str]:
    """The exit code and the single line that the command says."""
    result = run_in(folder, *words, **environment)
    lines = result.stderr.splitlines()
    assert "Traceback" not in result.stderr, result.stderr
    assert len(lines) == 1, result.stderr
    assert result.stdout == ""
    return result.exit_code, lines[0]


@pytest.mark.parametrize(
    ("words", "environment", "code", "sentence"),
    [
        (("status",), {}, 8, "run `signalbox up`"),
        (("status",), NOWHERE, 7, "nothing answers at http://127.0.0.1:9; check SIGNALBOX_URL"),
        (("status",), {"SIGNALBOX_URL": "app.example.org"}, 2, "https://NAME.azurewebsites.net"),
        (("status",), {"SIGNALBOX_URL": "http://[bad"}, 2, "https://NAME.azurewebsites.net"),
        (("status",), {"SIGNALBOX_URL": "http://app.example.org", "SIGNALBOX_KEY": "k"}, 2, "use https"),
        (("trace", "x"), {}, 8, "run `signalbox up`"),
        (("drop", "data.csv", "--to", "landing/x/"), {}, 8, "run `signalbox up`"),
        (("drop", "data.csv", "--to", "landing/x/", "--hub", "datahub"), {}, 2, "https://ACCOUNT.blob.core"),
        (("promote", "m:1", "--to", "s", "--reason", "r", "--plan", "data.csv"), NOWHERE, 2, "--out"),
        (("stream", "binary.csv", "--stream", "s"), {}, 2, "UTF-8"),
        (("up", "--config", "no.yaml", "--no-example"), {}, 8, "--config or SIGNALBOX_CONFIG"),
        (("up",), {}, 8, "make a project with `signalbox new NAME`"),
        (("up", "--example", "--config", "own.yaml"), {}, 8, "--no-example"),
        (("config", "check"), {}, 8, "--config or SIGNALBOX_CONFIG"),
        (("config", "check"), {"SIGNALBOX_CONFIG": "no.yaml"}, 8, "no.yaml is not a file here"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_goes_wrong_is_one_sentence_with_a_code_of_its_own(
    tmp_path: Path,
    words: tuple[str, ...],
    environment: dict[str, str],
    code: int,
    sentence: str,
) -> None:
    (tmp_path / "data.csv").write_text("a\n1\n")
    (tmp_path / "own.yaml").write_text("hub: {account: datahub}\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")

    answer, line = failure(words, tmp_path, **environment)

    assert (answer, sentence in line) == (code, True), line


def test_without_az_and_without_a_key_the_remedy_is_named(tmp_path: Path, no_az: str) -> None:
    code, line = failure(("status",), tmp_path, SIGNALBOX_URL="https://127.0.0.1:9", PATH=no_az)

    assert (code, "the Azure CLI (az) is not on the PATH" in line, "az login" in line) == (6, True, True), line


def test_an_expired_sign_in_says_to_sign_in_again(tmp_path: Path) -> None:
    az = tmp_path / "az"
    az.write_text("#!/bin/sh\necho 'ERROR: AADSTS70043: The refresh token has expired. Run az login' >&2\nexit 1\n")
    az.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    code, line = failure(("status",), tmp_path, SIGNALBOX_URL="https://127.0.0.1:9", PATH=path)

    assert (code, "az login" in line) == (6, True), line


@pytest.mark.parametrize("path", ["", "/moved"])
def test_another_site_behind_the_address_is_recognised(tmp_path: Path, stranger: str, path: str) -> None:
    code, line = failure(("status",), tmp_path, SIGNALBOX_URL=stranger + path, SIGNALBOX_KEY="k")

    assert (code, "not as this version of Signalbox does" in line) == (7, True), line


async def test_a_key_that_the_app_does_not_know_is_no_sign_in(app: InferenceApp, tmp_path: Path) -> None:
    environment = {"SIGNALBOX_URL": f"{app.host.url}/api/v1/", "SIGNALBOX_KEY": "wrong"}
    code, line = await asyncio.to_thread(lambda: failure(("status",), tmp_path, **environment))

    assert (code, "check SIGNALBOX_KEY" in line) == (6, True), line


async def test_the_address_may_end_with_the_path_of_the_api(app: InferenceApp, tmp_path: Path) -> None:
    environment = {"SIGNALBOX_URL": f"{app.host.url}/api/v1/", "SIGNALBOX_KEY": OPERATOR_KEY}
    result = await asyncio.to_thread(lambda: run_in(tmp_path, "status", **environment))

    assert (result.exit_code, result.stderr) == (0, "")


def test_a_fault_of_the_tool_is_admitted_and_its_traceback_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("runs")

    monkeypatch.setattr("signalbox.cli.commands.runs.find_app", broken)

    result = CliRunner().invoke(main, ["status"])
    detailed = CliRunner().invoke(main, ["status"], env={"SIGNALBOX_TRACEBACK": "1"})

    assert (result.exit_code, len(result.output.splitlines())) == (70, 1)
    assert "signalbox itself failed (KeyError: 'runs')" in result.output
    assert "Traceback" in detailed.output


def test_every_other_error_of_a_library_has_words() -> None:
    from azure.core.exceptions import HttpResponseError, ServiceRequestError
    from requests.exceptions import ChunkedEncodingError

    refusal = HttpResponseError("This request is not authorized.\nRequestId: 7")
    refusal.status_code = 403
    codes = [
        cli_error(error).exit_code
        for error in (
            ServiceRequestError("no"),
            refusal,
            ChunkedEncodingError("no"),
            PermissionError(13, "denied", "f"),
        )
    ]

    assert codes == [7, 6, 7, 2]


def test_ctrl_c_ends_a_command_with_one_line_and_130(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "signalbox.cli", "status"],
            cwd=tmp_path,
            env=clean_environment({"SIGNALBOX_URL": url, "SIGNALBOX_KEY": "k"}),
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = silent.accept()  # It waits for an answer now.
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        connection.close()

    assert process.returncode == 130
    assert len(errors.splitlines()) == 1
    assert errors.startswith("stopped")


def test_a_broken_configuration_is_said_by_up_before_anything_starts(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("hub: {account: datahub}\nroutes: {a: {tke: landing/x}}\n")

    done = shell(PROJECT, "up", "--port", "0", SIGNALBOX_CONFIG=str(broken))

    assert done.returncode == 8, done.stderr
    assert "broken.yaml:2: routes.a.tke: is not a field here; did you mean 'take'?" in done.stderr
    assert "azurite" not in done.stderr
