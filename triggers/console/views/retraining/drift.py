"""How a model drifts: each feature's distance from the reference over the looks, its part in it, and its relevance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from triggers.console.page import PageRequest, View
from triggers.console.views.listing import asked, in_order

ORDERS = {
    "features": {
        "": "what moved most first",
        "column": "by name",
        "-effect": "the farthest first",
        "movement": "by verdict",
        "-shift": "by the score's shift",
    },
    "looks": {
        "": "the newest first",
        "at": "the oldest first",
        "outcome": "by outcome",
        "-rows": "the most rows first",
    },
}
_FEATURES: Mapping[str, Callable[["Trend"], Any]] = {
    "column": lambda row: (row.newest.column, row.newest.part),
    "effect": lambda row: row.newest.effect,
    "movement": lambda row: row.newest.movement,
    "share": lambda row: row.newest.share,
    "shift": lambda row: row.newest.score_shift,
}
_LOOKS = {name: attrgetter(name) for name in ("at", "outcome", "rows")}
WIDTH, HEIGHT, EDGE = 160.0, 36.0, 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A column at the newest look, with its distances of all looks, the oldest first, as a line in a small chart.

    *dots* are its points with their movements; *level* is where distances begin to count.
    """

    newest: Any
    distances: tuple[float | None, ...]
    line: str
    dots: tuple[tuple[str, str, str], ...]
    level: str

    @property
    def words(self) -> str:
        return ", ".join("not measured" if value is None else f"{value:.2f}" for value in self.distances)


async def show(request: PageRequest) -> View:
    shown = await request.api("show_drift", request.parameters)
    versions = [version.version for version in shown.versions]
    query = asked(request.query, ("version",))
    version = query.get("version") or (versions[-1] if versions else "")
    found = await request.api("list_drift_looks", request.parameters, {"version": version} if version else {})
    looks = found.looks
    orders, lines = asked(request.query, ORDERS), trends(looks)
    data = {
        "features": in_order(lines, orders.get("features", ""), _FEATURES),
        "listed_looks": in_order(looks, orders.get("looks", ""), _LOOKS),
        "orders": ORDERS,
        "shown": shown,
        "version": version,
        "versions": versions,
        "watched": next((entry for entry in shown.versions if entry.version == version), None),
        "looks": looks,
        "total": found.total,
        "trends": lines,
        "filters": {"version": version} | orders,
        "is_retrained": request.clients.configuration.is_retrained(shown.model),
    }
    return View(template="drift.html", title=shown.model, data=data)


def trends(looks: Sequence[Any]) -> list[Trend]:
    """A line for each column of the newest look, what moved most first; *looks* come with the newest first."""
    if not looks:
        return []
    newest, oldest_first = looks[0], looks[::-1]
    by_look = [{(column.column, column.part): column for column in look.columns} for look in oldest_first]
    effects = [column.effect for look in looks for column in look.columns if column.effect is not None]
    top = max([2 * newest.effect, *effects, 1e-9])
    ordered = sorted(newest.columns, key=lambda column: (-column.share, -(column.effect or 0.0), column.column))
    return [
        _trend(column, [found.get((column.column, column.part)) for found in by_look], top, newest.effect)
        for column in ordered
    ]


def _trend(newest: Any, columns: Sequence[Any], top: float, least: float) -> Trend:
    points = list[tuple[str, str, str]]()
    for number, column in enumerate(columns):
        if column is not None and column.effect is not None:
            across = EDGE + (WIDTH - 2 * EDGE) * (number / (len(columns) - 1) if len(columns) > 1 else 1.0)
            points.append((f"{across:.1f}", _height(column.effect, top), column.movement))
    return Trend(
        newest=newest,
        distances=tuple(None if column is None else column.effect for column in columns),
        line=" ".join(f"{x},{y}" for x, y, _ in points),
        dots=tuple(points),
        level=_height(least, top),
    )


def _height(value: float, top: float) -> str:
    return f"{HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * min(1.0, value / top):.1f}"
