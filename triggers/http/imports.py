"""Imports over HTTP: fetch files from an allowed source and land them where a route takes them."""

from dataclasses import dataclass
from typing import Annotated

from shared import contracts as c
from shared.application.datasets.starts import next_import
from shared.clients import Clients
from shared.domain.datasets.sources import asset_objection, landing_of, read_asset
from shared.domain.inference.routes import Grouping, Route
from shared.validation.rules import Name, Sentence, Text
from triggers.http.api_route import ApiRequest, requester_name
from triggers.http.exchange.idempotency import RequestedStart
from triggers.http.exchange.problems import Problem
from triggers.http.named_resources import Place, find_route


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportAsked:
    """Land what *source* has at *path* for *route*. A *path* that ends in / keeps the names of the files.

    *source* is `azureml:NAME:VERSION`, a data asset of the workspace in which the route scores, or https://HOST/PATH.
    *sha256* is what the file must have.
    """

    route: Name
    source: Annotated[
        str, Text(longest=1000, pattern=r"(azureml:|https://)[!-~]+", means="azureml:NAME:VERSION or https://HOST/PATH")
    ]
    path: Place
    reason: Sentence
    sha256: Annotated[
        str, Text(shortest=0, longest=64, pattern=r"([0-9a-f]{64})?", means="64 hexadecimal digits; empty for any")
    ] = ""


async def start_import(request: ApiRequest, body: ImportAsked) -> RequestedStart:
    """Fetch the files of `source` and land them at `path`. The same request is one import: its files arrive once."""
    clients = request.clients
    route = find_route(clients, body.route)
    _refuse_source(clients, body)
    _refuse_target(route, body)
    payload = c.SourceImport(
        id=await next_import(request.client, clients.store, body.route, body.source, body.path, body.sha256),
        route=body.route,
        workspace=route.score.workspace,
        hub=clients.configuration.hub,
        source=body.source,
        target=body.path,
        by=requester_name(request.caller, await request.person()),
        because=body.reason,
        sha256=body.sha256,
    )
    return RequestedStart(orchestration=c.IMPORT_SOURCE, instance=payload.id, payload=payload)


def _refuse_source(clients: Clients, body: ImportAsked) -> None:
    """Say at once what the import would say after its first step. Raises Problem."""
    rules, asset = clients.configuration.sources_for(body.path), read_asset(body.source)
    if asset is not None:
        problem = asset_objection(asset, rules)
    elif "?" in body.source:
        problem = "an address with a query may have a secret in it, and would be kept on record; name one without"
    elif body.source.startswith("https://"):
        problem = clients.internet_files.objection(body.source, rules)
    else:
        problem = f"{body.source!r} names no data asset; write azureml:NAME:VERSION with the exact version"
    if problem:
        raise Problem(422, "source not allowed", f"field 'source': {problem}")


def _refuse_target(route: Route, body: ImportAsked) -> None:
    """A folder of a data asset is judged by its files, once they are known. Raises Problem."""
    is_folder = body.path.endswith("/")
    if is_folder and read_asset(body.source) is not None:
        return
    name = body.source.rpartition("/")[2]
    path = landing_of(body.path, name)
    is_marker = route.group.kind is Grouping.MARKER and route.marked(path)
    if path.endswith("/") or (route.captures(path) is None and not is_marker):
        detail = f"field 'path': {path!r} is not taken by route {route.name}, which takes {route.take}"
        raise Problem(422, "wrong route", detail)
