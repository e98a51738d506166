"""Answers to GET and HEAD that a caller may have already: an eTag on every one, 304 where it is the caller's.

What is listed by an index has a change marker, so that a poll to which nothing happened costs one small listing.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

import azure.functions as func

from shared.clients import Clients
from triggers.http.api_route import ApiRequest, ApiRoute


async def unless_unchanged(
    http: func.HttpRequest,
    clients: Clients,
    lists: Sequence[str],
    key: tuple[str, ...],
    unchanged_headers: Mapping[str, str],
    respond: Callable[[], Awaitable[func.HttpResponse]],
) -> func.HttpResponse:
    """304 with *unchanged_headers* where *lists* are as they were when the caller got the answer under *key*.

    Else it is what *respond* makes, which is remembered under *key*.
    """
    answers, now = clients.lists.answers, clients.clock.now()
    with clients.lists.one_look():
        # The marker is read before the answer is made: what changes in between makes another answer next time.
        marker = await asyncio.to_thread(lambda: "/".join(clients.lists.marker(kind) for kind in lists))
        etag = answers.standing(key, marker, now)
        if etag and names_etag(http.headers, etag):
            return not_modified(unchanged_headers, etag)
        response = conditional(http, await respond())
    answers.keep(key, marker, now, response.headers.get("ETag", ""))
    return response


def answer_key(route: ApiRoute, request: ApiRequest) -> tuple[str, ...]:
    """What an answer depends on besides what is recorded: who asks, whose things they may see, and what they ask."""
    caller, scope, http = request.caller, request.scope, request.http
    query = (*sorted(f"{name}={value}" for name, value in http.params.items()), http.headers.get("Accept") or "")
    person = (caller.kind.value, caller.oid, caller.name, *sorted(caller.roles), *sorted(caller.groups))
    return (route.name, *person, "", "all" if scope.whole else "", *sorted(scope.teams), "", *query)


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def names_etag(headers: Mapping[str, str], etag: str) -> bool:
    """Whether If-None-Match of *headers* has *etag* (RFC 9110, 13.1.2: weak comparison), or takes any."""
    named = [text.strip().removeprefix("W/") for text in (headers.get("If-None-Match") or "").split(",")]
    return etag in named or named == ["*"]


def conditional(http: func.HttpRequest, response: func.HttpResponse) -> func.HttpResponse:
    """*response* with its eTag; 304 where the caller has it, and without a body where it asks for the head alone."""
    if http.method not in ("GET", "HEAD") or response.status_code != 200:
        return response
    etag = etag_of(response.get_body())
    headers = {**response.headers, "ETag": etag}
    if names_etag(http.headers, etag):
        return not_modified(headers, etag)
    if http.method == "HEAD":
        return func.HttpResponse(b"", status_code=200, mimetype=response.mimetype, headers=headers)
    response.headers["ETag"] = etag
    return response


def not_modified(headers: Mapping[str, str], etag: str) -> func.HttpResponse:
    return func.HttpResponse(b"", status_code=304, headers={**headers, "ETag": etag})
