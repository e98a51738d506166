"""The sections `environments`, `hub` and `routes`: which files are taken, who scores them, and where results go."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Tag

from shared.config import paths
from shared.config.contracts import named_contract
from shared.config.fields import (
    NAME,
    Advice,
    Amount,
    AzureMlName,
    ContainerName,
    Duration,
    Location,
    Seconds,
    Text,
    Texts,
    Words,
)
from shared.config.reading import FilePlace, built, nearest
from shared.domain.configuration import ResourceGroup, StateAccount
from shared.domain.inference.routes import (
    Group,
    Grouping,
    HubLayout,
    Marker,
    OnBadData,
    OnMissingRows,
    OverrideLimits,
    Overrides,
    Route,
    Scoring,
    VersionContract,
    Window,
    Workspace,
)
from shared.validation.rules import Whole

# Labels and ranges do not fit: what they mean changes by itself.
VERSION = re.compile(r"v?[0-9]+([._-][A-Za-z0-9]+)*")
_MODEL = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]*(:{VERSION.pattern})?")
_MANIFEST = "_manifest.json"  # Written beside the result, last.
NOWHERE = Workspace(name="", subscription="", resource_group="", workspace="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContracts:
    """A model's data contract, those of single versions whose data differs, and that of its *output*."""

    contract: str = ""
    versions: tuple[VersionContract, ...] = ()
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSection:
    """An environment's Azure ML workspace; in an *experiment* teams may use hubs of their own."""

    subscription: Text
    resource_group: Text
    workspace: Text
    experiment: bool = False

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it another workspace than those of other names; Azure's names have no case."""
        return self.subscription.lower(), self.resource_group.lower(), self.workspace.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceGroupSection:
    """Where a resource is managed; only the doctor asks."""

    subscription: Text | None = None
    resource_group: Text | None = None

    def group(self, place: FilePlace) -> ResourceGroup | None:
        """Both or none: a name alone does not say where the resource is managed."""
        names = {"subscription": self.subscription, "resource_group": self.resource_group}
        missing = [name for name, value in names.items() if value is None]
        if len(missing) == 1:
            place.fail(missing[0], "is missing", "give both, or none")
        if self.subscription is None or self.resource_group is None:
            return None
        return ResourceGroup(subscription=self.subscription, name=self.resource_group)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagingSection:
    """Where input is pinned and jobs write; *datastore* is the container's name in Azure ML."""

    container: ContainerName | None = None
    datastore: Text | None = None


HubAccount = Annotated[
    str, Words(pattern=r"[a-z0-9]{3,24}", expected="a storage account's name: 3 to 24 of a-z and 0-9")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAccountSection(ResourceGroupSection):
    """A storage account for the app's own records alone, and where it is managed."""

    account: HubAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSection(ResourceGroupSection):
    """The storage account of the Data Hub, where it is managed, and the containers that Signalbox writes to."""

    account: HubAccount
    state: ContainerName | None = None
    state_account: StateAccountSection | None = None
    audit: ContainerName | None = None
    staging: StagingSection = field(default_factory=StagingSection)
    quarantine: ContainerName | None = None
    dead_letters: ContainerName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerSection:
    """A trigger file, or a manifest that names its members, starts one run."""

    name: Text | None = None
    manifest: bool | None = None
    wait: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSection:
    """A quiet period, a longest wait or a full window starts one run."""

    quiet: Seconds | None = None
    longest: Seconds | None = None
    files: Annotated[int, Whole(least=1, most=10_000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSection:
    """Several files are one run."""

    __pydantic_config__: ClassVar = {
        "json_schema_extra": {"oneOf": [{"required": ["marker"]}, {"required": ["window"]}]}
    }

    marker: MarkerSection | None = None
    window: WindowSection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreSection:
    """The endpoint that scores, and its model: its default deployment, or the one that a pin names exactly."""

    environment: Text
    endpoint: AzureMlName
    kind: Literal["batch", "online"] = "batch"
    deployment: AzureMlName | None = None
    model: Annotated[
        str,
        Words(
            pattern=_MODEL.pattern,
            advice="write NAME:VERSION with the exact version, like diabetes-progression:3, or NAME alone to follow the"
            " endpoint",
            expected="NAME or NAME:VERSION",
            described="NAME, or NAME:VERSION, exact",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridesSection:
    """Settings of the batch job; what is left out is the deployment's own."""

    instance_count: Annotated[int, Whole(least=1, most=1000)] | None = None
    mini_batch_size: Annotated[int, Whole(least=1, most=1_000_000)] | None = None
    error_threshold: Annotated[int, Whole(least=-1, most=2**31 - 1)] | None = None
    retries: Annotated[int, Whole(least=0, most=100)] | None = None
    timeout: Annotated[int, Duration(least=30)] | None = None
    output_file_name: Annotated[str, Words(published=r"[^/\\{}]+")] | None = None
    compute: AzureMlName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimitsSection:
    """The most that one run may ask for in place of the route's settings; what is left out may not be asked for."""

    instance_count: Annotated[int, Whole(least=1, most=1000)] | None = None
    mini_batch_size: Annotated[int, Whole(least=1, most=1_000_000)] | None = None
    error_threshold: Annotated[int, Whole(least=-1, most=2**31 - 1)] | None = None
    retries: Annotated[int, Whole(least=0, most=100)] | None = None
    timeout: Annotated[int, Duration(least=30)] | None = None
    computes: tuple[AzureMlName, ...] = ()
    node_hour: Amount = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSection:
    """The data asset of which each run's accepted input becomes a version, in the workspace that scores."""

    asset: Annotated[
        str,
        Words(
            pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}",
            expected="a data asset's name: up to 255 letters, digits, dashes and underscores",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySection:
    """What becomes of bad data and missing rows, and by what rows are matched with predictions."""

    bad_data: OnBadData | None = None
    missing_rows: OnMissingRows | None = None
    match: Literal["keys", "lines"] = "keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSection:
    """Files of the hub that are scored alike."""

    take: Location
    score: ScoreSection
    publish: Location
    group: Annotated[
        Annotated[Literal["each", "schedule"], Tag("(word)")] | Annotated[GroupSection, Tag("(section)")],
        Discriminator(lambda value: "(section)" if isinstance(value, dict) else "(word)"),
        Advice("write `each`, `schedule`, or one of `marker:` and `window:`"),
    ] = "each"
    contract: Text | None = None
    output_contract: Text | None = None
    overrides: OverridesSection = field(default_factory=OverridesSection)
    limits: RunLimitsSection = field(default_factory=RunLimitsSection)
    register: RegisterSection | None = None
    give_up_after: Seconds | None = None
    release_within: Seconds | None = None
    policy: PolicySection = field(default_factory=PolicySection)
    tell: Texts = ()


def workspaces_of(sections: Mapping[str, EnvironmentSection]) -> dict[str, Workspace]:
    return {name: built(Workspace, section, name=name) for name, section in sections.items()}


def hub_of(section: HubSection, place: FilePlace) -> HubLayout:
    staging = {"staging": section.staging.container, "datastore": section.staging.datastore}
    hub = built(HubLayout, section, **{name: value or getattr(_PLAIN_HUB, name) for name, value in staging.items()})
    own = (*hub.records, hub.staging, hub.quarantine, hub.dead_letters)
    if len(set(own)) < len(own):
        place.fail("", f"uses one container twice: {', '.join(own)}", "give each its own container")
    return hub


def state_account_of(section: HubSection, place: FilePlace) -> StateAccount | None:
    """The account of the records, where they have one of their own."""
    own = section.state_account
    if own is None:
        return None
    if own.account == section.account:
        place.fail("state_account", f"is {own.account!r}, the hub's own", "name another account, or leave it out")
    return StateAccount(name=own.account, group=own.group(place.inside("state_account")))


_PLAIN_HUB = HubLayout(account="")


def routes_of(
    sections: Mapping[str, RouteSection],
    place: FilePlace,
    workspaces: Mapping[str, Workspace],
    contracts: Mapping[str, ModelContracts],
) -> tuple[Route, ...]:
    """Every route; *contracts* are those of the models, which a route uses unless it names its own."""
    for name in sections:
        if not NAME.fullmatch(name):
            place.fail(name, "is not a route's name", "use up to 63 lower-case letters, digits and dashes")
    routes = tuple(
        _route(section, name, place.inside(name), workspaces, contracts) for name, section in sections.items()
    )
    _refuse_twins(place, routes)
    return routes


def workspace_of(name: str, place: FilePlace, workspaces: Mapping[str, Workspace]) -> Workspace:
    """The environment called *name*; one that is not configured is reported."""
    if name and name not in workspaces:
        place.fail("environment", f"is {name!r}", f"use one of {', '.join(workspaces) or '(none configured)'}")
    return workspaces.get(name, NOWHERE)


def _route(
    section: RouteSection,
    name: str,
    place: FilePlace,
    workspaces: Mapping[str, Workspace],
    contracts: Mapping[str, ModelContracts],
) -> Route:
    score = _scoring(section.score, place.inside("score"), workspaces)
    group = _group(section.group, place)
    wrong = list(paths.take_problems(section.take, group)) if section.take else []
    place.fail_all("take", wrong)
    if section.publish:
        place.fail_all("publish", paths.publish_problems(section.publish, "" if wrong else section.take, group))
    of_model = contracts.get(score.model, ModelContracts())
    contract = _contract(section, place, contracts, score.model)
    _refuse_no_rows(score, contract, place)
    route = built(
        Route,
        section,
        name=name,
        score=score,
        group=group,
        contract=contract,
        contracts=() if section.contract is not None else of_model.versions,
        output_contract=own_or_of_model(place, section.output_contract, of_model.output),
        overrides=_overrides(section.overrides, place.inside("overrides")),
        limits=_limits(section.limits, place.inside("limits"), section.score.kind == "online"),
        on_bad_data=section.policy.bad_data or OnBadData.QUARANTINE,
        on_missing_rows=section.policy.missing_rows or OnMissingRows.FAIL,
        match_keys=section.policy.match == "keys",
        input_asset=section.register.asset if section.register else "",
    )
    return route.scored_by(score)


def _scoring(section: ScoreSection, place: FilePlace, workspaces: Mapping[str, Workspace]) -> Scoring:
    """Half a pin is refused: whether the other half follows the endpoint would be anybody's guess."""
    workspace, (model, _, version) = workspace_of(section.environment, place, workspaces), section.model.partition(":")
    if section.model and bool(version) != (section.deployment is not None):
        remedy = "name the deployment and the exact version to pin both, or neither to follow the endpoint's default"
        missing = "no deployment" if version else "no version"
        place.fail("model", f"is {section.model!r} with {missing}", remedy)
    online = section.kind == "online"
    return built(
        Scoring, section, workspace=workspace, model=model, version=version, follows=not version, online=online
    )


def _refuse_no_rows(score: Scoring, contract: str, place: FilePlace) -> None:
    """An online endpoint is asked row by row, and only CSV has rows with a header."""
    file = place.report.contracts.get(contract)
    if not score.online or file is None or file.contract is None:
        return
    problem, remedy = "", "score them by a batch endpoint: only rows of CSV with a header are sent online"
    if file.contract.format != "csv":
        problem = f"is online, and the files of {contract} are {file.contract.format}"
    elif not file.contract.csv.header:
        problem = f"is online, and {contract} says csv.header: false"
    if problem:
        place.inside("score").fail("kind", problem, remedy)


def _contract(section: RouteSection, place: FilePlace, contracts: Mapping[str, ModelContracts], model: str) -> str:
    """The contract of the route, or else of its model, whose name may be mistyped."""
    if section.contract is not None:
        return named_contract(place, section.contract)
    contract, remedy = contracts.get(model, ModelContracts()).contract, "name a data contract here"
    if contract:
        return contract
    if model and contracts and model not in contracts:
        remedy = f"{nearest(model, contracts)} Or {remedy}"
        place.fail("contract", f"is missing, and no model is called {model}", remedy)
    else:
        place.fail("contract", "is missing", f"{remedy}, or under models.{model or 'NAME'}")
    return ""


def own_or_of_model(place: FilePlace, own: str | None, of_model: str) -> str:
    """The output contract that a section names itself, or that of its model, which was read there."""
    return of_model if own is None else named_contract(place, own, "output_contract")


def _group(section: Any, place: FilePlace) -> Group:
    if not isinstance(section, GroupSection):
        return Group(kind=Grouping(section))
    if (section.marker is None) == (section.window is None):
        kinds = " and ".join(name for name in ("marker", "window") if getattr(section, name)) or "neither"
        place.fail("group", f"has {kinds}", "write `each`, `schedule`, or one of `marker:` and `window:`")
        return Group()
    if section.marker is not None:
        return Group(kind=Grouping.MARKER, marker=_marker(section.marker, place.inside("group.marker")))
    return Group(kind=Grouping.WINDOW, window=_window(section.window, place.inside("group.window")))


def _marker(section: MarkerSection, place: FilePlace) -> Marker:
    marker = built(Marker, section)
    if problem := paths.file_name_problem(marker.name):
        place.fail("name", problem, "write a file name or a glob for one, like _SUCCESS or *.manifest.json")
    return marker


def _window(section: WindowSection | None, place: FilePlace) -> Window:
    window = built(Window, section)
    if window.quiet_s > window.longest_s:
        problem = f"is {window.quiet_s} s, above longest ({window.longest_s} s)"
        place.fail("quiet", problem, "use a shorter quiet period")
    return window


def _overrides(section: OverridesSection, place: FilePlace) -> Overrides:
    overrides = built(Overrides, section)
    if overrides.error_threshold == -1:
        problem = "is -1: rows can be lost without failing the job"
        place.fail("error_threshold", problem, "use 0 or a small number", "warning")
    if problem := paths.file_name_problem(overrides.output_file_name) or "":
        place.fail("output_file_name", problem, "use a plain file name")
    if overrides.output_file_name == _MANIFEST:
        place.fail("output_file_name", f"is {_MANIFEST!r}, the manifest's own name", "choose another name")
    return overrides


def _limits(section: RunLimitsSection, place: FilePlace, online: bool) -> OverrideLimits:
    limits = built(OverrideLimits, section)
    if online and limits != OverrideLimits():
        place.fail("", "is set for a route that scores online, where no job is started", "remove it")
    return limits


def _refuse_twins(place: FilePlace, routes: Iterable[Route]) -> None:
    names: dict[str, str] = {}
    for route in routes:
        first = names.setdefault(paths.same_files(route.take), route.name)
        if first != route.name and route.take:
            place.inside(route.name).fail("take", f"is the same as that of {first}", "give each route its own files")
