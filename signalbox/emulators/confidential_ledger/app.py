"""Assembles the emulated ledger: its doors, the identity service that knows its certificate, the controls of tests.

Contract: https://learn.microsoft.com/rest/api/confidentialledger, API version 2022-05-13.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from signalbox.emulators.confidential_ledger.access import Claims, Gatehouse, Refusal, refusal_middleware
from signalbox.emulators.confidential_ledger.store import Store, Transaction

_DEFAULT_COLLECTION = "subledger:0"
_PAGE = 20  # Smaller than the service's, so that clients meet the next page.
_LAST = 2**62
_ROLES = ("Reader", "Contributor", "Administrator")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOptions:
    """*users* are the roles by object id; *commit_s* is how long a transaction is pending."""

    state: Path
    claims: Claims
    users: Mapping[str, str] = field(default_factory=dict)
    commit_s: float = 0.5


def create_app(options: LedgerOptions) -> web.Application:
    store = Store(options.state / "emulators" / "confidential_ledger.db", options.commit_s)
    gatehouse = Gatehouse(options.claims, options.users)
    app = web.Application(middlewares=[refusal_middleware, gatehouse.middleware])
    LedgerDoors(gatehouse, store).add_to(app)
    return app


def create_identity_app(certificate: str) -> web.Application:
    """The identity service, which gives everybody the certificate of a ledger."""

    async def identity(request: web.Request) -> web.Response:
        if not request.query.get("api-version"):
            return Refusal(400, "InvalidInput", "The query parameter api-version is required").response()
        name = request.match_info["name"]
        if name.partition(":")[0] != "localhost":
            return Refusal(404, "ResourceNotFound", f"There is no ledger {name}").response()
        return web.json_response({"ledgerTlsCertificate": certificate, "ledgerId": name})

    app = web.Application()
    app.router.add_get("/ledgerIdentity/{name}", identity)
    return app


class LedgerDoors:
    def __init__(self, gatehouse: Gatehouse, store: Store) -> None:
        self._gatehouse, self._store = gatehouse, store
        self._loaded = set[str]()
        self._redirects, self._location = 0, ""

    def add_to(self, app: web.Application) -> None:
        router = app.router
        router.add_post("/app/transactions", self._write)
        router.add_get("/app/transactions", self._list)
        router.add_get("/app/transactions/current", self._current)
        router.add_get("/app/transactions/{id}", self._get)
        router.add_get("/app/transactions/{id}/status", self._status)
        router.add_get("/app/collections", self._collections)
        router.add_get("/app/users/{user}", self._user)
        router.add_patch("/app/users/{user}", self._change_user)
        router.add_delete("/app/users/{user}", self._delete_user)
        router.add_post("/_control/{order}", self._order)
        for rest in ("/app/governance/{rest:.*}", "/app/enclaveQuotes", "/app/transactions/{id}/receipt"):
            router.add_get(rest, _not_emulated)

    async def _write(self, request: web.Request) -> web.StreamResponse:
        self._gatehouse.require_writer(request)
        if self._redirects:
            self._redirects -= 1
            location = f"{self._location or f'https://{request.host}'}{request.path_qs}"
            return web.Response(status=307, headers={"Location": location})
        contents = (await _body(request)).get("contents")
        if not isinstance(contents, str):
            raise Refusal(400, "InvalidInput", "The member contents must be a string")
        collection = request.query.get("collectionId", _DEFAULT_COLLECTION)
        transaction = self._store.add(collection, contents, request["oid"])
        headers = {"x-ms-ccf-transaction-id": transaction}
        return web.json_response({"collectionId": collection}, headers=headers)

    async def _status(self, request: web.Request) -> web.Response:
        self._gatehouse.require_reader(request)
        transaction = self._found(request)
        state = "Committed" if transaction.committed else "Pending"
        return web.json_response({"transactionId": transaction.id, "state": state})

    async def _get(self, request: web.Request) -> web.Response:
        """Old entries are read from files first: the first question for one is answered with Loading."""
        self._gatehouse.require_reader(request)
        transaction = self._found(request)
        if not transaction.committed or self._is_loading(transaction.id):
            return web.json_response({"state": "Loading"})
        return web.json_response({"state": "Ready", "entry": _entry(transaction)})

    async def _current(self, request: web.Request) -> web.Response:
        self._gatehouse.require_reader(request)
        collection = request.query.get("collectionId", _DEFAULT_COLLECTION)
        transaction = self._store.newest(collection)
        if transaction is None:
            raise Refusal(404, "ResourceNotFound", f"The collection {collection} has no entry")
        return web.json_response(_entry(transaction))

    async def _list(self, request: web.Request) -> web.Response:
        self._gatehouse.require_reader(request)
        query = dict(request.query)
        collection = query.get("collectionId", _DEFAULT_COLLECTION)
        first, last = _number(query, "fromTransactionId", 0), _number(query, "toTransactionId", _LAST)
        if self._is_loading(f"{collection} {first}"):
            return web.json_response({"state": "Loading", "entries": [], "nextLink": _link(request.path, query)})
        page = self._store.committed(collection, first, last, _PAGE + 1)
        body: dict[str, Any] = {"state": "Ready", "entries": [_entry(transaction) for transaction in page[:_PAGE]]}
        if len(page) > _PAGE:
            body["nextLink"] = _link(request.path, query | {"fromTransactionId": page[_PAGE].id})
        return web.json_response(body)

    async def _collections(self, request: web.Request) -> web.Response:
        self._gatehouse.require_reader(request)
        names = self._store.collections(request.query.get("after", ""), _PAGE + 1)
        body: dict[str, Any] = {"collections": [{"collectionId": name} for name in names[:_PAGE]]}
        if len(names) > _PAGE:
            body["nextLink"] = _link(request.path, dict(request.query) | {"after": names[_PAGE - 1]})
        return web.json_response(body)

    async def _user(self, request: web.Request) -> web.Response:
        self._gatehouse.require_administrator(request)
        user = request.match_info["user"]
        if user not in self._gatehouse.users:
            raise Refusal(404, "ResourceNotFound", f"There is no user {user}")
        return web.json_response({"userId": user, "assignedRole": self._gatehouse.users[user]})

    async def _change_user(self, request: web.Request) -> web.Response:
        self._gatehouse.require_administrator(request)
        role = (await _body(request)).get("assignedRole")
        if role not in _ROLES:
            raise Refusal(400, "InvalidInput", f"assignedRole must be one of {', '.join(_ROLES)}")
        self._gatehouse.users[request.match_info["user"]] = role
        return await self._user(request)

    async def _delete_user(self, request: web.Request) -> web.Response:
        self._gatehouse.require_administrator(request)
        self._gatehouse.users.pop(request.match_info["user"], None)
        return web.Response(status=204)

    async def _order(self, request: web.Request) -> web.Response:
        """`hold` and `release` what is pending, `lose` it, `redirect` the next writes to another `location`."""
        body = await _body(request) if request.can_read_body else {}
        match request.match_info["order"]:
            case "hold":
                self._store.hold(True)
            case "release":
                self._store.hold(False)
            case "lose":
                self._store.lose()
            case "redirect":
                self._redirects, self._location = int(body["requests"]), str(body.get("location", ""))
            case order:
                raise Refusal(404, "ResourceNotFound", f"There is no order {order}")
        return web.json_response(body)

    def _found(self, request: web.Request) -> Transaction:
        transaction = self._store.find(request.match_info["id"])
        if transaction is None:
            raise Refusal(404, "InvalidTransactionId", f"There is no transaction {request.match_info['id']}")
        return transaction

    def _is_loading(self, subject: str) -> bool:
        """True once for each *subject*."""
        is_new = subject not in self._loaded
        self._loaded.add(subject)
        return is_new


def _entry(transaction: Transaction) -> dict[str, str]:
    return {
        "contents": transaction.contents,
        "collectionId": transaction.collection,
        "transactionId": transaction.id,
    }


def _link(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}"


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    """The number in a transaction's id of *query*. Raises Refusal."""
    view, _, number = query.get(name, "").partition(".")
    if not view:
        return default
    if not (view.isdigit() and number.isdigit()):
        raise Refusal(400, "InvalidInput", f"{name} is not a transaction id: {query[name]}")
    return int(number)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except json.JSONDecodeError as error:
        raise Refusal(400, "InvalidInput", f"The request body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refusal(400, "InvalidInput", "The request body is not an object")
    return body


async def _not_emulated(request: web.Request) -> web.Response:
    raise Refusal(501, "NotImplemented", f"The local ledger does not have {request.path}: it has no enclave")
