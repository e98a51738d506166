"""The sections of `signalbox.yaml`, each read into its dataclass."""

import re

from shared.config import access, ladder, paths, schedules
from shared.config.devops import read_devops
from shared.config.drift import read_watches
from shared.config.reader import ACCOUNT, AZURE_ML_NAME, NAME, Reader
from shared.config.retraining import read_retrainings
from shared.config.streams import read_streams
from shared.domain.configuration import Configuration, ResourceGroup
from shared.domain.inference.routes import (
    Group,
    Grouping,
    HubLayout,
    Marker,
    OnBadData,
    OnMissingRows,
    Overrides,
    Route,
    Scoring,
    Window,
    Workspace,
)
from shared.domain.promotion.ladder import Promotable

MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*:v?[0-9]+([._-][A-Za-z0-9]+)*")  # Labels and ranges do not fit.
_MANIFEST = "_manifest.json"  # Written beside the result, last.
_NOWHERE = Workspace(name="", subscription="", resource_group="", workspace="")


def read_configuration(reader: Reader) -> Configuration:
    """The whole configuration; where the reader has findings it is incomplete and must not be used."""
    own = ("environments", "hub", "models", "routes", "streams", "schedules", "devops", "service_bus")
    reader.known((*own, *ladder.SECTIONS, *access.SECTIONS))
    workspaces = _workspaces(reader.inside("environments", required=True))
    contracts, promotable = _models(reader.inside("models"))
    hub = _hub(reader.inside("hub", required=True))
    section = reader.inside("routes", required=True)
    for name in section.names():
        if not NAME.fullmatch(name):
            section.fail(name, "is not a route's name", "use up to 63 lower-case letters, digits and dashes")
    routes = tuple(_route(section, name, workspaces, contracts) for name in section.names())
    _refuse_twins(section, routes)
    roles = ladder.read_roles(reader)
    climbing = ladder.read_ladder(reader, workspaces, promotable, roles, hub)
    retraining = read_retrainings(reader, workspaces, climbing)
    timed = schedules.read_schedules(reader.inside("schedules"), retraining, routes, hub)
    for name in schedules.unscheduled(timed, routes):
        section.inside(name).fail("group", "is schedule, and no schedule scores it", "add one under `schedules`")
    return Configuration(
        hub=hub,
        routes=routes,
        workspaces=tuple(workspaces.values()),
        ladder=climbing,
        retraining=retraining,
        schedules=timed,
        streams=read_streams(reader.inside("streams"), routes),
        devops=read_devops(reader, climbing),
        permissions=access.read_permissions(reader, tuple(workspaces), roles),
        drift=read_watches(reader, routes),
        hub_group=_resource_group(reader.inside("hub")),
        bus_group=_bus_group(reader.inside("service_bus")),
    )


def _workspaces(section: Reader) -> dict[str, Workspace]:
    found = {}
    for name in section.names():
        one = section.inside(name)
        one.known(("subscription", "resource_group", "workspace"))
        found[name] = Workspace(
            name=name,
            subscription=one.text("subscription"),
            resource_group=one.text("resource_group"),
            workspace=one.text("workspace"),
        )
    return found


def _models(section: Reader) -> tuple[dict[str, str], tuple[Promotable, ...]]:
    """Each model's own data contract, which its routes use unless they name another, and those that may climb."""
    contracts, promotable = {}, []
    for name in section.names():
        one = section.inside(name)
        one.known(("owner", "contract", "promotion", "retraining", "drift"))
        needed = one.has("contract") or one.has("promotion")  # Else each route may name its own.
        contracts[name] = one.contract("contract") if needed else ""
        promotable.append(ladder.read_promotable(one, name, contracts[name], one.optional("owner")))
    return contracts, tuple(each for each in promotable if each is not None)


def _hub(section: Reader) -> HubLayout:
    section.known(("account", "subscription", "resource_group", "state", "staging", "quarantine", "dead_letters"))
    staging = section.inside("staging")
    staging.known(("container", "datastore"))
    hub = HubLayout(
        account=section.matching("account", ACCOUNT, "a storage account's name: 3 to 24 of a-z and 0-9"),
        state=section.container("state", "signalbox"),
        staging=staging.container("container", "signalbox-staging"),
        datastore=staging.text("datastore", "hub_staging"),
        quarantine=section.container("quarantine", "quarantine"),
        dead_letters=section.container("dead_letters", "dead-letters"),
    )
    own = (hub.state, hub.staging, hub.quarantine, hub.dead_letters)
    if len(set(own)) < len(own):
        section.fail("", f"uses one container twice: {', '.join(own)}", "give each its own container")
    return hub


def _bus_group(section: Reader) -> ResourceGroup | None:
    section.known(("subscription", "resource_group"))
    return _resource_group(section)


def _resource_group(section: Reader) -> ResourceGroup | None:
    """Both or none: a name alone does not say where the resource is managed."""
    if not section.has("subscription") and not section.has("resource_group"):
        return None
    return ResourceGroup(subscription=section.text("subscription"), name=section.text("resource_group"))


def _route(section: Reader, name: str, workspaces: dict[str, Workspace], contracts: dict[str, str]) -> Route:
    one = section.inside(name)
    one.known(
        (
            "take",
            "group",
            "contract",
            "score",
            "overrides",
            "publish",
            "give_up_after",
            "release_within",
            "policy",
            "tell",
        )
    )
    score = _score(one.inside("score", required=True), workspaces)
    group = _group(one)
    take, publish = one.text("take"), one.text("publish")
    wrong = list(paths.take_problems(take, group)) if take else []
    one.fail_all("take", wrong)
    one.fail_all("publish", paths.publish_problems(publish, "" if wrong else take, group) if publish else ())
    policy = one.inside("policy")
    policy.known(("bad_data", "missing_rows", "match"))
    return Route(
        name=name,
        take=take,
        contract=one.contract("contract") if one.has("contract") else _default_contract(one, contracts, score.model),
        score=score,
        publish=publish,
        group=group,
        overrides=_overrides(one.inside("overrides")),
        give_up_after_s=one.seconds("give_up_after", 7200),
        release_within_s=one.seconds("release_within", 14 * 86400),
        on_bad_data=OnBadData(policy.choice("bad_data", tuple(OnBadData), OnBadData.QUARANTINE)),
        on_missing_rows=OnMissingRows(policy.choice("missing_rows", tuple(OnMissingRows), OnMissingRows.FAIL)),
        match_keys=policy.choice("match", ("keys", "lines"), "keys") == "keys",
        tell=one.texts("tell"),
    )


def _group(one: Reader) -> Group:
    value = one.raw("group")
    if value is None or value in (Grouping.EACH, Grouping.SCHEDULE):
        return Group(kind=Grouping(value or Grouping.EACH))
    section = one.inside("group")
    section.known(("marker", "window"))
    if section.has("marker") == section.has("window"):
        one.fail("group", f"is {str(value)[:60]!r}", "write `each`, `schedule`, or one of `marker:` and `window:`")
        return Group()
    return _marker(section.inside("marker")) if section.has("marker") else _window(section.inside("window"))


def _marker(section: Reader) -> Group:
    section.known(("name", "manifest", "wait"))
    name = section.text("name", "_SUCCESS")
    if problem := paths.file_name_problem(name):
        section.fail("name", problem, "write a file name or a glob for one, like _SUCCESS or *.manifest.json")
    marker = Marker(
        name=name,
        manifest=section.flag("manifest", False),
        wait_s=section.seconds("wait", 600),
    )
    return Group(kind=Grouping.MARKER, marker=marker)


def _window(section: Reader) -> Group:
    section.known(("quiet", "longest", "files"))
    window = Window(
        quiet_s=section.seconds("quiet", 60),
        longest_s=section.seconds("longest", 900),
        files=section.whole("files", 1, 10_000) or 1000,
    )
    if window.quiet_s > window.longest_s:
        section.fail(
            "quiet", f"is {window.quiet_s} s, above longest ({window.longest_s} s)", "use a shorter quiet period"
        )
    return Group(kind=Grouping.WINDOW, window=window)


def _score(section: Reader, workspaces: dict[str, Workspace]) -> Scoring:
    section.known(("environment", "endpoint", "deployment", "model"))
    environment = section.text("environment")
    if environment and environment not in workspaces:
        section.fail("environment", f"is {environment!r}", f"use one of {', '.join(workspaces) or '(none configured)'}")
    model, version = _model(section)
    return Scoring(
        workspace=workspaces.get(environment, _NOWHERE),
        endpoint=section.matching("endpoint", AZURE_ML_NAME, "a batch endpoint's name"),
        deployment=section.matching("deployment", AZURE_ML_NAME, "a deployment's name"),
        model=model,
        version=version,
    )


def _model(section: Reader) -> tuple[str, str]:
    """An exact `name:version`: `latest`, labels and ranges are refused, for what they mean changes by itself."""
    text = section.text("model")
    name, _, version = text.partition(":")
    if text and not MODEL.fullmatch(text):
        section.fail("model", f"is {text!r}", "write NAME:VERSION with the exact version, like diabetes-progression:3")
    return name, version


def _overrides(section: Reader) -> Overrides:
    section.known(("instance_count", "mini_batch_size", "error_threshold", "retries", "timeout", "output_file_name"))
    threshold = section.whole("error_threshold", -1, 2**31 - 1)
    if section.raw("error_threshold") == -1:  # A wrong value is read as -1 too, and is an error already.
        section.fail(
            "error_threshold", "is -1: rows can be lost without failing the job", "use 0 or a small number", "warning"
        )
    return Overrides(
        instance_count=section.whole("instance_count", 1, 1000),
        mini_batch_size=section.whole("mini_batch_size", 1, 1_000_000),
        error_threshold=threshold,
        retries=section.whole("retries", 0, 100),
        timeout_s=section.seconds("timeout", 30) if section.has("timeout") else None,
        output_file_name=_output_file_name(section),
    )


def _output_file_name(section: Reader) -> str:
    name = section.text("output_file_name", "predictions.csv")
    if problem := paths.file_name_problem(name):
        section.fail("output_file_name", problem, "use a plain file name")
    if name == _MANIFEST:
        section.fail("output_file_name", f"is {name!r}, the manifest's own name", "choose another name")
    return name


def _default_contract(one: Reader, contracts: dict[str, str], model: str) -> str:
    if not contracts.get(model):
        one.fail("contract", "is missing", f"name a data contract here, or under models.{model or 'NAME'}")
    return contracts.get(model, "")


def _refuse_twins(section: Reader, routes: tuple[Route, ...]) -> None:
    seen: dict[str, str] = {}
    for route in routes:
        first = seen.setdefault(paths.same_files(route.take), route.name)
        if first != route.name and route.take:
            section.inside(route.name).fail("take", f"is the same as that of {first}", "give each route its own files")
