"""The app's HTTP API as the command line uses it, and where to find it."""

import os
import time
from pathlib import Path
from typing import Any

import click
import requests

from signalbox.launcher.endpoints import Endpoints, read_endpoints
from signalbox.launcher.people import sign_in

STATE = Path(".signalbox")
_TIMEOUT_S = 300
_LOOK_EVERY_S = 0.5


class AppClient:
    """Raises click.ClickException with the app's own words when it refuses."""

    def __init__(self, url: str, key: str = "", token: str = "") -> None:
        """With *token*, or else with *key*: a token says more."""
        signed = {"Authorization": f"Bearer {token}"} if token else {"x-functions-key": key}
        self._url, self._headers = url.rstrip("/"), signed

    def get(self, path: str, /, **params: str) -> Any:
        return self._send("GET", path, params=params)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._send("POST", path, json=body)

    def follow(self, accepted: dict[str, Any]) -> Any:
        """The operation that *accepted* tells of, once it has ended."""
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            operation = self._send("GET", accepted["status_url"].removeprefix("/api/v1/"))
            if operation["status"] not in ("accepted", "running"):
                return operation
            if time.monotonic() > deadline:
                raise click.ClickException(f"{operation['id']} is still running; look at {accepted['status_url']}")
            time.sleep(_LOOK_EVERY_S)  # noqa: TID251 - Polls with a deadline.

    def _send(self, method: str, path: str, **rest: Any) -> Any:
        try:
            answer = requests.request(
                method, f"{self._url}/api/v1/{path}", headers=self._headers, timeout=_TIMEOUT_S, **rest
            )
        except requests.ConnectionError as error:
            raise click.ClickException(f"nothing answers at {self._url}; start it with `signalbox up`") from error
        if answer.status_code >= 400:
            raise click.ClickException(_said(answer))
        return answer.json()


def find_app(person: str = "", signed: bool = False) -> AppClient:
    """The app of SIGNALBOX_URL and SIGNALBOX_KEY, or else the local one of this folder.

    *signed*, or without a key: with a token, of whoever is signed in to Azure, or of the local directory's *person*.
    """
    if "SIGNALBOX_URL" in os.environ:
        key = os.environ.get("SIGNALBOX_KEY", "")
        return AppClient(os.environ["SIGNALBOX_URL"], key, _token() if signed or not key else "")
    endpoints = find_endpoints()
    token = _local_token(endpoints, person) if signed else ""
    return AppClient(endpoints.app, endpoints.function_key, token)


def find_token(person: str) -> str:
    """A token of whoever is signed in to Azure for the app of SIGNALBOX_URL, or of the local directory's *person*."""
    return _token() if "SIGNALBOX_URL" in os.environ else _local_token(find_endpoints(), person)


def _token() -> str:
    from azure.identity import AzureCliCredential

    audience = os.environ.get("SIGNALBOX_TOKEN_AUDIENCE", "api://signalbox")
    return str(AzureCliCredential().get_token(f"{audience}/.default").token)


def _local_token(endpoints: Endpoints, person: str) -> str:
    if not person:
        raise click.ClickException("say who you are: --as PERSON, such as ada@example.org")
    try:
        return sign_in(endpoints, person)
    except LookupError as error:
        raise click.ClickException(str(error)) from error


def find_endpoints() -> Endpoints:
    endpoints = read_endpoints(STATE)
    if endpoints is None:
        raise click.ClickException(
            "no local cloud was started in this folder; run `signalbox up`, or set SIGNALBOX_URL and SIGNALBOX_KEY"
        )
    return endpoints


def _said(answer: requests.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return f"the app answered {answer.status_code} {answer.reason}"
    return str(body.get("detail", body))
