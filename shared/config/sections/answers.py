"""The section `answers`: what online endpoints answered, published to the hub as their data collector kept it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from shared.config import paths
from shared.config.fields import NAME, AzureMlName, Duration, Location, Seconds, Text
from shared.config.reading import FilePlace, built
from shared.config.sections.routes import ModelContracts, own_or_of_model, workspace_of
from shared.domain.answers.rule import FILLED, PublishedAnswers
from shared.domain.drift.watch import DriftWatch
from shared.domain.inference.routes import Route, Workspace
from shared.domain.paths import patterns

_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersSection:
    """The endpoint, the collections of its data collector, and where and when their lines are published."""

    environment: Text
    endpoint: AzureMlName
    model: Text
    publish: Location
    after: Seconds | None = None
    within: Annotated[int, Duration(least=_HOUR_S)] | None = None
    inputs: Text | None = None
    outputs: Text | None = None
    field: Text | None = None
    output_contract: Text | None = None


def answers_of(
    sections: Mapping[str, AnswersSection],
    place: FilePlace,
    workspaces: Mapping[str, Workspace],
    contracts: Mapping[str, ModelContracts],
) -> tuple[PublishedAnswers, ...]:
    """Every section, with the data contracts of its model."""
    rules = []
    for name, section in sections.items():
        inside = place.inside(name)
        if not NAME.fullmatch(name):
            inside.fail("", "is not a name", "use up to 63 lower-case letters, digits and dashes")
        own = contracts.get(section.model, ModelContracts())
        if section.model and not own.contract:
            problem = f"is {section.model!r}, which has no data contract"
            inside.fail("model", problem, "name a model that has one under `models`: it says what the columns are")
        inside.fail_all("publish", _publish_problems(section.publish))
        rule = built(
            PublishedAnswers,
            section,
            name=name,
            workspace=workspace_of(section.environment, inside, workspaces),
            contract=own.contract,
            contracts=own.versions,
            output_contract=own_or_of_model(inside, section.output_contract, own.output),
        )
        _refuse_times(rule, inside)
        rules.append(rule)
    _refuse_twins(rules, place)
    return tuple(rules)


def refuse_double_counts(
    rules: tuple[PublishedAnswers, ...], watches: tuple[DriftWatch, ...], routes: tuple[Route, ...], place: FilePlace
) -> None:
    """A route that asks the endpoint is collected there, too: its rows would be counted twice."""
    for watch in watches:
        collected_endpoints = {(rule.workspace, rule.endpoint) for rule in rules if watch.counts_answers_of(rule.model)}
        for route in routes:
            score = route.score
            is_collected = score.online and (score.workspace, score.endpoint) in collected_endpoints
            if is_collected and watch.watches(route.name, score.model):
                problem = f"counts route {route.name}, whose rows are among the answers of {score.endpoint}"
                remedy = "name the other routes, or write answers: false"
                place.inside(f"{watch.model}.drift").fail("routes", problem, remedy)


def _publish_problems(publish: str) -> Iterator[tuple[str, str]]:
    if not publish:
        return
    yield from paths.template_problems(publish.rstrip("/"))
    names, placeholders = patterns.captures_of(publish), ", ".join(f"{{{name}}}" for name in FILLED)
    for name in sorted({*names} - {*FILLED}):
        yield f"uses {{{name}}}", f"use {placeholders}"
    if "part" not in names:
        yield f"is {publish!r} without {{part}}", "add {part}, so that no part can overwrite another"


def _refuse_times(rule: PublishedAnswers, place: FilePlace) -> None:
    if rule.within_s <= rule.after_s:
        place.fail("within", f"is {rule.within_s} s, and after is {rule.after_s} s", "look longer than you wait")
    if rule.inputs == rule.outputs:
        place.fail("outputs", f"is {rule.outputs!r}, as inputs", "name the two collections of the data collector")


def _refuse_twins(rules: list[PublishedAnswers], place: FilePlace) -> None:
    """The progress is kept by endpoint: two sections would take each other's lines."""
    names: dict[tuple[str, str], str] = {}
    for rule in rules:
        first = names.setdefault((rule.workspace.name, rule.endpoint), rule.name)
        if first != rule.name and rule.endpoint:
            place.inside(rule.name).fail("endpoint", f"is that of {first}", "publish the answers of an endpoint once")
