"""A data check on request: the same module that checks arrivals, on any file of the hub."""

import asyncio
from typing import Any

from shared.clients import Clients
from shared.domain.routes import Route
from shared.ports import Blob, HubFile
from triggers.problems import Problem
from triggers.requests import DataCheckAsked


async def check_path(clients: Clients, asked: DataCheckAsked) -> dict[str, Any]:
    """The report of the file at `path` (`container/path` in the hub) against the contract of `route`."""
    route = route_named(clients, asked.route)
    blob = await asyncio.to_thread(blob_at, clients, asked.path)
    files = [HubFile(name=asked.path, blob=blob)]
    return await asyncio.to_thread(clients.data_checks.check, route.contract, files)


def route_named(clients: Clients, name: str) -> Route:
    """Raises Problem naming the routes there are."""
    try:
        return clients.configuration.route(name)
    except KeyError as error:
        raise Problem(404, "no such route", str(error.args[0])) from error


def blob_at(clients: Clients, path: str) -> Blob:
    """The file at *path* (`container/path`). Raises Problem where there is none."""
    container, _, inner = path.partition("/")
    blob = clients.hub.find(container, inner)
    if blob is None:
        raise Problem(404, "no such file", f"path {path!r} is not in the hub; name it as container/path")
    return blob
