"""Look for collected answers that are due, and take them part by part: planned on record, published, counted, closed.

What fails for one deployment does not keep the others from being published.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from activities.answers.answers_part import AnswersPart
from activities.answers.drift_counts import count_part
from activities.answers.output_holds import PartHeld
from activities.answers.publishing import MANIFEST, is_published, publish_part
from activities.sweep_parts import Parts
from shared import contracts as c
from shared.clients import Clients
from shared.domain.answers.parts import DayProgress, PlannedPart, days_of, is_over, next_part
from shared.domain.answers.rule import PublishedAnswers
from shared.domain.failures import Refused
from shared.domain.promotion.models import ModelVersion
from shared.durable.starting import Client
from shared.ports import EndpointKind, ServedEndpoint
from shared.records.production.answers import close_day, closed_through, day_path, stored_day
from shared.records.production.serving import changes_of
from shared.records.store import Stored

_MOST_PARTS = 4  # Of one activity: each may be 64 MiB.


async def publish_answers(client: Client, clients: Clients, look: c.AnswersLook) -> c.AnswersPublished:
    """Publish the parts that are due, some at most."""
    del client, look  # Its key only makes the look an effect of its own.
    parts, published, room = Parts("answers"), 0, _MOST_PARTS
    for rule in clients.configuration.answers:
        deployments: list[str] = []
        finished = 0
        with parts.part(f"the answers of {rule.place}"):
            deployments += await asyncio.to_thread(clients.collected_files.deployments, _served(rule))
        for deployment in deployments:
            with parts.part(f"the answers of {rule.place}/{deployment}"):
                count, new, holds = await asyncio.to_thread(_take, clients, rule, deployment, room)
                published, room = published + new, room - count
                if holds:
                    raise holds[0]  # The sweep's record shows it to people until the part is published.
                finished += 1
        if deployments and finished == len(deployments) and room > 0:
            with parts.part(f"the days of {rule.place}"):
                await asyncio.to_thread(_close_days, clients, rule)
    swept = await parts.conclude(clients, c.Swept())
    return c.AnswersPublished(parts=published, is_done=room > 0, failed=swept.failed)


def _take(
    clients: Clients, rule: PublishedAnswers, deployment: str, most: int
) -> tuple[int, int, tuple[PartHeld, ...]]:
    """Take the parts of one deployment, *most* at most; how many were taken, and published, and which are held.

    A held part keeps those behind it on the same day waiting, and no others. Its day is not closed before it is taken,
    nor is any day after it.
    """
    count, published, holds, is_gapless = 0, 0, list[PartHeld](), True
    closed = closed_through(clients.store, rule, deployment) or closed_through(clients.store, rule)
    for day in days_of(clients.clock.now(), rule.within_s, closed):
        taken = _take_day(clients, rule, deployment, day, most - count)
        count, published = count + taken.parts, published + taken.published
        holds += [taken.hold] if taken.hold else []
        is_gapless = is_gapless and taken.is_closed
        if is_gapless:
            close_day(clients.store, rule, day, deployment)
    return count, published, tuple(holds)


def _close_days(clients: Clients, rule: PublishedAnswers) -> None:
    """Where a deployment will begin that collects its first lines before anybody looks again: this look missed none."""
    first = next(days_of(clients.clock.now(), rule.within_s))
    close_day(clients.store, rule, first - timedelta(days=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _DayTaken:
    """What one look has taken of a day: *parts*, of which some were *published*. *is_closed*: nothing is left."""

    parts: int = 0
    published: int = 0
    hold: PartHeld | None = None
    is_closed: bool = False


def _take_day(clients: Clients, rule: PublishedAnswers, deployment: str, day: date, most: int) -> _DayTaken:
    """Take the parts of one day, *most* at most. Raises Refused where nobody knows what the deployment ran."""
    published = 0
    for count in range(most):
        planned = _planned(clients, rule, deployment, day)
        if planned is None:
            is_closed = is_over(day, clients.clock.now(), rule.within_s)
            return _DayTaken(parts=count, published=published, is_closed=is_closed)
        try:
            model = _model(clients, rule, deployment)
            part = AnswersPart(rule=rule, deployment=deployment, model=model, planned=planned)
            published += _finish(clients, part, day)
        except PartHeld as hold:
            return _DayTaken(parts=count + 1, published=published, hold=hold)
        except UnknownVersion:
            # Nobody will know it later either: it was never deployed for anybody but those who tried it.
            if is_over(day, clients.clock.now(), rule.within_s):
                return _DayTaken(parts=count, published=published, is_closed=True)
            raise
    return _DayTaken(parts=most, published=published)


class UnknownVersion(Refused):
    """Neither Azure ML nor a signed record says which version a deployment ran."""


def _planned(clients: Clients, rule: PublishedAnswers, deployment: str, day: date) -> PlannedPart | None:
    """The part that is at work, or the next one, which is recorded before anything is read. Raises LostRace."""
    stored = stored_day(clients.store, rule, deployment, day)
    progress = stored.record if stored else DayProgress()
    if progress.planned is not None:
        return progress.planned
    collections = (rule.inputs, rule.outputs)
    files = list(clients.collected_files.files(_served(rule), deployment, day, collections))
    planned = next_part(progress, files, clients.clock.now(), after_s=rule.after_s, within_s=rule.within_s)
    if planned is not None:
        clients.store.save(day_path(rule, deployment, day), progress.with_plan(planned), stored)
    return planned


def _finish(clients: Clients, part: AnswersPart, day: date) -> bool:
    """Publish *part*, count it, and close it; whether it had any lines."""
    until = publish_part(clients, part)
    has_lines = is_published(clients, part)
    if has_lines:
        # Announced and counted before the part is closed: a host that dies in between finds the part planned still, and
        # both are repeated under its name.
        _announce(clients, part)
        count_part(clients, part)
    stored: Stored[DayProgress] | None = stored_day(clients.store, part.rule, part.deployment, day)
    if stored is None or stored.record.planned != part.planned:
        return False  # Another look has closed it.
    closed = stored.record.with_part(part.planned, until, has_lines)
    clients.store.save(day_path(part.rule, part.deployment, day), closed, stored)
    return has_lines


def _announce(clients: Clients, part: AnswersPart) -> None:
    """Say where the part lies. Its id makes a repeat the same event."""
    data = {
        "answers": part.rule.name,
        "model": str(part.model),
        "endpoint": part.rule.place,
        "deployment": part.deployment,
        "period": part.planned.period,
        "manifest": f"{part.folder}/{MANIFEST}",
    }
    clients.announcer.announce(part.id, "Signalbox.Answers.Published", f"answers/{part.rule.name}", data)


def _model(clients: Clients, rule: PublishedAnswers, deployment: str) -> ModelVersion:
    """What *deployment* runs, or ran by the signed records of the traffic. Raises Refused where nobody knows."""
    live = clients.endpoints.deployment(rule.workspace, EndpointKind.ONLINE, rule.endpoint, deployment)
    texts = [live.model] if live else list(_recorded(clients, rule, deployment))
    model = next(filter(None, map(ModelVersion.of_asset, texts)), None)
    if model is None:
        raise UnknownVersion(
            f"nobody knows which version deployment {deployment} ran: it is gone, and never had traffic"
        )
    if model.name != rule.model:
        raise Refused(f"deployment {deployment} runs {model}, and the section is about {rule.model}")
    return model


def _recorded(clients: Clients, rule: PublishedAnswers, deployment: str) -> Iterator[str]:
    for change in changes_of(clients.statements, rule.workspace.name, rule.endpoint):
        if version := change.versions.get(deployment):
            yield version


def _served(rule: PublishedAnswers) -> ServedEndpoint:
    return ServedEndpoint(workspace=rule.workspace, endpoint=rule.endpoint)
