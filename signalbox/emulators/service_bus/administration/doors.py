"""The HTTP of the administration: what `ServiceBusAdministrationClient` calls.

Contract: Service Bus REST API, 2024-05 and the versions before it; the answers are as the service was recorded to give
them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from signalbox.emulators.service_bus.access import Access
from signalbox.emulators.service_bus.administration import atom
from signalbox.emulators.service_bus.administration.addresses import Address, check_name, read_address
from signalbox.emulators.service_bus.administration.answers import Answers
from signalbox.emulators.service_bus.administration.catalogue import Catalogue, Definition, Kind
from signalbox.emulators.service_bus.administration.descriptions import checked, path_of_address
from signalbox.emulators.service_bus.administration.refusals import (
    AdministrationError,
    bad,
    conflict,
    not_found,
    not_served,
)
from signalbox.emulators.service_bus.administration.rules import DEFAULT, read_rule
from signalbox.emulators.service_bus.broker import Broker
from signalbox.emulators.service_bus.entities import DEFAULT_RULE, RULES

_VERSIONS = ("2017-04", "2021-05", "2024-05")
_MOST_LISTED = 100
_TOPS = (Kind.QUEUES, Kind.TOPICS)
_MESSAGES = re.compile(r"/messages(/|$)")
# Where messages go on to, each with the header that opens it.
_FORWARDS = {
    "ForwardTo": "ServiceBusSupplementaryAuthorization",
    "ForwardDeadLetteredMessagesTo": "ServiceBusDlqSupplementaryAuthorization",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Administration:
    """*manages* says whether a bearer token may administer the namespace; a shared access key with its policy may."""

    broker: Broker
    catalogue: Catalogue
    access: Access
    manages: Callable[[str], bool]
    max_message_bytes: int

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            return await self._handle(request)
        except AdministrationError as refusal:
            place = f"{request.url.host}:{request.path.strip('/')}"
            text = atom.error(refusal.status, str(refusal), place, self.broker.clock())
            return web.Response(status=refusal.status, text=text, content_type="application/xml")

    async def _handle(self, request: web.Request) -> web.Response:
        path = request.path.strip("/")
        self._admit(request, path)
        if _MESSAGES.search(f"/{path}"):
            raise not_served("sending and receiving over HTTP")
        if request.query.get("api-version") not in _VERSIONS:
            raise bad(f"The api-version in the query string is not supported. Use one of {', '.join(_VERSIONS)}.")
        answers = Answers(self.broker, self.catalogue, request.url, self.max_message_bytes)
        if path.lower() == "$namespaceinfo" and request.method == "GET":
            return _entry(answers.namespace())
        address = read_address(path)
        if request.method == "GET":
            return self._list(address, request.query, answers) if address.is_list else self._get(address, answers)
        if request.method == "PUT" and not address.is_list:
            return await self._put(address, request, answers)
        if request.method == "DELETE" and not address.is_list:
            self._at(address)
            self.catalogue.delete(address.path)
            return web.Response()
        raise not_served(f"{request.method} /{path}")

    def _admit(self, request: web.Request, path: str) -> None:
        if not self._opens(request.headers.get("Authorization", ""), path):
            raise AdministrationError(401, "claim is empty or token is invalid. ")

    def _opens(self, authorization: str, path: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self.manages(token)
        return authorization.startswith("SharedAccessSignature ") and self.access.opens(authorization, f"sb://x/{path}")

    def _get(self, address: Address, answers: Answers) -> web.Response:
        definition = self.catalogue.find(address.path)
        if definition is None and address.kind is None:
            return _feed(atom.nothing(self.broker.clock()))
        return _entry(answers.entry(self._at(address)))

    def _list(self, address: Address, query: Mapping[str, str], answers: Answers) -> web.Response:
        assert address.kind is not None
        skip, top = _whole(query, "$skip", 0), min(_whole(query, "$top", _MOST_LISTED), _MOST_LISTED)
        if address.parent and not self._has_parent(address):
            raise not_found(address.parent)
        found = self.catalogue.below(address.kind, address.parent)
        page = found[skip : skip + top]
        following = ""
        if skip + top < len(found):
            more = {"$skip": str(skip + top), "$top": str(top), "api-version": query["api-version"]}
            following = str(answers.address.with_query(more))
        entries = [answers.entry(definition, is_listed=True)[0] for definition in page]
        title = address.kind.title()
        return _feed(atom.feed(title, str(answers.address), self.broker.clock(), entries, following))

    async def _put(self, address: Address, request: web.Request, answers: Answers) -> web.Response:
        node = atom.read_description(await request.read())
        kind = _kind(address, atom.local_name(node))
        address, condition = replace(address, kind=kind), request.headers.get("If-Match")
        earlier = self.catalogue.find(address.path)
        if address.parent and not self._has_parent(address):
            raise not_found(address.parent)
        if condition is None:
            check_name(kind, address.name)
            if earlier is not None:
                raise conflict()
        else:
            earlier = self._at(address)
            if condition not in ("*", answers.etag(earlier)):
                raise AdministrationError(412, "SubCode=41200. The entity has changed since it was read. ")
            if earlier.kind is not kind:
                raise conflict()
        content = read_rule(node) if kind is Kind.RULES else self._checked(kind, node, earlier, request)
        definition = self.catalogue.put(kind, address.path, address.name, content)
        if kind is Kind.SUBSCRIPTIONS and earlier is None:
            self.catalogue.put(Kind.RULES, f"{address.path}{RULES}{DEFAULT_RULE}", DEFAULT_RULE, DEFAULT)
        return _entry(answers.entry(definition), 201 if earlier is None else 200)

    def _checked(self, kind: Kind, node: Any, earlier: Definition | None, request: web.Request) -> Mapping[str, str]:
        values = atom.texts(node)
        size = values.pop("MaxMessageSizeInKilobytes", None)
        if size not in (None, str(self.max_message_bytes // 1024)):
            raise bad("MaxMessageSizeInKilobytes cannot be set on a namespace of this tier.")
        values = checked(kind.fields, values, earlier.content if earlier else None)
        for name, header in _FORWARDS.items():
            target = path_of_address(values.get(name, ""))
            if not target:
                continue
            definition = self.catalogue.find(target)
            if definition is None or definition.kind not in _TOPS:
                raise bad(f"The {name} of the entity names '{target}', which is no queue and no topic.")
            if not self._opens(request.headers.get(header, ""), target):
                raise AdministrationError(401, f"{header} does not open '{target}'. ")
        return values

    def _has_parent(self, address: Address) -> bool:
        parent = self.catalogue.find(address.parent)
        kind = Kind.TOPICS if address.kind is Kind.SUBSCRIPTIONS else Kind.SUBSCRIPTIONS
        return parent is not None and parent.kind is kind

    def _at(self, address: Address) -> Definition:
        definition = self.catalogue.find(address.path)
        if definition is not None and (address.kind is None or definition.kind is address.kind or not address.parent):
            return definition
        if address.parent:
            raise not_found(address.path)
        raise AdministrationError(404, "No service is hosted at the specified address. ")


def _kind(address: Address, tag: str) -> Kind:
    """What a description of the kind *tag* makes at the address."""
    own = _TOPS if address.kind is None else (address.kind,)
    kinds = [kind for kind in own if kind.tag == tag]
    if not kinds or not address.name:
        raise bad(f"There is no {tag} at the address '{address.path}'.")
    return kinds[0]


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit():
        raise bad(f"The value '{text}' of {name} is no whole number.")
    return int(text)


def _entry(answer: tuple[str, str], status: int = 200) -> web.Response:
    text, etag = answer
    headers = {"Content-Type": "application/atom+xml;type=entry;charset=utf-8", "ETag": etag}
    return web.Response(status=status, body=text.encode(), headers=headers)


def _feed(text: str) -> web.Response:
    return web.Response(body=text.encode(), headers={"Content-Type": "application/atom+xml;type=feed;charset=utf-8"})
