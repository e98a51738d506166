"""The section `schedules` of `signalbox.yaml`: what is done by the clock, and to what.

To add a kind of target: a member of `Target`, its names below, and what it does in `activities.schedules.firing`.
"""

import difflib
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from shared.config import paths
from shared.config.reader import NAME, Reader
from shared.config.shapes import DURATION, LOCATION, TEXT, mapping, named
from shared.domain.inference.routes import Grouping, HubLayout, Route
from shared.domain.paths import patterns
from shared.domain.retraining.rules import Retraining
from shared.domain.schedules.cron import read_cron
from shared.domain.schedules.due_times import CatchUp, Schedule, Target

_FIELDS = ("cron", "timezone", "catch_up", "jitter", "input", *Target)
_LACKS = {Target.RETRAIN: "which has no `retraining` under `models`", Target.SCORE: "which is no route"}
_LONGEST_JITTER_S = 86_400
_COLLECTED = (Grouping.SCHEDULE, Grouping.WINDOW)  # Groups whose files wait, and of which each is claimed by one run.


def read_schedules(
    section: Reader, retraining: Iterable[Retraining], routes: tuple[Route, ...], hub: HubLayout
) -> tuple[Schedule, ...]:
    """Every schedule of the section; findings gather in *section*."""
    by_name = {route.name: route for route in routes}
    known: dict[Target, Iterable[str]] = {
        Target.RETRAIN: tuple(each.model for each in retraining),
        Target.SCORE: by_name,
    }
    found = []
    for name in section.names():
        if not NAME.fullmatch(name):
            section.fail(name, "is not a schedule's name", "use up to 63 lower-case letters, digits and dashes")
        found.append(_schedule(section.inside(name), name, known))
        _check_scoring(section.inside(name), found[-1], by_name.get(found[-1].of), hub)
    return tuple(found)


def unscheduled(schedules: Iterable[Schedule], routes: Iterable[Route]) -> list[str]:
    """The routes whose files wait for a schedule that is not there."""
    scored = {each.of for each in schedules if each.target is Target.SCORE and not each.input}
    return [route.name for route in routes if route.group.kind is Grouping.SCHEDULE and route.name not in scored]


def schedules_schema() -> dict[str, Any]:
    fields: dict[str, Any] = {
        "cron": TEXT,
        "timezone": TEXT,
        "catch_up": {"enum": list(CatchUp)},
        "jitter": DURATION,
        "input": LOCATION,
    }
    fields |= {target.value: TEXT for target in Target}
    one = mapping(fields, required=("cron",)) | {"oneOf": [{"required": [target]} for target in Target]}
    return named(one) | {"propertyNames": {"pattern": f"^{NAME.pattern}$"}}


def _schedule(one: Reader, name: str, known: dict[Target, Iterable[str]]) -> Schedule:
    one.known(_FIELDS)
    target = _target(one)
    jitter_s = one.seconds("jitter", 0, least=0)
    if jitter_s > _LONGEST_JITTER_S:
        one.fail("jitter", f"is {jitter_s} s", "use at most 1d")
    return Schedule(
        name=name,
        cron=_cron(one),
        timezone=_timezone(one),
        catch_up=CatchUp(one.choice("catch_up", tuple(CatchUp), CatchUp.NONE)),
        jitter_s=jitter_s,
        target=target,
        of=_of(one, target, tuple(known[target])),
        input=one.optional("input"),
    )


def _target(one: Reader) -> Target:
    given = [target for target in Target if one.has(target)]
    if len(given) != 1:
        said = " and ".join(given) if given else "none of them"
        one.fail("", f"has {said}", f"give exactly one of {', '.join(Target)}")
    return given[0] if given else Target.RETRAIN


def _of(one: Reader, target: Target, known: tuple[str, ...]) -> str:
    name = one.optional(target)
    if name and name not in known:
        near = difflib.get_close_matches(name, known, 1)
        said = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known) or '(none)'}"
        one.fail(target, f"is {name!r}, {_LACKS[target]}", said)
    return name


def _cron(one: Reader) -> str:
    text = one.text("cron")
    try:
        if text:
            read_cron(text)
    except ValueError as error:
        said = "write minute, hour, day of month, month and day of week, like 30 6 * * MON-FRI"
        one.fail("cron", f"is {text!r} ({error})", said)
    return text


def _timezone(one: Reader) -> str:
    name = one.text("timezone", "UTC")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # The last for a folder of the database, like Europe.
        near = difflib.get_close_matches(name, available_timezones(), 1)
        said = f"did you mean {near[0]!r}?" if near else "use a name of the IANA database, like Europe/Paris"
        one.fail("timezone", f"is {name!r}, which is no time zone", said)
    return name


def _check_scoring(one: Reader, schedule: Schedule, route: Route | None, hub: HubLayout) -> None:
    """That the route's files wait for somebody, or that *input* is a folder and fills the place it publishes to."""
    if schedule.input and schedule.target is not Target.SCORE:
        one.fail("input", "is there without score", "remove it, or write score: ROUTE")
    if schedule.target is not Target.SCORE or route is None:
        return
    if not schedule.input:
        if route.group.kind not in _COLLECTED:
            said = "give `input`, or let that route's group be `schedule`, so that files wait"
            one.fail("score", f"is {route.name!r}, which scores its files as they come", said)
        return
    container = schedule.input.partition("/")[0]
    one.fail_all("input", paths.folder_problems(schedule.input))
    if container in hub.reserved:
        one.fail("input", f"is {schedule.input!r} in Signalbox's own container", "name a folder of the hub's own")
    if unknown := sorted({*patterns.captures_of(route.publish)} - {*paths.FILLED}):
        said = f"publish to a folder of {', '.join(f'{{{name}}}' for name in paths.FILLED)} alone"
        one.fail("input", f"cannot fill {{{unknown[0]}}} of {route.name}'s publish", said)
