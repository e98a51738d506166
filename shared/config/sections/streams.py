"""The section `streams`: records that come by messages, and the micro-batches made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from shared.config import paths
from shared.config.fields import NAME, Location, Seconds, Text
from shared.config.reading import FilePlace, built, nearest
from shared.domain.data.record_files import WRITABLE
from shared.domain.inference.routes import Grouping, Route
from shared.domain.inference.streams import FILLED, AnswerMode, Stream
from shared.domain.paths import patterns
from shared.validation.rules import Whole

_SAMPLE = {"stream": "a", "key": "a", "batch": "0-a"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSection:
    """When a batch closes: by count, by bytes or by age."""

    records: Annotated[int, Whole(least=1, most=100_000)] | None = None
    bytes: Annotated[int, Whole(least=1_000, most=64_000_000)] | None = None
    age: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSection:
    """Records that are grouped into files, which a route scores."""

    route: Text
    land: Location
    close: CloseSection = field(default_factory=CloseSection)
    answer: AnswerMode | None = None


def streams_of(
    sections: Mapping[str, StreamSection], place: FilePlace, routes: tuple[Route, ...]
) -> tuple[Stream, ...]:
    """Every stream of the section."""
    by_name = {route.name: route for route in routes}
    for name in sections:
        if not NAME.fullmatch(name):
            place.fail(name, "is not a stream's name", "use up to 63 lower-case letters, digits and dashes")
    streams = tuple(_stream(section, name, place.inside(name)) for name, section in sections.items())
    for stream in streams:
        _check_route(place.inside(stream.name), stream, by_name)
    return streams


def _stream(section: StreamSection, name: str, place: FilePlace) -> Stream:
    close = {"records": section.close.records, "size": section.close.bytes, "age_s": section.close.age}
    limits = {limit: value for limit, value in close.items() if value is not None}
    return built(Stream, section, name=name, land=_land(section.land, place), **limits)


def _land(land: str, place: FilePlace) -> str:
    """*land*, empty where it is wrong."""
    if not land:
        return land
    names = {*patterns.captures_of(land)}
    placeholders = ", ".join(f"{{{name}}}" for name in FILLED)
    wrong = list(paths.template_problems(land))
    wrong += [(f"uses {{{name}}}", f"use {placeholders}") for name in sorted(names - {*FILLED})]
    if "batch" not in names:
        wrong.append((f"is {land!r} without {{batch}}", "add {batch}, so that no batch can take another's name"))
    place.fail_all("land", wrong)
    return "" if wrong else land


def _check_route(place: FilePlace, stream: Stream, routes: Mapping[str, Route]) -> None:
    """That the route is there, scores each file by itself, takes what is landed, and can be written for."""
    route = routes.get(stream.route)
    if route is None:
        if stream.route:
            place.fail("route", f"is {stream.route!r}, which is no route", nearest(stream.route, routes))
        return
    if route.group.kind is not Grouping.EACH:
        place.fail("route", f"is {route.name!r}, which groups files itself", "name a route with group: each")
    sample_path = patterns.fill(stream.land, _SAMPLE)
    # An unanchored pattern has a finding of its own, so it gets no second one here.
    fits = bool(patterns.unanchored(route.take)) or route.captures(sample_path) is not None
    if sample_path and not fits:
        problem = f"is {stream.land!r}, which route {route.name} does not take ({route.take!r})"
        place.fail("land", problem, "let them fit")
    _check_contract(place, route)


def _check_contract(place: FilePlace, route: Route) -> None:
    """That files of records can be written as the contract says; one that cannot be read has findings of its own."""
    file = place.report.contracts.get(route.contract)
    if file is None or file.contract is None:
        return
    contract, subject = file.contract, f"is {route.name!r}, whose data contract"
    if contract.format not in WRITABLE:
        remedy = f"use a contract whose format is {' or '.join(WRITABLE)}"
        place.fail("route", f"{subject} is of {contract.format}", remedy)
    elif contract.format == "csv" and not contract.csv.header:
        remedy = "remove header: false from the contract; records have names, and their files a header"
        place.fail("route", f"{subject} {route.contract} says csv.header: false", remedy)
