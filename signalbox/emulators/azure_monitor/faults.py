"""How the figures are published: with delay, gaps and late corrections. Tests set it by a control door.

What is unknown of Azure is a switch here, and its default is what the product has to cope with first.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from zlib import crc32

from aiohttp import web

from signalbox.emulators.azure_ml.online.traffic import ScoredRequest

MINUTE_S = 60.0
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Delays are in seconds; spans are (from, until) in epoch seconds, and name the minutes that begin in them.

    *metrics_delay_s* counts from a minute's end, and a negative one publishes a minute while it lasts. *log_delay_s*
    counts from the end of the request, with up to *log_spread_s* more. Neither has a request before it has ended, and
    both have it at the time of its arrival.
    A *late_share* of the requests is counted *late_s* later than the others of their minute.
    In *missing* minutes no average is sent, in *null* ones it is null, in *nan* ones NaN. With *zeros* a series says 0
    for a minute in which only others were measured.
    Until somebody has tried it on Azure: *mirrored* and *named* say whether such requests are counted, and
    *several_wildcards* whether a filter may have more than one. *throttled* requests for metrics are answered with 529.
    With *partial* the answers of the log come with an error, and without their last row.
    """

    metrics_delay_s: float = 60.0
    log_delay_s: float = 180.0
    log_spread_s: float = 0.0
    late_share: float = 0.0
    late_s: float = 0.0
    missing: Spans = ()
    null: Spans = ()
    nan: Spans = ()
    zeros: bool = False
    mirrored: bool = True
    named: bool = True
    several_wildcards: bool = False
    throttled: int = 0
    partial: bool = False

    def counts(self, request: ScoredRequest) -> bool:
        """Whether the service counts *request* at all."""
        return (self.mirrored or not request.mirrored) and (self.named or not request.named)

    def measured_at(self, request: ScoredRequest) -> float:
        """From when on *request* is in the metrics of its minute."""
        minute_end = request.at - request.at % MINUTE_S + MINUTE_S
        published_at = max(minute_end + self.metrics_delay_s, _ended_at(request))
        is_late = self.late_share > 0 and _chance(request, "late") < self.late_share
        return published_at + (self.late_s if is_late else 0.0)

    def logged_at(self, request: ScoredRequest) -> float:
        """From when on *request* is a row of the traffic log."""
        return _ended_at(request) + self.log_delay_s + _chance(request, "log") * self.log_spread_s


def within(minute_s: float, spans: Spans) -> bool:
    """Whether the minute that begins at *minute_s* is in one of *spans*."""
    return any(begin <= minute_s < end for begin, end in spans)


def _ended_at(request: ScoredRequest) -> float:
    return request.at + request.duration_ms / 1000


def _chance(request: ScoredRequest, purpose: str) -> float:
    """A number from 0 to 1 that is the same for a request at every look."""
    return crc32(f"{purpose}/{request.request_id}/{request.at}".encode()) / 2**32


class PublicationDoor:
    """Holds today's `Publication`. In memory only: a restart ends it."""

    def __init__(self, publication: Publication) -> None:
        self.publication = publication

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/_control/publication", self._show)
        app.router.add_put("/_control/publication", self._change)

    def take_throttle(self) -> bool:
        """Whether this request is one of those that are to be throttled."""
        remaining = self.publication.throttled
        self.publication = replace(self.publication, throttled=max(0, remaining - 1))
        return remaining > 0

    async def _show(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(asdict(self.publication))

    async def _change(self, request: web.Request) -> web.Response:
        """The fields of `Publication` that are to change; what is left out stays as it is."""
        body: dict[str, Any] = await request.json()
        unknown = set(body) - {field.name for field in fields(Publication)}
        if unknown:
            raise web.HTTPBadRequest(text=f"{', '.join(sorted(unknown))} cannot be set")
        for name in {"missing", "null", "nan"} & set(body):
            body[name] = tuple((float(begin), float(end)) for begin, end in body[name])
        self.publication = replace(self.publication, **body)
        return web.json_response(asdict(self.publication))
