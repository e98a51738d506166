"""What an app uses of Azure Storage: `python -m signalbox.host.indexing APP` prints it as one JSON object.

It stands alone, because a process is started by it: the launcher starts services for an app that it never imports.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from signalbox.host.azure_storage.accounts import DEVELOPMENT, HOST_ACCOUNT, find_account
from signalbox.host.errors import HostError
from signalbox.host.functions import Function, index, load_app
from signalbox.host.settings import apply_local_settings

_SERVICES = {"queueTrigger": "queue", "queue": "queue", "blobTrigger": "blob", "blob": "blob"}


def _uses(functions: list[Function]) -> Iterator[tuple[str, str]]:
    """The service and the connection of each binding. A blob trigger keeps its events in a queue of the host."""
    for function in functions:
        for binding in (function.trigger, *function.bindings):
            if service := _SERVICES.get(str(binding["type"])):
                yield service, binding.get("connection") or HOST_ACCOUNT
            if binding["type"] == "blobTrigger":
                yield "queue", HOST_ACCOUNT


def _is_unset(service: str, connection: str) -> bool:
    """Whether the app's settings leave the account to the local tools."""
    if os.environ.get(connection, "").rstrip(";") == DEVELOPMENT:
        return True
    try:
        find_account(connection, service, os.environ)
    except HostError:
        return True
    return False


def _container(binding: Mapping[str, Any]) -> str:
    return str(binding["path"]).partition("/")[0]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    report, sys.stdout = sys.stdout, sys.stderr  # What the app prints is no report.
    apply_local_settings(folder, os.environ)
    try:
        functions = list(index(load_app(folder), folder).values())
    except HostError as error:
        raise SystemExit(str(error)) from error
    uses = set(_uses(functions))
    triggers = {f.name: _container(f.trigger) for f in functions if f.kind == "blobTrigger"}
    found = {
        "unset": sorted({connection for service, connection in uses if _is_unset(service, connection)}),
        "has_queues": any(service == "queue" for service, _ in uses),
        "blob_triggers": triggers,
    }
    report.write(json.dumps(found) + "\n")
