"""A data check on request: the same module that checks arrivals, on any file of the hub."""

import asyncio
from typing import Any

from shared.clients import Clients
from triggers.problems import Problem
from triggers.requests import DataCheckAsked


async def check_path(clients: Clients, asked: DataCheckAsked) -> dict[str, Any]:
    """The report of the file at `path` (`container/path` in the hub) against the contract of `route`."""
    path = asked.path
    try:
        route = clients.configuration.route(asked.route)
    except KeyError as error:
        raise Problem(404, "no such route", str(error.args[0])) from error
    container, _, inner = path.partition("/")
    blob = await asyncio.to_thread(clients.hub.find, container, inner)
    if blob is None:
        raise Problem(404, "no such file", f"path {path!r} is not in the hub; name it as container/path")
    from shared.ports import HubFile

    files = [HubFile(name=path, blob=blob)]
    return await asyncio.to_thread(clients.data_checks.check, route.contract, files)
