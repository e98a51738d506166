"""The section `streams` of `signalbox.yaml`: records that come by messages, and the micro-batches made of them."""

import difflib
from typing import Any

from shared.config import paths
from shared.config.reader import NAME, Reader
from shared.config.shapes import DURATION, LOCATION, TEXT, mapping, named, whole
from shared.domain.data.record_files import WRITABLE
from shared.domain.inference.routes import Grouping, Route
from shared.domain.inference.streams import DEFAULT_AGE_S, DEFAULT_RECORDS, DEFAULT_SIZE, FILLED, AnswerMode, Stream
from shared.domain.paths import patterns

_FIELDS = ("route", "land", "close", "answer")
_RECORDS, _BYTES = (1, 100_000), (1_000, 64_000_000)
_SAMPLE = {"stream": "a", "key": "a", "batch": "0-a"}


def read_streams(section: Reader, routes: tuple[Route, ...]) -> tuple[Stream, ...]:
    """Every stream of the section; findings gather in *section*."""
    by_name, found = {route.name: route for route in routes}, []
    for name in section.names():
        if not NAME.fullmatch(name):
            section.fail(name, "is not a stream's name", "use up to 63 lower-case letters, digits and dashes")
        one = section.inside(name)
        found.append(_stream(one, name))
        _check_route(one, found[-1], by_name)
    return tuple(found)


def streams_schema() -> dict[str, Any]:
    close = mapping({"records": whole(*_RECORDS), "bytes": whole(*_BYTES), "age": DURATION})
    fields = {"route": TEXT, "land": LOCATION, "close": close, "answer": {"enum": list(AnswerMode)}}
    return named(mapping(fields, required=("route", "land"))) | {"propertyNames": {"pattern": f"^{NAME.pattern}$"}}


def _stream(one: Reader, name: str) -> Stream:
    one.known(_FIELDS)
    close = one.inside("close")
    close.known(("records", "bytes", "age"))
    return Stream(
        name=name,
        route=one.text("route"),
        land=_land(one),
        records=close.whole("records", *_RECORDS) or DEFAULT_RECORDS,
        size=close.whole("bytes", *_BYTES) or DEFAULT_SIZE,
        age_s=close.seconds("age", DEFAULT_AGE_S),
        answer=AnswerMode(one.choice("answer", tuple(AnswerMode), AnswerMode.MESSAGE)),
    )


def _land(one: Reader) -> str:
    land = one.text("land")
    if not land:
        return land
    wrong = list(paths.template_problems(land))
    used = {*patterns.captures_of(land)}
    wrong += [
        (f"uses {{{name}}}", f"use {', '.join(f'{{{known}}}' for known in FILLED)}")
        for name in sorted(used - {*FILLED})
    ]
    if "batch" not in used:
        wrong.append((f"is {land!r} without {{batch}}", "add {batch}, so that no batch can take another's name"))
    one.fail_all("land", wrong)
    return "" if wrong else land


def _check_route(one: Reader, stream: Stream, routes: dict[str, Route]) -> None:
    """That the route is there, scores each file by itself, takes what is landed, and can be written for."""
    route = routes.get(stream.route)
    if route is None:
        near = difflib.get_close_matches(stream.route, routes, 1)
        said = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(routes) or '(none)'}"
        if stream.route:
            one.fail("route", f"is {stream.route!r}, which is no route", said)
        return
    if route.group.kind is not Grouping.EACH:
        one.fail("route", f"is {route.name!r}, which groups files itself", "name a route with group: each")
    landed = patterns.fill(stream.land, _SAMPLE)
    fits = bool(patterns.unanchored(route.take)) or route.captures(landed) is not None  # The former has its finding.
    if landed and not fits:
        one.fail("land", f"is {stream.land!r}, which route {route.name} does not take ({route.take!r})", "let them fit")
    form = _format(one, route)
    if form not in (None, *WRITABLE):
        said = f"use a contract whose format is {' or '.join(WRITABLE)}"
        one.fail("route", f"is {route.name!r}, whose data contract is of {form}", said)


def _format(one: Reader, route: Route) -> str | None:
    """What the contract says; one that cannot be read has findings of its own."""
    file = one.contracts.get(route.contract)
    return file.contract.format if file and file.contract else None
