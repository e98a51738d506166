"""The sections of `signalbox.yaml`, each read into its dataclass."""

from shared.config.reader import Reader
from shared.domain import patterns
from shared.domain.routes import (
    Configuration,
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

_FILLED = ("run", "route", "model", "version", "date")  # What a publish template may use besides captures.
_NOWHERE = Workspace(name="", subscription="", resource_group="", workspace="")


def read_configuration(reader: Reader) -> Configuration:
    """The whole configuration; where the reader has findings it is incomplete and must not be used."""
    reader.known(("environments", "hub", "models", "routes"))
    workspaces = _workspaces(reader.inside("environments", required=True))
    contracts = _model_contracts(reader.inside("models"))
    hub = _hub(reader.inside("hub", required=True))
    section = reader.inside("routes", required=True)
    routes = tuple(_route(section, name, workspaces, contracts) for name in section.names())
    _refuse_twins(section, routes)
    return Configuration(hub=hub, routes=routes, workspaces=tuple(workspaces.values()))


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


def _model_contracts(section: Reader) -> dict[str, str]:
    """Each model's own data contract, which its routes use unless they name another."""
    found = {}
    for name in section.names():
        one = section.inside(name)
        one.known(("owner", "contract"))
        found[name] = _contract(one)
    return found


def _hub(section: Reader) -> HubLayout:
    section.known(("account", "state", "staging", "quarantine", "dead_letters"))
    staging = section.inside("staging")
    staging.known(("container", "datastore"))
    return HubLayout(
        account=section.name("account"),
        state=section.container("state", "signalbox"),
        staging=staging.container("container", "signalbox-staging"),
        datastore=staging.text("datastore", "hub_staging"),
        quarantine=section.container("quarantine", "quarantine"),
        dead_letters=section.container("dead_letters", "dead-letters"),
    )


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
    take = _pattern(one, "take")
    score = _score(one.inside("score", required=True), workspaces)
    group = _group(one)
    policy = one.inside("policy")
    policy.known(("bad_data", "missing_rows"))
    return Route(
        name=name,
        take=take,
        contract=_contract(one) if one.has("contract") else _default_contract(one, contracts, score.model),
        score=score,
        publish=_publish(one, take, group),
        group=group,
        overrides=_overrides(one.inside("overrides")),
        give_up_after_s=one.seconds("give_up_after", 7200),
        release_within_s=one.seconds("release_within", 14 * 86400),
        on_bad_data=OnBadData(policy.choice("bad_data", tuple(OnBadData), OnBadData.QUARANTINE)),
        on_missing_rows=OnMissingRows(policy.choice("missing_rows", tuple(OnMissingRows), OnMissingRows.FAIL)),
        tell=one.texts("tell"),
    )


def _pattern(one: Reader, field: str) -> str:
    pattern = one.text(field)
    container, _, path = pattern.partition("/")
    if pattern and (not path or any(mark in container for mark in "{*?")):
        one.fail(field, f"is {pattern!r}", "write CONTAINER/PATH with the container spelled out")
    return pattern


def _group(one: Reader) -> Group:
    value = one.raw("group")
    if value is None or value == Grouping.EACH:
        return Group()
    section = one.inside("group")
    section.known(("marker", "window"))
    if section.has("marker") == section.has("window"):
        one.fail("group", f"is {str(value)[:60]!r}", "write `each`, or one of `marker:` and `window:`")
        return Group()
    return _marker(section.inside("marker")) if section.has("marker") else _window(section.inside("window"))


def _marker(section: Reader) -> Group:
    section.known(("name", "manifest", "wait"))
    marker = Marker(
        name=section.text("name", "_SUCCESS"),
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
        endpoint=section.name("endpoint"),
        deployment=section.name("deployment"),
        model=model,
        version=version,
    )


def _model(section: Reader) -> tuple[str, str]:
    """An exact `name:version`: `latest`, labels and ranges are refused, for what they mean changes by itself."""
    text = section.text("model")
    name, _, version = text.partition(":")
    if text and not (name and version.isdigit()):
        section.fail("model", f"is {text!r}", "write NAME:VERSION with the exact version, like diabetes-progression:3")
    return name, version


def _overrides(section: Reader) -> Overrides:
    section.known(("instance_count", "mini_batch_size", "error_threshold", "retries", "timeout", "output_file_name"))
    threshold = section.whole("error_threshold", -1, 2**31 - 1)
    if threshold == -1:
        section.fail(
            "error_threshold", "is -1: rows can be lost without failing the job", "use 0 or a small number", "warning"
        )
    file_name = section.text("output_file_name", "predictions.csv")
    if "/" in file_name:
        section.fail("output_file_name", f"is {file_name!r}", "use a plain file name")
    return Overrides(
        instance_count=section.whole("instance_count", 1, 1000),
        mini_batch_size=section.whole("mini_batch_size", 1, 1_000_000),
        error_threshold=threshold,
        retries=section.whole("retries", 0, 100),
        timeout_s=section.seconds("timeout", 30) if section.has("timeout") else None,
        output_file_name=file_name,
    )


def _publish(one: Reader, take: str, group: Group) -> str:
    template = _pattern(one, "publish")
    source = take if group.kind is Grouping.EACH else take.rpartition("/")[0]
    allowed = {*patterns.captures_of(source), *_FILLED}
    for name in patterns.captures_of(template):
        if name not in allowed:
            one.fail("publish", f"uses {{{name}}}", f"use one of {', '.join(sorted(allowed))}")
    if template and "run" not in patterns.captures_of(template):
        one.fail("publish", f"is {template!r} without {{run}}", "add {run}, so that no run can overwrite another")
    if "*" in template:
        one.fail("publish", f"is {template!r}", "a template has no wildcards")
    return template


def _contract(one: Reader) -> str:
    contract = one.text("contract")
    if contract and not (one.home / contract).is_file():
        one.fail("contract", f"is {contract!r}, which is not a file", "name a data contract beside the configuration")
    return contract


def _default_contract(one: Reader, contracts: dict[str, str], model: str) -> str:
    if model not in contracts:
        one.fail("contract", "is missing", f"name a data contract here, or under models.{model or 'NAME'}")
    return contracts.get(model, "")


def _refuse_twins(section: Reader, routes: tuple[Route, ...]) -> None:
    seen: dict[str, str] = {}
    for route in routes:
        first = seen.setdefault(route.take, route.name)
        if first != route.name and route.take:
            section.inside(route.name).fail("take", f"is the same as that of {first}", "give each route its own files")
