"""One model: its versions over environments, what served when, where it is used, known good, and what was decided."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from math import ceil
from typing import Any

from shared.domain.access.permissions import Action
from shared.domain.promotion.ladder import REGISTRY, Stage
from shared.domain.promotion.models import STATE, ModelVersion, is_later
from shared.domain.rollout.serving import ChangeKind
from shared.domain.teams.ownership import Belonging
from shared.domain.teams.views import configuration_of_owner
from shared.evidence_page.serving_plots import ServedStretch, serving_plot
from triggers.console.page import PageRequest, View
from triggers.console.views.releases.figures import figure_of
from triggers.console.views.releases.parts_of_page import PagePart, part_of

_PUT_BACK = (ChangeKind.UNDO.value, ChangeKind.ROLLBACK.value)
_WHOLE_PAGE = 1000.0  # How wide a history is drawn.
_NOT_DECIDED = "signalbox"  # Who the audit log names for what the product does by itself.


async def show(request: PageRequest) -> View:
    name = request.parameters["model"]
    there = await part_of(request.api("show_model", request.parameters))  # First: what there is not has no page.
    own = configuration_of_owner(request.clients.configuration, Belonging.MODEL, name)
    online = [stage for stage in own.ladder.stages if stage.environment is not None and stage.serving.online]
    produced = [stage for stage in online if stage.rollout is not None]
    history, *parts = await asyncio.gather(
        part_of(request.api("show_history", {"model": name})),
        *(part_of(request.api("show_serving", _endpoint(stage))) for stage in online),
        *(part_of(request.api("show_known_good", {"model": name}, {"stage": stage.name})) for stage in produced),
    )
    served, known = parts[: len(online)], parts[len(online) :]
    environments = [workspace.name for workspace in own.workspaces]
    places = [*environments, *([REGISTRY] if any(stage.registry for stage in own.ladder.stages) else [])]
    versions = there.value.versions if there.value else ()
    promotable = next((model for model in own.ladder.models if model.name == name), None)
    person, team = request.session.person, request.clients.configuration.team_of(Belonging.MODEL, name)
    allows = request.clients.configuration.permissions.allows
    data = {
        "model": name,
        "owner": promotable.owner if promotable else "",
        "no_versions": there.because,
        "places": places,
        "rows": _matrix(name, versions, places, online, served),
        "versions": versions_of(versions),
        "endpoints": [_served(stage, part, name, request.now) for stage, part in zip(online, served, strict=True)],
        "known": [{"stage": stage, "part": part} for stage, part in zip(produced, known, strict=True)],
        "releasable": {row.model for part in known if part.value for row in part.value.versions if _is_held(row)},
        "routes": [route for route in own.routes if route.score.model == name],
        "stages": [stage for stage in own.ladder.stages if stage.serving.online or stage.serving.batch],
        "decisions": _decisions(history),
        "no_history": history.because,
        "may_roll_back": any(allows(person, Action.ROLL_BACK, stage.place, team) for stage in produced),
        "may_rehearse": any(
            allows(person, Action.ROLL_BACK, stage.place, team)
            for stage in own.ladder.stages
            if stage.rehearse or stage in produced
        ),
        "may_revoke": allows(person, Action.REVOKE, REGISTRY, team),
    }
    return View(template="model.html", title=name, data=data)


def _is_held(row: Any) -> bool:
    """Whether a release may clear something: a hold, or alerts, for which the time that it has served is not enough."""
    return any(not condition.met and condition.condition in ("not held back", "served") for condition in row.conditions)


def _endpoint(stage: Stage) -> dict[str, str]:
    return {"environment": stage.workspace.name, "endpoint": stage.serving.online}


def versions_of(versions: Iterable[Any]) -> list[str]:
    """Every version once, the latest first."""
    names = {row.version for row in versions}
    return sorted(names, key=lambda version: _Order(ModelVersion(name="m", version=version)))


class _Order:
    """Versions by the numbers in them: 10 comes before 9 where the latest comes first."""

    def __init__(self, model: ModelVersion) -> None:
        self._model = model

    def __lt__(self, other: "_Order") -> bool:
        return is_later(self._model, other._model)


def _matrix(
    name: str, versions: Iterable[Any], places: list[str], online: list[Stage], served: list[PagePart]
) -> list[dict[str, Any]]:
    """A row for each version, with a cell for each place: whether it is there, its state, and what it serves now."""
    there = {(row.version, row.place): row for row in versions}
    shares = dict[tuple[str, str], list[Any]]()
    for stage, part in zip(online, served, strict=True):
        for interval in part.value.intervals if part.value else ():
            model, _, version = interval.model.partition(":")
            if model == name and not interval.until:
                shares.setdefault((version, stage.workspace.name), []).append(interval)
    return [
        {
            "version": version,
            "cells": [
                {
                    "place": place,
                    "there": there.get((version, place)),
                    "state": _state(there.get((version, place))),
                    "shares": shares.get((version, place), []),
                }
                for place in places
            ],
        }
        for version in versions_of(versions)
    ]


def _state(row: Any) -> str:
    return str(row.tags.get(STATE, "")) if row and row.place == REGISTRY else ""


def _served(stage: Stage, part: PagePart, name: str, now: datetime) -> dict[str, Any]:
    intervals = list(part.value.intervals) if part.value else []
    stretches = [
        ServedStretch(
            name=row.model.removeprefix(f"{name}:") or row.deployment,
            share=row.share,
            since=datetime.fromisoformat(row.since),
            until=datetime.fromisoformat(row.until) if row.until else None,
            put_back=row.ended in _PUT_BACK,
        )
        for row in intervals
    ]
    newest = sorted(intervals, key=lambda row: (not row.until, row.since, row.share), reverse=True)
    return {
        "stage": stage,
        "figure": figure_of(serving_plot(stretches, _drawn_until(stretches, now)), _WHOLE_PAGE),
        "rows": newest,
        "because": part.because,
    }


def _drawn_until(stretches: Sequence[ServedStretch], now: datetime) -> datetime:
    """*now*, rounded up by at most a hundredth of what is drawn: a page that is asked again has mostly not changed."""
    length_s = (now - min((stretch.since for stretch in stretches), default=now)).total_seconds()
    step_s = 60.0
    while step_s * 200 < length_s:
        step_s *= 2
    return datetime.fromtimestamp(ceil(now.timestamp() / step_s) * step_s, now.tzinfo)


def _decisions(history: PagePart) -> list[Any]:
    """What people have decided, the newest first."""
    entries = history.value.entries if history.value else ()
    return [entry for entry in reversed(entries) if entry.who != _NOT_DECIDED]
