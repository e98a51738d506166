"""`python -m infra.deploy.app SCM_URL PACKAGE HEALTH_URL`: publish a package and wait until the app runs it.

Publishing is accepted long before it is done, and an accepted package can still fail: so this follows the deployment to
its end, and then asks the app itself. The token comes from AZURE_ACCESS_TOKEN.
"""

import json
import os
import re
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SUCCEEDED, _FAILED, _CANCELED = 4, 3, -1  # States of a deployment at the scm site.
_LONGEST_S, _PAUSE_S = 1800, 10
_TRIES = 8  # Of the first upload: data roles of a new identity take minutes.
_APP = re.compile(r"https://[a-z0-9][a-z0-9.-]{0,120}\.azurewebsites\.net(/[a-z0-9/]*)?")
Pause = Callable[[float], object]
Send = Callable[[str, str, bytes | None], tuple[int, str]]


wait: Pause = threading.Event().wait  # Nothing sets the event, so that this only waits.


class NotDeployed(RuntimeError):
    """The package does not run; the message is what the platform said."""


def publish(send: Send, scm: str, package: bytes, pause: Pause = wait) -> str:
    """Upload *package*; the id of its deployment. A refusal by storage is tried again: the identity's role is new."""
    body = ""
    for _ in range(_TRIES):
        status, body = send("POST", f"{scm}/api/publish?RemoteBuild=false&Deployer=signalbox", package)
        if status in (200, 202):
            return body.strip().strip('"')
        if status not in (400, 403, 503):
            break
        pause(_PAUSE_S * 3)
    raise NotDeployed(f"the package was not taken: {body[:500]}")


def follow(send: Send, scm: str, deployment: str, pause: Pause = wait) -> None:
    """Wait until *deployment* has succeeded. Raises NotDeployed where it failed, was cancelled, or takes too long."""
    for _ in range(_LONGEST_S // _PAUSE_S):
        status, body = send("GET", f"{scm}/api/deployments/{deployment}", None)
        state: dict[str, Any] = json.loads(body) if status == 200 else {}
        if state.get("status") == _SUCCEEDED:
            return
        if state.get("status") in (_FAILED, _CANCELED):
            raise NotDeployed(f"deployment {deployment} failed: {state.get('status_text')}")
        pause(_PAUSE_S)
    raise NotDeployed(f"deployment {deployment} has not ended after {_LONGEST_S} s")


def await_life(send: Send, health: str, pause: Pause = wait) -> None:
    """Wait until the app says that it lives. Raises NotDeployed with its last answer.

    It is the one question that asks for no identity: the pipeline's has no role in the app.
    """
    body = ""
    for _ in range(_LONGEST_S // _PAUSE_S):
        status, body = send("GET", health, None)
        if status == 200:
            return
        pause(_PAUSE_S)
    raise NotDeployed(f"the app does not live: {body[:500]}")


def _send(method: str, url: str, body: bytes | None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {os.environ['AZURE_ACCESS_TOKEN']}", "Content-Type": "application/zip"}
    request = urllib.request.Request(url, data=body, method=method, headers=headers if "/api/v1/" not in url else {})
    try:
        with urllib.request.urlopen(request, timeout=300) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(errors="replace")
    except urllib.error.URLError as fault:
        return 503, str(fault)


def main(scm: str, package: str, health: str) -> int:
    if not all(_APP.fullmatch(url) for url in (scm, health)):
        expected = "must be addresses of an app, https://NAME.azurewebsites.net: the token goes nowhere else"
        sys.stderr.write(f"{scm!r} and {health!r} {expected}\n")
        return 2
    try:
        follow(_send, scm, publish(_send, scm, Path(package).read_bytes()))
        await_life(_send, health)
    except NotDeployed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
