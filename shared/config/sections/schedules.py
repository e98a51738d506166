"""The section `schedules`: what is done by the clock, and to what.

To add a kind of target: a member of `Target`, a field below, the names that it may have, and what it does in
`activities.schedules.firing`.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from shared.config import paths
from shared.config.fields import NAME, Duration, Location, Text
from shared.config.reading import FilePlace, built, nearest
from shared.domain.inference.routes import Grouping, HubLayout, Route
from shared.domain.paths import patterns
from shared.domain.retraining.rules import Retraining
from shared.domain.schedules.cron import read_cron
from shared.domain.schedules.due_times import CatchUp, Schedule, Target

_LACKS = {Target.RETRAIN: "which has no `retraining` under `models`", Target.SCORE: "which is no route"}
_LONGEST_JITTER_S = 86_400
_COLLECTED = (Grouping.SCHEDULE, Grouping.WINDOW)  # Groups whose files wait, and of which each is claimed by one run.


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSection:
    """What is done at the times of *cron*: exactly one of the targets."""

    __pydantic_config__: ClassVar = {
        "json_schema_extra": {"oneOf": [{"required": [target.value]} for target in Target]}
    }

    cron: Text
    timezone: Text | None = None
    catch_up: CatchUp | None = None
    jitter: Annotated[int, Duration(least=0)] | None = None
    input: Location | None = None
    retrain: Text | None = None
    score: Text | None = None


def schedules_of(
    sections: Mapping[str, ScheduleSection],
    place: FilePlace,
    retraining: Iterable[Retraining],
    routes: tuple[Route, ...],
    hub: HubLayout,
) -> tuple[Schedule, ...]:
    """Every schedule of the section."""
    by_name = {route.name: route for route in routes}
    names_by_target = {Target.RETRAIN: tuple(rules.model for rules in retraining), Target.SCORE: tuple(by_name)}
    schedules = []
    for name, section in sections.items():
        if not NAME.fullmatch(name):
            place.fail(name, "is not a schedule's name", "use up to 63 lower-case letters, digits and dashes")
        schedules.append(_schedule(section, name, place.inside(name), names_by_target))
        _check_scoring(place.inside(name), schedules[-1], by_name.get(schedules[-1].of), hub)
    return tuple(schedules)


def unscheduled(schedules: Iterable[Schedule], routes: Iterable[Route]) -> list[str]:
    """The routes whose files wait for a schedule that is not there."""
    scheduled_routes = {schedule.of for schedule in schedules if schedule.target is Target.SCORE and not schedule.input}
    return [
        route.name for route in routes if route.group.kind is Grouping.SCHEDULE and route.name not in scheduled_routes
    ]


def _schedule(
    section: ScheduleSection, name: str, place: FilePlace, names_by_target: Mapping[Target, Iterable[str]]
) -> Schedule:
    targets = {target: of for target in Target if (of := getattr(section, target.value)) is not None}
    if len(targets) != 1:
        place.fail("", f"has {' and '.join(targets) or 'none of them'}", f"give exactly one of {', '.join(Target)}")
    target, of = next(iter(targets.items()), (Target.RETRAIN, ""))
    if of and of not in names_by_target[target]:
        place.fail(target.value, f"is {of!r}, {_LACKS[target]}", nearest(of, names_by_target[target]))
    schedule = built(Schedule, section, name=name, target=target, of=of)
    _check_times(schedule, place)
    return schedule


def _check_times(schedule: Schedule, place: FilePlace) -> None:
    if schedule.jitter_s > _LONGEST_JITTER_S:
        place.fail("jitter", f"is {schedule.jitter_s} s", "use at most 1d")
    try:
        if schedule.cron:
            read_cron(schedule.cron)
    except ValueError as error:
        remedy = "write minute, hour, day of month, month and day of week, like 30 6 * * MON-FRI"
        place.fail("cron", f"is {schedule.cron!r} ({error})", remedy)
    place.fail_all("timezone", zone_problems(schedule.timezone))


def zone_problems(zone: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the name of a time zone, and the remedy; nothing where it is one."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # The last for a folder of the database, like Europe.
        near = difflib.get_close_matches(zone, available_timezones(), 1)
        remedy = f"did you mean {near[0]!r}?" if near else "use a name of the IANA database, like Europe/Paris"
        yield f"is {zone!r}, which is no time zone", remedy


def _check_scoring(place: FilePlace, schedule: Schedule, route: Route | None, hub: HubLayout) -> None:
    """That the route's files wait for somebody, or that *input* is a folder and fills the place it publishes to."""
    if schedule.input and schedule.target is not Target.SCORE:
        place.fail("input", "is there without score", "remove it, or write score: ROUTE")
    if schedule.target is not Target.SCORE or route is None:
        return
    if not schedule.input:
        if route.group.kind not in _COLLECTED:
            remedy = "give `input`, or let that route's group be `schedule`, so that files wait"
            place.fail("score", f"is {route.name!r}, which scores its files as they come", remedy)
        return
    place.fail_all("input", paths.folder_problems(schedule.input))
    if schedule.input.partition("/")[0] in hub.reserved:
        problem = f"is {schedule.input!r} in Signalbox's own container"
        place.fail("input", problem, "name a folder of the hub's own")
    if unknown := sorted({*patterns.captures_of(route.publish)} - {*paths.FILLED}):
        remedy = f"publish to a folder of {', '.join(f'{{{name}}}' for name in paths.FILLED)} alone"
        place.fail("input", f"cannot fill {{{unknown[0]}}} of {route.name}'s publish", remedy)
