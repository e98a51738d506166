"""The loop guard: no route's output may feed any route's input, its own or another's, directly or through others; nor
what models are trained on.

Proved at load from the patterns alone; a cycle is printed whole, and every finding has a path that both patterns match.
"""

from dataclasses import dataclass

from shared.config.document import Document
from shared.config.findings import FileFinding
from shared.domain.answers.rule import PublishedAnswers
from shared.domain.configuration import Configuration
from shared.domain.inference.routes import Route
from shared.domain.paths.intersection import witness
from shared.domain.paths.patterns import captures_of, fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """*path* is one that *source* may publish and *target* takes."""

    source: Route
    target: Route
    path: str


Feeds = dict[str, dict[str, Feed]]


def loop_findings(configuration: Configuration, document: Document) -> list[FileFinding]:
    """A finding for every loop, every chain, and every use of a container of Signalbox's own."""
    routes = configuration.routes
    feeds = {
        source.name: {target.name: feed for target in routes if (feed := _feed(source, target))} for source in routes
    }
    findings = [*_reserved(configuration, document), *_cycles(feeds, document), *_chains(feeds, document)]
    return [*findings, *_training(configuration, document), *_answers(configuration, document)]


def _reserved(configuration: Configuration, document: Document) -> list[FileFinding]:
    own = configuration.hub.reserved
    return [
        _finding(
            document, route, field, f"is {value!r} in Signalbox's own container", "use a container of the hub's own"
        )
        for route in configuration.routes
        for field, value in (("take", route.take), ("publish", route.publish))
        if value.partition("/")[0] in own
    ]


def _training(configuration: Configuration, document: Document) -> list[FileFinding]:
    """What a run wrote trains no model, and training sets, which lie in Signalbox's own container, are no arrivals."""
    findings = []
    for rules in configuration.retraining:
        # Training on what a run wrote would teach a model its own predictions.
        for data_route in rules.data:
            name = f"data {data_route.name} of model {rules.model}"
            if data_route.take.partition("/")[0] in configuration.hub.reserved:
                field = f"models.{rules.model}.retraining.data.{data_route.name}.take"
                problem = f"is {data_route.take!r} in Signalbox's own container"
                remedy = "use a container of the hub's own"
                findings.append(document.finding(field, problem, remedy))
            for source in configuration.routes:
                path = witness(written_pattern(source), data_route.take)
                if path is not None:
                    problem = f"feeds {name} ({source.publish!r} and {data_route.take!r} both match {path!r})"
                    findings.append(
                        _finding(document, source, "publish", problem, "publish where nothing is trained from")
                    )
    return findings


def _answers(configuration: Configuration, document: Document) -> list[FileFinding]:
    """What is published of online answers is neither scored again nor learned from."""
    takes = [(f"route {route.name}", route.take) for route in configuration.routes]
    takes += [
        (f"data {data.name} of model {rules.model}", data.take)
        for rules in configuration.retraining
        for data in rules.data
    ]
    findings = []
    for rule in configuration.answers:
        field = f"answers.{rule.name}.publish"
        problems = [
            (f"feeds {name} ({rule.publish!r} and {take!r} both match {path!r})", "publish where nothing is taken from")
            for name, take in takes
            if (path := witness(published_pattern(rule), take)) is not None
        ]
        if rule.publish.partition("/")[0] in configuration.hub.reserved:
            problem = f"is {rule.publish!r} in Signalbox's own container"
            problems.append((problem, "use a container of the hub's own"))
        findings += [document.finding(field, problem, remedy) for problem, remedy in problems]
    return findings


def published_pattern(rule: PublishedAnswers) -> str:
    """The pattern of what *rule* publishes: everything but the model may be anything."""
    unknown = {name: f"{{{name}}}" for name in captures_of(rule.publish)}
    return fill(rule.publish.rstrip("/"), unknown | {"model": rule.model}) + "/?*"


def _cycles(feeds: Feeds, document: Document) -> list[FileFinding]:
    findings, reported_cycles = [], set[frozenset[str]]()
    for name in feeds:
        cycle = _cycle(name, feeds)
        if cycle and frozenset(cycle) not in reported_cycles:
            reported_cycles.add(frozenset(cycle))
            feed = feeds[cycle[0]][cycle[1]]
            problem = f"closes a loop: {' -> '.join(cycle)} ({_proof(feed)})"
            remedy = "publish where no route takes files from"
            findings.append(_finding(document, feed.source, "publish", problem, remedy))
    return findings


def _chains(feeds: Feeds, document: Document) -> list[FileFinding]:
    """A finding for every route that feeds another without a way back."""
    remedy = "publish elsewhere: what a run wrote is never scored"
    return [
        _finding(document, feed.source, "publish", f"feeds route {feed.target.name} ({_proof(feed)})", remedy)
        for targets in feeds.values()
        for feed in targets.values()
        if not _way(feed.target.name, feed.source.name, feeds)
    ]


def _proof(feed: Feed) -> str:
    return f"publish {feed.source.publish!r} and take {feed.target.take!r} both match {feed.path!r}"


def _feed(source: Route, target: Route) -> Feed | None:
    path = witness(written_pattern(source), target.take)
    return None if path is None else Feed(source=source, target=target, path=path)


def written_pattern(route: Route) -> str:
    """The pattern of what *route* publishes: captures, the run id and the file's name may be anything.

    Any name covers markers too: they lie in the folders of the files that are taken.
    """
    unknown = {name: f"{{{name}}}" for name in captures_of(route.publish)}
    names = {"route": route.name, "model": route.score.model}
    if not route.score.is_open:  # A route that follows its endpoint may publish results of any version.
        names["version"] = route.score.version
    return fill(route.publish.rstrip("/"), unknown | names) + "/?*"


def _cycle(start: str, feeds: Feeds) -> list[str]:
    """The shortest way from *start* back to itself, both ends included; empty where there is none."""
    ways = [[start, *way] for after in feeds[start] if (way := _way(after, start, feeds))]
    return min(ways, key=len, default=[])


def _way(start: str, end: str, feeds: Feeds) -> list[str]:
    """The shortest way from *start* to *end*, both included; empty where there is none."""
    ways, visits = [[start]], {start}
    while ways:
        way = ways.pop(0)
        if way[-1] == end:
            return way
        for after in feeds[way[-1]]:
            if after not in visits:
                visits.add(after)
                ways.append([*way, after])
    return []


def _finding(document: Document, route: Route, field: str, problem: str, remedy: str) -> FileFinding:
    return document.finding(f"routes.{route.name}.{field}", problem, remedy)
