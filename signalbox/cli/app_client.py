"""The app's HTTP API as the command line uses it, and where to find it."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from signalbox.cli.errors import (
    NotAllowed,
    NotSetUp,
    RefusedByApp,
    Undecided,
    UnknownName,
    Unreachable,
    Unusable,
    first_line,
)
from signalbox.cli.patience import ask_patiently
from signalbox.cli.progress import waiting
from signalbox.launcher.endpoints import Endpoints, read_endpoints
from signalbox.launcher.people import PERSONS, sign_in

STATE = Path(".signalbox")
PAGE = 100  # The app gives no more rows at once.
_TIMEOUT_S = 300
_CONNECT_S = 10
_LOOK_WITHIN_S = 30  # A look at an operation takes no time: what takes longer hangs, and is asked again.
_LOOK_EVERY_S = 0.5
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BY_STATUS = {401: NotAllowed, 403: NotAllowed, 404: UnknownName, 408: Unreachable, 429: Unreachable}


class AppClient:
    """A client of the app's API. It raises a CliError with the app's message if the app refuses."""

    def __init__(self, url: str, key: str = "", token: str = "") -> None:
        """Sign in with *token*, or else with *key*: a token names a person, a key only a machine."""
        headers = {"Authorization": f"Bearer {token}"} if token else {"x-functions-key": key}
        self._url, self._headers = url.rstrip("/").removesuffix("/api/v1"), headers

    def get(self, path: str, /, **params: str) -> Any:
        return self._send("GET", path, params=params)

    def rows(self, path: str, name: str, limit: int, **filters: str) -> list[dict[str, Any]]:
        """The first *limit* rows of a list, which its pages call *name*."""
        rows, cursor = list[dict[str, Any]](), ""
        while len(rows) < limit:
            page = self.get(path, limit=str(min(PAGE, limit - len(rows))), cursor=cursor, **filters)
            rows += page[name]
            cursor = page["next"]
            if not cursor:
                break
        return rows

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._send("POST", path, json=body)

    def follow(self, operation_start: dict[str, Any], longest_s: float = _TIMEOUT_S) -> Any:
        """Wait for the operation that *operation_start* names, and return it once it has ended.

        Raises Undecided where it has not ended after *longest_s*, and Unreachable where the app stays away meanwhile.
        """
        deadline, place = time.monotonic() + longest_s, operation_start["status_url"]
        ending = f"{operation_start['id']} goes on without this command; look at {place}"
        with waiting(f"waiting for {operation_start['id']}"):
            while True:
                operation = ask_patiently(lambda: self._look(place.removeprefix("/api/v1/")), ending)
                if operation["status"] not in ("accepted", "running"):
                    return operation
                if time.monotonic() > deadline:
                    raise Undecided(f"{operation['id']} is still running; look at {place}")
                time.sleep(_LOOK_EVERY_S)  # noqa: TID251 - Polls with a deadline.

    def _look(self, path: str) -> Any:
        return self._send("GET", path, within_s=_LOOK_WITHIN_S)

    def _send(self, method: str, path: str, within_s: float = _TIMEOUT_S, **options: Any) -> Any:
        try:
            response = requests.request(
                method,
                f"{self._url}/api/v1/{path}",
                headers=self._headers,
                timeout=(_CONNECT_S, within_s),
                allow_redirects=False,
                **options,
            )
        except (requests.ConnectionError, requests.ConnectTimeout) as error:
            raise Unreachable(f"nothing answers at {self._url}; {_start_remedy()}") from error
        except requests.Timeout as error:
            raise Unreachable(f"{self._url} did not answer within {within_s} s; try again") from error
        except requests.RequestException as error:
            raise Unreachable(f"{self._url} cannot be asked: {first_line(error)}; {_start_remedy()}") from error
        return _content(response, self._url)


def find_app(person: str = "", signed: bool = False) -> AppClient:
    """The app of SIGNALBOX_URL and SIGNALBOX_KEY, or else the local one of this folder.

    *signed*, or without a key: with a token of the person signed in to Azure, or of the local directory's *person*.
    """
    if url := os.environ.get("SIGNALBOX_URL"):
        _refuse_address(url)
        key = os.environ.get("SIGNALBOX_KEY", "")
        return AppClient(url, key, _token() if signed or not key else "")
    endpoints = find_endpoints()
    token = _local_token(endpoints, person) if signed else ""
    return AppClient(endpoints.app, endpoints.function_key, token)


def local_holders(who: str) -> str:
    """The persons of the local directory who hold a role that *who* names; nothing where the app is another one.

    Azure's directory is not ours to read, and the product knows no persons: only the local cloud's are known here.
    """
    if os.environ.get("SIGNALBOX_URL"):
        return ""
    words = set(re.findall(r"\w+", who))
    names = [str(person["upn"]) for person in PERSONS if words & set(map(str, _roles(person)))]
    return f" (here {' or '.join(names)})" if names else ""


def _roles(person: Mapping[str, object]) -> list[object]:
    roles = person["roles"]
    return roles if isinstance(roles, list) else []


def find_token(person: str) -> str:
    """A token of the person signed in to Azure for the app of SIGNALBOX_URL, or of the local directory's *person*."""
    return _token() if os.environ.get("SIGNALBOX_URL") else _local_token(find_endpoints(), person)


def find_endpoints() -> Endpoints:
    """Those of the local cloud of this folder. Raises NotSetUp where none was started."""
    try:
        endpoints = read_endpoints(STATE)
    except (ValueError, AttributeError) as error:
        raise NotSetUp(f"{STATE / 'endpoints.json'} cannot be read; start `signalbox up` again") from error
    if endpoints is None:
        raise NotSetUp(
            "no local cloud was started in this folder; run `signalbox up`, or set SIGNALBOX_URL and SIGNALBOX_KEY"
        )
    return endpoints


def _refuse_address(url: str) -> None:
    """A key or a token is sent there: only to an address, and in clear only on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("https", "http"):
        raise Unusable(f"SIGNALBOX_URL is {url!r}; write the app's address, such as https://NAME.azurewebsites.net")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise Unusable(f"SIGNALBOX_URL is {url!r}; use https, since a key or a token is sent there")


def _token() -> str:
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import AzureCliCredential, CredentialUnavailableError

    audience = os.environ.get("SIGNALBOX_TOKEN_AUDIENCE", "")
    if not audience:
        raise NotSetUp("SIGNALBOX_TOKEN_AUDIENCE is not set; set it as the app has it, to its registration's client id")
    try:
        return str(AzureCliCredential().get_token(f"{audience}/.default").token)
    except CredentialUnavailableError as error:
        not_installed = "not found" in str(error).lower()
        problem = "the Azure CLI (az) is not on the PATH" if not_installed else "nobody is signed in to Azure"
        remedy = "install it, then run `az login`" if not_installed else "run `az login`"
        raise NotAllowed(f"{problem}; {remedy}, or set SIGNALBOX_KEY where a machine's key is enough") from error
    except ClientAuthenticationError as error:
        raise NotAllowed(f"Azure gives no token for {audience}: {first_line(error)}; run `az login` again") from error


def _local_token(endpoints: Endpoints, person: str) -> str:
    if not person:
        raise Unusable("say who you are: --as PERSON, such as ada@example.org")
    try:
        return sign_in(endpoints, person)
    except LookupError as error:
        raise UnknownName(str(error.args[0])) from error
    except (requests.RequestException, OSError) as error:
        raise Unreachable(f"the local directory does not answer; {_start_remedy()}") from error


def _start_remedy() -> str:
    if os.environ.get("SIGNALBOX_URL"):
        return "check SIGNALBOX_URL, and that the app runs"
    return "start the local cloud with `signalbox up`"


def _content(response: requests.Response, url: str) -> Any:
    """The JSON of a good answer. Raises the CliError that fits another one."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.status_code < 300 and body is not None:
        return body
    detail = str(body.get("detail", "")) if isinstance(body, dict) else ""
    if not detail:
        reply = f"{response.status_code} {response.reason}"
        if response.status_code in (401, 403):
            raise NotAllowed(f"{url} does not let you in ({reply}); run `az login`, or check SIGNALBOX_KEY")
        raise Unreachable(
            f"{url} answers ({reply}), but not as this version of Signalbox does; "
            "set SIGNALBOX_URL to the app's address, without a path"
        )
    if response.status_code == 401 and os.environ.get("SIGNALBOX_URL"):
        detail += "; run `az login` again, or check SIGNALBOX_KEY"
    default = Unreachable if response.status_code >= 500 else RefusedByApp
    raise _BY_STATUS.get(response.status_code, default)(detail)
