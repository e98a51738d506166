"""The section `datasets`: which data sets may be published, what they must be, and where they are registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from shared.config.contracts import named_contract
from shared.config.fields import NAME, DifferentTexts, Duration, Text, Words
from shared.config.reading import FilePlace, built
from shared.domain.datasets.references import read_reference
from shared.domain.datasets.rules import DatasetKind, DatasetPurpose, DatasetRules
from shared.domain.datasets.sources import SourceRules
from shared.domain.inference.routes import Route, Workspace
from shared.domain.promotion.ladder import Promotable
from shared.domain.teams.ownership import PLATFORM, Belonging, Team, owner_of
from shared.validation.rules import Whole

_LONGEST_FETCH_S = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSection:
    """A data set, whose versions the environments register as data assets."""

    purpose: DatasetPurpose
    kind: DatasetKind | None = None
    environments: DifferentTexts | None = None
    contract: Text | None = None
    labels: DifferentTexts | None = None
    owner: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesSection:
    """From where files may be imported; without it from nowhere."""

    hosts: tuple[
        Annotated[
            str,
            Words(
                pattern=r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?",
                expected="a host in lower case, such as data.example.org, *.example.org or data.example.org:8443",
            ),
        ],
        ...,
    ] = ()
    assets: tuple[
        Annotated[
            str,
            Words(pattern=r"[A-Za-z0-9_.*-]+", expected="a data asset's name, in which * stands for anything"),
        ],
        ...,
    ] = ()
    largest: Annotated[int, Whole(least=1, most=1_000_000_000)] | None = None
    within: Annotated[int, Duration(least=1)] | None = None


def sources_of(section: SourcesSection, place: FilePlace) -> SourceRules:
    rules = built(SourceRules, section, **({} if section.within is None else {"within_s": section.within}))
    if rules.within_s > _LONGEST_FETCH_S:
        place.fail("within", f"is {rules.within_s} s", f"use at most {_LONGEST_FETCH_S} s: a function runs no longer")
    return rules


def datasets_of(
    sections: Mapping[str, DatasetSection], place: FilePlace, workspaces: Mapping[str, Workspace]
) -> tuple[DatasetRules, ...]:
    """Every section, with the workspaces of its environments."""
    rules = []
    for name, section in sections.items():
        inside, kind = place.inside(name), section.kind or DatasetKind.TABLE
        if not NAME.fullmatch(name):
            inside.fail("", "is not a name", "use up to 63 lower-case letters, digits and dashes")
        for environment in section.environments or ():
            if environment not in workspaces:
                inside.fail("environments", f"names {environment!r}", f"use {', '.join(workspaces) or 'none'}")
        if section.contract and kind is DatasetKind.BOXES:
            inside.fail("contract", "is set, and boxes are no table", "name the known classes under labels")
        if section.labels and kind is DatasetKind.TABLE:
            inside.fail("labels", "is set, and the data set is a table", "write kind: boxes, or remove it")
        named = tuple(workspaces[name] for name in section.environments or () if name in workspaces)
        contract = named_contract(inside, section.contract or "")
        rules.append(
            DatasetRules(
                name=name,
                kind=kind,
                purpose=section.purpose,
                workspaces=named,
                contract=contract,
                labels=section.labels or (),
                owner=section.owner or "",
            )
        )
    return tuple(rules)


def refuse_published_names(routes: tuple[Route, ...], datasets: tuple[DatasetRules, ...], place: FilePlace) -> None:
    """A route's arrivals are no versions of a data set, which people publish: the newest would be either."""
    published = {(workspace, rules.name) for rules in datasets for workspace in rules.workspaces}
    for route in routes:
        if (route.score.workspace, route.input_asset) in published:
            problem = f"is {route.input_asset!r}, of which the section `datasets` publishes versions"
            place.inside(route.name).fail("register.asset", problem, "name another data asset")


def judge_holdouts(
    models: tuple[Promotable, ...], datasets: tuple[DatasetRules, ...], place: FilePlace, teams: tuple[Team, ...] = ()
) -> None:
    """A hold-out may be a published version, of a data set that is configured and is a table.

    Where data sets are published and a hold-out is none of them, that is a warning: its file can be replaced. With
    *teams* they are those of the model's own team and of the platform; `shared.config.teams.guard` refuses others.
    """
    all_tables = [rules.name for rules in datasets if rules.kind is DatasetKind.TABLE]
    for model in models:
        owners = (PLATFORM, owner_of(teams, Belonging.MODEL, model.name))
        tables = [name for name in all_tables if owner_of(teams, Belonging.DATASET, name) in owners]
        for field, location in (("path", model.holdout.path), ("answers", model.holdout.answers)):
            reference, inside = read_reference(location), place.inside(f"{model.name}.promotion.holdout")
            if reference is not None and reference.name not in all_tables:
                remedy = f"name a table of the section `datasets`: {', '.join(tables) or 'there is none'}"
                inside.fail(field, f"names the data set {reference.name!r}", remedy)
            if reference is None and location and tables:
                remedy = "publish it with `signalbox data publish`, and name NAME@VERSION"
                inside.fail(field, f"is {location!r}, a file that can be replaced", remedy, "warning")
