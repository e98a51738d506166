"""The sections of `signalbox.yaml` about promotion: registry, roles, ladder, break_glass, and each model's hold-out."""

from typing import Any

from shared.config.reader import AZURE_ML_NAME, NAME, Reader
from shared.config.training import read_stage_training, refuse_known_answers
from shared.domain.gates import GateSpec, read_gate
from shared.domain.inference.routes import HubLayout, Workspace
from shared.domain.promotion.approvals import WITNESS, ApprovalPolicy, Role
from shared.domain.promotion.ladder import BreakGlass, Holdout, Ladder, Newer, Promotable, Registry, Serving, Stage
from shared.domain.statistics.looks import EXPECTED

SECTIONS = ("registry", "roles", "ladder", "break_glass")
SERVING = (
    "online",
    "batch",
    "online_script",
    "batch_script",
    "instance_type",
    "instances",
    "compute",
    "kubernetes",
    "ready_within",
)
STAGE = (
    "from",
    "environment",
    "registry",
    "candidate",
    "serve",
    "entry",
    "exit",
    "approvals",
    "train",
    "atomic",
    "newer",
)
APPROVALS = ("roles", "witness", "remind_after", "escalate_after", "expire_after", "escalate_to", "delegates")
_DAY_S = 86400


def read_ladder(
    reader: Reader,
    workspaces: dict[str, Workspace],
    models: tuple[Promotable, ...],
    roles: dict[str, Role],
    hub: HubLayout,
) -> Ladder:
    """Everything that promotion is configured by; findings gather in *reader*."""
    registry = _registry(reader.inside("registry")) if reader.has("registry") else None
    section = reader.inside("ladder")
    stages = tuple(_stage(section, name, workspaces, registry, roles, hub) for name in section.names())
    _refuse_strange_sources(section, stages, workspaces)
    refuse_known_answers(section, stages, models)
    glass = reader.inside("break_glass")
    glass.known(("roles", "witness", "longest"))
    policy = ApprovalPolicy(roles=_named_roles(glass, roles), witness=_named_roles(glass, roles, "witness"))
    if glass.names() and len(policy.roles) < 2:
        glass.fail("roles", f"names {len(policy.roles)} roles", "name two: nobody breaks the glass alone")
    broken = BreakGlass(policy=policy, longest_s=glass.seconds("longest", 4 * 3600))
    return Ladder(stages=stages, models=models, break_glass=broken)


def read_promotable(one: Reader, name: str, contract: str, owner: str) -> Promotable | None:
    """A model's `promotion` section, None where it has none."""
    if not one.has("promotion"):
        return None
    section = one.inside("promotion")
    section.known(("holdout",))
    holdout = section.inside("holdout", required=True)
    holdout.known(
        ("path", "answers", "target", "key", "slices", "batch_rows", "tolerance", "labels", "group", "looks", "classes")
    )
    path = holdout.text("path")
    if path and "/" not in path:
        holdout.fail("path", f"is {path!r}", "write container/path of a CSV file in the hub")
    read = Holdout(
        path=path,
        answers=holdout.optional("answers"),
        target=holdout.text("target"),
        key=holdout.text("key"),
        slices=holdout.texts("slices"),
        batch_rows=holdout.whole("batch_rows", 1, 100_000) or 500,
        tolerance=holdout.number("tolerance", 0.0),
        labels=holdout.flag("labels", False),
        group=holdout.optional("group"),
        looks=holdout.whole("looks", 1, 10_000) or EXPECTED,
        classes=holdout.texts("classes"),
    )
    if read.classes and len(set(read.classes)) != max(2, len(read.classes)):
        holdout.fail("classes", f"is {list(read.classes)}", "name two classes or more, each once, as the target does")
    if read.classes and read.labels:
        holdout.fail("labels", "is true beside classes", "remove it: classes are the labels, with their probabilities")
    if read.group and read.group in (read.target, read.key):
        holdout.fail(
            "group", f"is {read.group!r}, which is another column's part", "name the column of what rows share"
        )
    return Promotable(name=name, contract=contract, holdout=read, owner=owner)


def _registry(one: Reader) -> Registry:
    one.known(("name", "subscription", "resource_group"))
    return Registry(
        name=one.text("name"), subscription=one.text("subscription"), resource_group=one.text("resource_group")
    )


def read_roles(reader: Reader) -> dict[str, Role]:
    """The roles by name, each said by an app role, a group or people."""
    section, found = reader.inside("roles"), {}
    for name in section.names():
        one = section.inside(name)
        one.known(("app_role", "group", "people"))
        role = Role(
            name=name,
            app_role=one.optional("app_role"),
            group=one.optional("group"),
            people=one.texts("people"),
        )
        if name == WITNESS:
            section.fail(name, "is the name of whoever approves beside all roles", "give the role another name")
        if not (role.app_role or role.group or role.people):
            section.fail(name, "says nobody", "give app_role, group (object id) or people")
        found[name] = role
    return found


def _stage(
    section: Reader,
    name: str,
    workspaces: dict[str, Workspace],
    registry: Registry | None,
    roles: dict[str, Role],
    hub: HubLayout,
) -> Stage:
    one = section.inside(name)
    one.known(STAGE)
    if not NAME.fullmatch(name):
        section.fail(name, "is not a stage's name", "use up to 63 lower-case letters, digits and dashes")
    central, candidate = one.flag("registry", False), one.flag("candidate", False)
    if candidate and not central:
        one.fail(
            "candidate", "is true, and the stage is no registry", "add registry: true: candidates are entries there"
        )
    if central and registry is None:
        one.fail("registry", "is true, and there is no registry", "add the section `registry`")
    environment = None if central else _environment(one, workspaces)
    serving = _serving(one.inside("serve"))
    if environment is not None and not serving.online:
        one.fail("serve", "names no online endpoint", "give serve.online: tests and gates ask the endpoint")
    return Stage(
        name=name,
        source=one.text("from"),
        environment=environment,
        registry=registry if central else None,
        candidate=candidate,
        serving=serving,
        entry_gates=_gates(one, "entry"),
        exit_gates=_gates(one, "exit"),
        approvals=_approvals(one.inside("approvals"), roles),
        training=read_stage_training(one, name, environment, hub),
        atomic=one.flag("atomic", True),
        newer=Newer(one.choice("newer", tuple(Newer), Newer.QUEUE)),
    )


def _environment(one: Reader, workspaces: dict[str, Workspace]) -> Workspace | None:
    name = one.text("environment")
    if name and name not in workspaces:
        one.fail("environment", f"is {name!r}", f"use one of {', '.join(workspaces) or 'none'}, or registry: true")
    return workspaces.get(name, Workspace(name=name, subscription="", resource_group="", workspace=""))


def _serving(one: Reader) -> Serving:
    one.known(SERVING)
    for field in ("online", "batch"):
        if one.has(field):
            one.matching(field, AZURE_ML_NAME, "an endpoint's name: letters, digits and dashes, up to 32")
    plain = Serving()
    return Serving(
        online=one.optional("online"),
        batch=one.optional("batch"),
        online_script=one.text("online_script", plain.online_script),
        batch_script=one.text("batch_script", plain.batch_script),
        instance_type=one.text("instance_type", plain.instance_type),
        instances=one.whole("instances", 1, 1000) or plain.instances,
        compute=one.text("compute", plain.compute),
        kubernetes=one.optional("kubernetes"),
        ready_within_s=one.seconds("ready_within", plain.ready_within_s),
    )


def _gates(one: Reader, phase: str) -> tuple[GateSpec, ...]:
    section, found = one.inside(phase), []
    for name in section.names():
        raw: Any = section.raw(name)
        options = {} if raw is None else raw
        if not isinstance(options, dict):
            section.fail(name, f"is {options!r}", "write its options as a mapping, {} for none")
            continue
        spec, problems = read_gate(name, options)
        for each in problems:
            field = name if each.option == "gate" else f"{name}.{each.option}"
            section.fail(field, each.problem, each.remedy)
        found.append(spec)
    return tuple(found)


def _approvals(one: Reader, roles: dict[str, Role]) -> ApprovalPolicy:
    one.known(APPROVALS)
    delegates = one.inside("delegates")
    for field in delegates.names():
        if delegates.raw(field) not in roles or field not in roles:
            delegates.fail(field, f"is {delegates.raw(field)!r}", f"map a role to a role: {', '.join(roles) or 'none'}")
    return ApprovalPolicy(
        roles=_named_roles(one, roles),
        witness=_named_roles(one, roles, "witness"),
        remind_after_s=one.seconds("remind_after", _DAY_S),
        escalate_after_s=one.seconds("escalate_after", 3 * _DAY_S),
        expire_after_s=one.seconds("expire_after", 7 * _DAY_S),
        escalate_to=one.texts("escalate_to"),
        delegates={name: roles[raw] for name in delegates.names() if (raw := delegates.raw(name)) in roles},
    )


def _named_roles(one: Reader, roles: dict[str, Role], field: str = "roles") -> tuple[Role, ...]:
    names = one.texts(field)
    for name in names:
        if name not in roles:
            one.fail(field, f"names {name!r}", f"use roles of the section `roles`: {', '.join(roles) or 'none'}")
    for name in sorted({name for name in names if names.count(name) > 1}):
        one.fail(field, f"names {name!r} twice", "name it once: a role decides once, by one person")
    return tuple(roles[name] for name in names if name in roles)


def _refuse_strange_sources(section: Reader, stages: tuple[Stage, ...], workspaces: dict[str, Workspace]) -> None:
    """Every edge leads from an environment or from a stage, and none back."""
    sources = {stage.name: stage.source for stage in stages}
    for stage in stages:
        seen, name = {stage.name}, stage.source
        while name in sources and name not in seen:
            seen.add(name)
            name = sources[name]
        if name in seen:
            section.fail(f"{stage.name}.from", f"closes a circle at {name!r}", "let every edge lead upwards")
        elif name and name not in workspaces:
            section.fail(f"{stage.name}.from", f"is {name!r}", f"use a stage or one of {', '.join(workspaces)}")
