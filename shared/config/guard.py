"""The loop guard: no route's output may feed any route's input, directly or through others.

Proved at load from the patterns alone; the cycle is printed. A chain of routes that ends is fine.
"""

from shared.config.document import Document
from shared.config.findings import Finding
from shared.domain.intersection import witness
from shared.domain.routes import Configuration, Grouping, Route


def loop_findings(configuration: Configuration, document: Document) -> list[Finding]:
    """A finding for every route on a cycle, and for every route that takes from a container of Signalbox's own."""
    return [*_reserved(configuration, document), *_cycles(configuration, document)]


def _reserved(configuration: Configuration, document: Document) -> list[Finding]:
    own = configuration.hub.reserved
    return [
        _finding(
            document, route, field, f"is {value!r} in Signalbox's own container", "use a container of the hub's own"
        )
        for route in configuration.routes
        for field, value in (("take", route.take), ("publish", route.publish))
        if value.partition("/")[0] in own
    ]


def _cycles(configuration: Configuration, document: Document) -> list[Finding]:
    feeds = {
        route.name: {other.name: path for other in configuration.routes if (path := _fed(route, other)) is not None}
        for route in configuration.routes
    }
    found, told = [], set[frozenset[str]]()
    for route in configuration.routes:
        cycle = _cycle(route.name, feeds)
        if cycle and frozenset(cycle) not in told:
            told.add(frozenset(cycle))
            proof = feeds[cycle[0]][cycle[1]]
            problem = f"closes a loop: {' -> '.join(cycle)} (its result {proof!r} would be taken as input)"
            found.append(_finding(document, route, "publish", problem, "publish where no route takes files from"))
    return found


def _fed(route: Route, other: Route) -> str | None:
    """A path that *route* may write and *other* takes."""
    written = f"{route.publish.rstrip('/')}/?*"
    takes = [other.take]
    if other.group.kind is Grouping.MARKER:
        takes.append(f"{other.take.rpartition('/')[0]}/{other.group.marker.name}")
    return next((path for take in takes if (path := witness(written, take)) is not None), None)


def _cycle(start: str, feeds: dict[str, dict[str, str]]) -> list[str]:
    """The shortest way from *start* back to itself, both ends included; empty where there is none."""
    ways = [[start]]
    seen = set[str]()
    while ways:
        way = ways.pop(0)
        for after in feeds[way[-1]]:
            if after == start:
                return [*way, start]
            if after not in seen:
                seen.add(after)
                ways.append([*way, after])
    return []


def _finding(document: Document, route: Route, field: str, problem: str, remedy: str, level: str = "error") -> Finding:
    where = f"routes.{route.name}.{field}"
    return Finding(line=document.line(where), field=where, problem=problem, remedy=remedy, level=level)
