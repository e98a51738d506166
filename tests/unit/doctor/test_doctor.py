"""The doctor finds each thing that is broken, one at a time, names its fix, and has nothing to say of a whole site."""

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared import ports
from shared.codec import encode
from shared.config import load
from shared.domain.azure import resources
from shared.domain.azure.inspection import (
    AzureResource,
    ClockSeen,
    DatastoreSeen,
    Grant,
    Hidden,
    IssuerSeen,
    Lock,
    LockLevel,
    QueueSeen,
    RoleGiven,
    Subscription,
    TopicSeen,
)
from shared.domain.azure.resources import EXPERIMENT_TAG
from shared.domain.configuration import Configuration, ResourceGroup, StateAccount, TeamHub
from shared.domain.data.reference_profile import ReferenceProfile
from shared.domain.datasets.sources import SourceRules
from shared.domain.devops.configuration import MergeStart
from shared.domain.devops.orders import OrderKind, TaskOrder
from shared.domain.devops.seen import HookSeen
from shared.domain.drift.reference import ModelReference
from shared.domain.failures import Refused
from shared.domain.inference.routes import OverrideLimits, Overrides
from shared.domain.promotion.ladder import Ladder
from shared.domain.promotion.models import EntryState, ModelVersion
from shared.domain.trust.key_states import KeyState
from shared.domain.trust.keys import Purpose, TrustedKey
from shared.operations.doctor.examine import examine
from shared.operations.doctor.findings import Grade
from shared.operations.roles.__main__ import page
from shared.operations.roles.assignments import assignments
from shared.operations.roles.catalogue import ROLES
from shared.operations.roles.needs import NEEDS
from shared.ports import AlertRuleSeen, DeploymentMinute, DeploymentSeen, EndpointSeen, QuotaSeen
from shared.records.notices.letters import DEAD, DeadNotice, NoticeLetter
from shared.records.predicates import EntryStatement
from shared.records.registry import sign_entry
from shared.records.statements import Statements
from shared.records.store import RecordStore
from tests.fakes.ports import MemoryHub
from tests.signing import signing
from tests.team_hubs import LAB_HUB
from tests.two_teams import write_two_teams

PROJECT = Path(__file__).parents[3]
CONFIGURATION = load(PROJECT / "signalbox.yaml")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEBHOOK = Subscription(
    name="hub-events", host="app", dead_letter_account="datahub", dead_letter_container="dead-letters"
)
HOOK = HookSeen(event="git.pullrequest.merged", url="https://app/api/v1/devops/hooks", secret=True)
LISTENER = QueueSeen(name="hub")
SERVED = DeploymentSeen(
    name="blue", state="Succeeded", model="azureml:diabetes-progression:1", compute="azureml:cpu-cluster"
)


RULE = AlertRuleSeen(
    name="prod-errors",
    enabled=True,
    scopes=(
        f"{resources.workspace(next(stage.environment for stage in CONFIGURATION.ladder.stages if stage.rollout))}"
        "/onlineEndpoints/diabetes-online",
    ),
    webhooks=("app/api/v1/alerts",),
)
OWN = RoleGiven(
    principal="app",
    kind="ServicePrincipal",
    role="Storage Blob Data Contributor",
    scope=resources.container(CONFIGURATION, CONFIGURATION.hub.state),
    grants=tuple(role.grants for role in ROLES if role.name == "Storage Blob Data Contributor"),
)


class Control:
    """A Resource Manager where everything is as it should be, until a test changes one attribute."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.tags: dict[str, str] = {}
        self.state, self.public, self.answered = "Succeeded", True, True
        self.granted: tuple[Grant, ...] | None = tuple(
            role.grants for a in assignments(CONFIGURATION) for role in a.roles
        )
        self.locked: tuple[Lock, ...] = ()
        self.given: tuple[RoleGiven, ...] | None = (OWN,)
        self.shared_key, self.immutability = False, ""
        self.subscribed: tuple[Subscription, ...] = (WEBHOOK,)
        self.store: DatastoreSeen | None = DatastoreSeen(account="datahub", container="signalbox-staging")
        self.queues = {
            "messages": QueueSeen(name="messages", sessions=True, deliveries=5),
            "records": QueueSeen(name="records", sessions=True, deliveries=5),
            "approvals": QueueSeen(name="approvals", life_s=3600),
        }
        self.told_on: TopicSeen | None = TopicSeen(name="results", drops_repeats=True, subscriptions=(LISTENER,))
        self.metadata, self.skew_s, self.resolved = IssuerSeen(issuer="https://login/v2.0", keys=2), 0.0, ("10.0.0.4",)

    def find(self, resource: str) -> AzureResource | None:
        if any(resource.endswith(each) for each in self.gone):
            return None
        return AzureResource(
            id=resource,
            state=self.state,
            public=self.public,
            shared_key=self.shared_key,
            immutability=self.immutability,
            tags=self.tags,
        )

    def datastore(self, workspace: Any, name: str) -> DatastoreSeen | None:
        return self.store

    def grants(self, resource: str) -> tuple[Grant, ...]:
        if self.granted is None:
            raise Hidden("may not look")
        return self.granted

    def roles_given(self, resource: str) -> tuple[RoleGiven, ...]:
        if self.given is None:
            raise Hidden("may not look")
        return self.given

    def own_principal(self) -> str:
        return "app"

    def locks(self, scope: str) -> tuple[Lock, ...]:
        return self.locked

    def subscriptions(self, resource: str) -> tuple[Subscription, ...]:
        return self.subscribed

    def queue(self, namespace: str, name: str) -> QueueSeen | None:
        return self.queues.get(name)

    def topic(self, namespace: str, name: str) -> TopicSeen | None:
        return self.told_on if name == "results" else None

    def issuer(self, issuer: str) -> IssuerSeen:
        return self.metadata

    def clock(self) -> ClockSeen:
        return ClockSeen(azure_time=NOW, local_time=NOW + timedelta(seconds=self.skew_s))

    def addresses(self, url: str) -> tuple[str, ...]:
        return self.resolved

    def answers(self, url: str) -> bool:
        return self.answered


class Keys:
    """The keys behind the settings, as they should be until a test changes one."""

    def __init__(self) -> None:
        jwks = {purpose: {"kty": "EC", "crv": "P-256", "x": purpose.value, "y": "y"} for purpose in Purpose}
        self.states = {purpose: KeyState(jwk=jwk) for purpose, jwk in jwks.items()}
        self.trusts = {
            purpose: TrustedKey(keyid=f"{purpose}-1", purpose=purpose, jwk=jwk) for purpose, jwk in jwks.items()
        }

    def state(self, purpose: Purpose) -> KeyState:
        if purpose not in self.states:
            raise Refused("read key: 403 Caller is not authorized")
        return self.states[purpose]

    def trusted(self, purpose: Purpose) -> TrustedKey | None:
        return self.trusts.get(purpose)


class Site(SimpleNamespace):
    """What checks see."""


def site() -> Site:
    settings = SimpleNamespace(
        config_path=PROJECT / "signalbox.yaml",
        blob_service="https://hub",
        storage_accounts="https://{account}",
        topic_endpoint="https://topic",
        resource_manager="https://arm",
        token_issuer="https://login/v2.0",
        token_audience="00000000-0000-0000-0000-0000000000a9",
        signing_keys=tuple((purpose, f"{purpose}-1@file:{purpose}.pem") for purpose in Purpose),
        tree_heads="https://heads/tree-heads",
        secrets_key="s" * 32,
        caller_keys=(("command-line", "0"), ("azure-devops", "1"), ("service-now", "2")),
        results_topic="results",
        queues=tuple((f"SIGNALBOX_{name.upper()}_QUEUE", name) for name in ("messages", "records", "approvals")),
        bus_name="bus",
        bus_by_key=False,
        console_url="https://app/console",
        teams_webhooks="operations=https://w.logic.azure.com/x?sig=s",
        service_now_client=("https://desk", "client", "secret"),
        site_name="",
        site_host="app",
    )
    made = Site(configuration=CONFIGURATION, settings=settings, hub=MemoryHub(lambda: NOW), control=Control())
    made.signing_keys, made.clock = Keys(), SimpleNamespace(now=lambda: NOW)
    made.notice_channel = lambda _: SimpleNamespace(reach=lambda _: None)
    made.monitoring_set_up = SimpleNamespace(
        log_settings=lambda _: (),
        alert_rule=lambda *_: RULE,
        quota=lambda *_: QuotaSeen(family="DSv2", cores=4, used=60, limit=100),
    )
    made.minutes = lambda *_: [DeploymentMinute(deployment="blue", minute=0, requests=7, bad=0)]
    made.traffic_figures = lambda _: SimpleNamespace(minutes=made.minutes)
    made.served, made.registered = SERVED, SimpleNamespace(tags={})
    made.endpoints = SimpleNamespace(deployment=lambda *_: made.served)
    made.endpoints.find = lambda *_: made.serving
    made.serving = EndpointSeen(name="diabetes-batch", default="blue")
    made.statements = Statements(RecordStore(made.hub, "signalbox"), signing())
    made.models = SimpleNamespace(find=lambda *_: made.registered or None)
    made.bundles = SimpleNamespace(read=lambda *_: None)
    made.drift_files = SimpleNamespace(own_reference=lambda contract: made.own)
    made.own = ModelReference(inputs=ReferenceProfile(rows=1, columns={}))
    for name in ("holdout.csv", "answers.csv"):
        made.hub.land(f"evaluation/diabetes/{name}", b"id\n", {})
    made.projects, made.hooks = {"mlops"}, (HOOK,)
    made.devops_facts = SimpleNamespace(
        project_id=lambda _, name: name if name in made.projects else "", hooks=lambda _: made.hooks
    )
    return made


def refuse(*_: object, **__: object) -> Any:
    raise Refused("403 not permitted")


def set_control(**changes: Any) -> Callable[[Site], None]:
    return lambda made: vars(made.control).update(changes)


def subscribed(**changes: Any) -> Callable[[Site], None]:
    return set_control(subscribed=(replace(WEBHOOK, **changes),))


def named(**settings: Any) -> Callable[[Site], None]:
    """Only a route's own settings name the cluster `gpu-cluster`, which is not there."""

    def change(made: Site) -> None:
        routes = tuple(replace(route, **settings) for route in made.configuration.routes)
        made.configuration = replace(made.configuration, routes=routes)
        made.control.gone = {"computes/gpu-cluster"}

    return change


def merging(made: Site) -> None:
    """Merges start something, and a hook that is somebody else's is the only one."""
    start = MergeStart(
        organisation="contoso",
        project="mlops",
        repository="r",
        branch="refs/heads/main",
        order=TaskOrder(kind=OrderKind.FOLLOW),
    )
    made.configuration = replace(CONFIGURATION, devops=replace(CONFIGURATION.devops, merges=(start,)))
    made.hooks = (replace(HOOK, url="https://other/api/v1/devops/hooks"),)


def queued(name: str, **changes: Any) -> Callable[[Site], None]:
    def change(made: Site) -> None:
        made.control.queues[name] = replace(made.control.queues[name], **changes)

    return change


def told_on(**changes: Any) -> Callable[[Site], None]:
    return lambda made: setattr(made.control, "told_on", replace(made.control.told_on, **changes))


def lock(level: LockLevel, scope: str) -> Callable[[Site], None]:
    return set_control(locked=(Lock(name="keep", level=level, scope=scope),))


def withdrawn(state: EntryState) -> Callable[[Site], None]:
    """The central registry has it in *state*, by a signed statement."""

    def change(made: Site) -> None:
        model = ModelVersion(name="diabetes-progression", version="1")
        fields = {"registry": "mlr-central", "bundle": f"sha256:{0:064}", "approved_by": "", "promotion": "p"}
        entry = EntryStatement(model=model, state=state.value, at=NOW, **fields)
        sign_entry(made.statements, state.value, entry)

    return change


def pinned_to(state: EntryState) -> Callable[[Site], None]:
    def change(made: Site) -> None:
        withdrawn(state)(made)
        pin(made)

    return change


def pin(made: Site) -> None:
    """The routes name deployment and version."""
    pinned = {"deployment": "blue", "version": "1", "follows": False}
    routes = (replace(route, score=replace(route.score, **pinned)) for route in made.configuration.routes)
    made.configuration = replace(made.configuration, routes=tuple(routes))


def without_reference(made: Site) -> None:
    """Neither the bundle nor the contract brings one."""
    made.own = None
    made.registered = SimpleNamespace(tags={"signalbox.bundle": "azureml://datastores/a/paths/b"})


ACCOUNT, WORKSPACE = resources.account(CONFIGURATION), resources.workspace(CONFIGURATION.workspaces[0])


def key_state(purpose: Purpose, /, **changes: Any) -> Callable[[Site], None]:
    def change(made: Site) -> None:
        made.signing_keys.states[purpose] = replace(made.signing_keys.states[purpose], **changes)

    return change


def trust(purpose: Purpose, /, **changes: Any) -> Callable[[Site], None]:
    def change(made: Site) -> None:
        made.signing_keys.trusts[purpose] = replace(made.signing_keys.trusts[purpose], **changes)

    return change


def copied(made: Site) -> None:
    """Two purposes sign with two copies of one key."""
    keys = made.signing_keys
    key_state(Purpose.LOG, jwk=keys.states[Purpose.DOOR].jwk)(made)
    trust(Purpose.LOG, jwk=keys.states[Purpose.DOOR].jwk)(made)


BROKEN: list[tuple[str, Callable[[Site], None], str]] = [
    ("settings", lambda made: setattr(made.settings, "signing_keys", ()), "signing-keys.md"),
    ("settings", lambda made: setattr(made.settings, "token_issuer", ""), "v2.0"),
    ("settings", lambda made: setattr(made.settings, "service_now_client", ("", "", "")), "docs/provisioning.md"),
    ("signing", lambda made: made.signing_keys.states.pop(Purpose.DOOR), "Key Vault Crypto User"),
    ("signing", lambda made: made.signing_keys.trusts.pop(Purpose.DOOR), "signalbox keys new"),
    ("signing", key_state(Purpose.LOG, jwk={"kty": "EC"}), "who changed it"),
    ("signing", key_state(Purpose.LOG, enabled=False), "signalbox keys new"),
    ("signing", key_state(Purpose.LOG, expires=NOW), "signalbox keys new"),
    ("signing", key_state(Purpose.LOG, not_before=NOW + timedelta(days=1)), "signalbox keys new"),
    ("signing", trust(Purpose.DECIDING, revoked=True), "signalbox keys new"),
    ("signing", trust(Purpose.DECIDING, not_after=NOW), "signalbox keys new"),
    ("signing", trust(Purpose.DECIDING, purpose=Purpose.DOOR), "signalbox keys new"),
    ("signing", copied, "signalbox keys new"),
    ("callers", lambda made: setattr(made.settings, "caller_keys", ()), "SIGNALBOX_CALLER_KEYS"),
    ("clock", set_control(skew_s=400.0), "NTP"),
    ("issuer", set_control(metadata=IssuerSeen(issuer="https://other", keys=2)), "SIGNALBOX_TOKEN_ISSUER"),
    ("issuer", set_control(metadata=IssuerSeen(issuer="https://login/v2.0", keys=0)), "SIGNALBOX_TOKEN_ISSUER"),
    ("issuer", lambda made: setattr(made.settings, "token_audience", "api://signalbox"), "the client id"),
    ("issuer", lambda made: vars(made.settings).update(token_issuer="https://sts/t", token_audience="x"), "api://"),
    ("names", set_control(resolved=()), "private DNS zone"),
    ("names", set_control(answered=False), "network"),
    ("names", set_control(public=False, resolved=("20.1.2.3",)), "privatelink"),
    ("notices", lambda made: setattr(made, "notice_channel", refuse), "docs/notices.md"),
    ("containers", lambda made: setattr(made.hub, "list", refuse), "Storage Blob Data"),
    ("containers", lambda made: setattr(made.hub, "replace", refuse), "Storage Blob Data Contributor"),
    ("containers", lambda made: setattr(made.hub, "create", lambda *_: True), "If-None-Match"),
    ("containers", lambda made: made.hub.missing.add("dead-letters"), "create container dead-letters"),
    (
        "sweeps",
        lambda made: made.hub.land("signalbox/sweeps/arrivals.json", b'{"route x": {"because": "404", "since": "t"}}'),
        "the next sweep tries it again",
    ),
    ("workspaces", set_control(gone={"workspaces/mlw-dev"}), "environments.dev"),
    ("workspaces", set_control(gone={"registries/mlr-central"}), "registry"),
    ("workspaces", set_control(store=None), "hub_staging"),
    ("workspaces", set_control(store=DatastoreSeen(account="datahub", container="landing")), "hub_staging"),
    ("scoring", lambda made: setattr(made, "served", None), "deploy"),
    (
        "scoring",
        lambda made: (pin(made), setattr(made, "served", replace(SERVED, model="azureml:diabetes-progression:2"))),
        "deploy",
    ),
    (
        "scoring",
        lambda made: setattr(made, "served", replace(SERVED, model="azureml:churn:2")),
        "promote diabetes-progression to dev",
    ),
    ("scoring", lambda made: setattr(made, "registered", False), "register"),
    ("scoring", lambda made: setattr(made, "serving", None), "promote diabetes-progression to dev"),
    ("scoring", lambda made: setattr(made, "serving", replace(made.serving, default="")), "pin a deployment"),
    ("scoring", withdrawn(EntryState.RETIRED), "promote another version"),
    ("scoring", pinned_to(EntryState.RETIRED), "leave deployment and version out"),
    ("scoring", pinned_to(EntryState.REVOKED), "leave deployment and version out"),
    ("compute", set_control(gone={"computes/cpu-cluster"}), "compute cluster"),
    ("compute", set_control(state="Failed"), "repair or resize the compute cluster"),
    ("compute", named(overrides=Overrides(compute="gpu-cluster")), "create the compute cluster"),
    ("compute", named(limits=OverrideLimits(computes=("cpu-cluster", "gpu-cluster"))), "create the compute cluster"),
    ("events", set_control(subscribed=()), "subscribe receive_hub_event"),
    ("events", subscribed(host="another"), "subscribe receive_hub_event"),
    ("events", subscribed(begins_with="/blobServices/default/containers/other/"), "subscribe receive_hub_event"),
    ("events", subscribed(ends_with=".csv"), "subscribe receive_hub_event"),
    ("events", subscribed(event_types=("Microsoft.Storage.BlobCreated",)), "BlobRenamed"),
    ("events", subscribed(apis=("PutBlob",)), "filter"),
    ("events", subscribed(dead_letter_container=""), "destination"),
    ("events", subscribed(dead_letter_container="landing"), "destination"),
    ("devops", lambda made: setattr(made.settings, "secrets_key", ""), "Key Vault reference"),
    ("devops", lambda made: setattr(made.devops_facts, "project_id", refuse), "users"),
    ("devops", lambda made: made.projects.clear(), "devops.projects"),
    ("devops", lambda made: setattr(made, "hooks", (replace(HOOK, secret=False),)), "basic authentication"),
    ("devops", lambda made: setattr(made, "hooks", (replace(HOOK, enabled=False),)), "enable it"),
    ("devops", lambda made: merging(made), "git.pullrequest.merged"),
    ("locks", lock(LockLevel.READ_ONLY, ACCOUNT), "remove the lock"),
    ("locks", lock(LockLevel.CANNOT_DELETE, WORKSPACE.partition("/providers/")[0]), "single resources"),
    ("messaging", lambda made: setattr(made.settings, "bus_name", ""), "SERVICE_BUS__fullyQualifiedNamespace"),
    ("messaging", lambda made: setattr(made.settings, "queues", ()), "SIGNALBOX_RECORDS_QUEUE"),
    ("messaging", lambda made: made.control.queues.clear(), "create the queue, with sessions"),
    ("messaging", queued("records", sessions=False), "create it anew"),
    ("messaging", queued("approvals", sessions=True), "create it anew"),
    ("messaging", queued("messages", active=False), "Active"),
    ("messaging", queued("messages", sends_on="graveyard"), "create that queue or topic"),
    ("messaging", set_control(told_on=None), "create the topic with duplicate detection"),
    ("messaging", told_on(active=False), "Active"),
    ("messaging", set_control(granted=(Grant(actions=("*/read",)),)), "Azure Service Bus Data Receiver"),
    ("messaging", set_control(granted=(Grant(actions=("*/read",)),)), "Azure Service Bus Data Sender"),
    ("permissions", set_control(granted=(Grant(actions=("*/read",)),)), "AzureML Data Scientist"),
]


def test_a_whole_site_has_no_finding_but_ok():
    wrong = [each for each in examine(site()) if each.grade is not Grade.OK]
    assert wrong == []


@pytest.mark.parametrize(("check", "break_it", "fix"), BROKEN)
def test_each_broken_thing_is_found_with_its_fix(check, break_it, fix):
    made = site()
    break_it(made)

    found = [each for each in examine(made) if each.grade is Grade.BROKEN and each.check == check]
    assert found
    assert any(fix in each.fix for each in found), found


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        (lambda made: setattr(made.settings, "console_url", ""), "SIGNALBOX_CONSOLE_URL"),
        (lambda made: setattr(made.settings, "teams_webhooks", "other=https://w/x"), "teams: other"),
        (lambda made: tell_nobody_but(made, "data-owners"), "roles: [product-owner]"),
        (lambda made: tell_nobody_but(made, "product-owners"), "mail: data-owner@example.org"),
        (lambda made: made.hub.land(f"signalbox/{DEAD}a.json", DEAD_NOTICE), "signalbox dlq replay"),
    ],
)
def test_what_keeps_people_from_being_told_is_a_warning(change, fix):
    made = site()
    change(made)

    found = [each for each in examine(made) if each.grade is Grade.WARNING and each.check == "notices"]
    assert any(fix in each.fix for each in found), found


def tell_nobody_but(made: Site, name: str) -> None:
    rules = CONFIGURATION.notices
    recipients = tuple(each for each in rules.recipients if each.name == name)
    made.configuration = replace(CONFIGURATION, notices=replace(rules, recipients=recipients))


DEAD_LETTER = NoticeLetter(id="a", recipient="r", notices=(), planned="", next_at="")
DEAD_NOTICE = json.dumps(encode(DeadNotice(letter=DEAD_LETTER, reason="550", at=""))).encode()


@pytest.mark.parametrize("place", ["", "https://hub/tree-heads"])
def test_heads_that_a_writer_of_the_hub_could_rewrite_are_a_warning(place):
    made = site()
    made.settings.tree_heads = place

    (finding,) = [each for each in examine(made) if each.subject == "SIGNALBOX_TREE_HEADS"]
    assert finding.grade is Grade.WARNING
    assert "another storage account" in finding.fix


@pytest.mark.parametrize(
    "place", ["https://elsewhere/tree-heads", "ledger:https://l.confidential-ledger.azure.com/heads"]
)
def test_heads_in_another_account_or_in_a_ledger_are_out_of_reach(place):
    made = site()
    made.settings.tree_heads = place

    (finding,) = [finding for finding in examine(made) if finding.subject == "SIGNALBOX_TREE_HEADS"]
    assert finding.grade is Grade.OK


WARNED = [
    (queued("records", deliveries=20), "maximum delivery count"),
    (queued("messages", life_s=3600), "dead-lettering on message expiration"),
    (queued("messages", dead=3), "signalbox dlq list"),
    (queued("approvals", life_s=1e9), "time to live of an hour"),
    (told_on(drops_repeats=False), "duplicate detection"),
    (told_on(subscriptions=()), "one for each listener"),
    (told_on(subscriptions=(replace(LISTENER, active=False),)), "Active"),
    (told_on(subscriptions=(replace(LISTENER, dead=1),)), "listener could not take them"),
    (lambda made: setattr(made, "configuration", replace(CONFIGURATION, streams=())), "add the stream"),
]


@pytest.mark.parametrize(("change", "fix"), WARNED)
def test_what_works_on_service_bus_and_not_as_it_should_is_a_warning(change, fix):
    made = site()
    change(made)

    (found,) = [each for each in examine(made) if each.grade is not Grade.OK]
    assert (found.check, found.grade) == ("messaging", Grade.WARNING)
    assert fix in found.fix


@pytest.mark.parametrize(
    ("check", "change", "found", "fix"),
    [
        (
            "holdouts",
            lambda made: made.hub.delete("evaluation", "diabetes/answers.csv"),
            "no promotion and no retraining",
            "models.diabetes-progression.promotion.holdout",
        ),
        ("references", without_reference, "its drift cannot be seen", "contract/reference-profile.json"),
    ],
)
def test_what_nothing_can_be_measured_by_is_a_warning_that_names_the_consequence(check, change, found, fix):
    made = site()
    change(made)

    (finding,) = [each for each in examine(made) if each.grade is not Grade.OK]
    assert (finding.check, finding.grade) == (check, Grade.WARNING)
    assert (found in finding.found, fix in finding.fix) == (True, True), finding


def test_a_namespace_that_nobody_places_is_unknown_and_a_key_is_nobodys_identity():
    made = site()
    made.configuration = replace(CONFIGURATION, hub_group=None)
    (unknown,) = [each for each in examine(made) if each.check == "messaging"]
    assert (unknown.grade, "service_bus.subscription" in unknown.fix) == (Grade.UNKNOWN, True)
    made = site()
    made.settings.bus_by_key, made.control.granted = True, ()
    assert {each.grade for each in examine(made) if each.check == "messaging"} == {Grade.OK}


def test_each_hub_of_a_team_is_looked_at_as_the_data_hub_is():
    made, group = site(), ResourceGroup(subscription="s", name="rg-lab")
    hub = TeamHub(name="lab", account="stlab", containers=("landing",), environments=("dev",), group=group)
    made.configuration, made.control.public = replace(CONFIGURATION, hubs=(hub,)), False
    subjects = {(each.check, each.subject): each for each in examine(made)}

    assert subjects["names", "hub lab https://stlab"].grade is Grade.OK
    assert subjects["names", "private access to hub lab"].grade is Grade.OK
    assert subjects["containers", "stlab/landing"].grade is Grade.OK
    assert ("locks", "rg-lab") in subjects
    made.configuration = replace(made.configuration, hub_group=group)
    taken = [each for each in examine(made) if "nothing is taken from it since hub lab" in each.found]
    assert [(each.subject, each.grade) for each in taken] == [("datahub/landing", Grade.WARNING)]
    made.control.gone = {"storageAccounts/datahub/blobServices/default/containers/landing"}
    assert not [each for each in examine(made) if each.subject == "datahub/landing"]
    made.control.gone = set()
    made.control.subscribed = ()
    (broken,) = [each for each in examine(made) if each.subject == "route diabetes-each"]
    assert broken.grade is Grade.BROKEN  # Once: where the account is that its files arrive in.


def test_what_may_not_be_looked_at_is_unknown_and_what_may_do_all_is_a_warning():
    made = site()
    made.control.granted = None
    assert Grade.UNKNOWN in {each.grade for each in examine(made) if each.check == "permissions"}
    made.control.granted = (Grant(actions=("*",), data_actions=("*",)),)
    assert {each.grade for each in examine(made) if each.check == "permissions"} == {Grade.WARNING}


def test_a_contract_that_was_changed_since_the_start_is_found_with_its_line(tmp_path):
    made = site()
    (tmp_path / "c.yaml").write_text("format: csv\ncolumns:\n  - {name: id, type: integer, max: 10:00}\n")
    (tmp_path / "signalbox.yaml").write_text(
        "environments: {dev: {subscription: s, resource_group: g, workspace: w}}\nhub: {account: datahub}\n"
        "models: {m: {contract: c.yaml}}\nroutes: {}\n"
    )
    made.settings.config_path = tmp_path / "signalbox.yaml"

    (finding,) = [each for each in examine(made) if each.check == "configuration"]

    assert (finding.grade, finding.subject) == (Grade.BROKEN, "c.yaml:3: columns[0].max")
    assert finding.fix == "write a whole number, as the column's are"


def test_a_lock_against_deletion_on_the_account_alone_stops_nothing():
    made = site()
    lock(LockLevel.CANNOT_DELETE, ACCOUNT)(made)
    assert {each.grade for each in examine(made) if each.check == "locks"} == {Grade.OK}


def test_every_method_of_every_port_declares_what_it_does_in_azure():
    declared = {(port, method) for port, methods in NEEDS.items() for method in methods}
    protocols = {name: getattr(ports, name) for name in ports.__all__}
    wanted = {
        (name, method)
        for name, port in protocols.items()
        if getattr(port, "_is_protocol", False)
        for method, body in vars(port).items()
        if inspect.isfunction(body) and not method.startswith("_")
    }
    assert declared == wanted


def test_the_committed_role_table_is_fresh():
    assert (PROJECT / "docs" / "roles.md").read_text() == page(CONFIGURATION)


def test_the_role_table_says_whose_things_a_role_acts_on(tmp_path):
    text = page(load(write_two_teams(tmp_path)))

    assert "a role of a team on what that team owns and on nothing else" in text
    assert "| security | the platform | `read`, `decide` | everywhere |\n" in text
    for team in ("churn", "vision"):
        assert f"| product-owner | team {team} | `read`, `decide`, `break_glass`," in text


def test_events_that_go_to_the_apps_own_queue_are_brought_to_it_and_those_of_another_queue_are_not():
    namespace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/bus"
    made = site()
    made.settings.queues = (*made.settings.queues, ("SIGNALBOX_EVENTS_QUEUE", "hub-events"))
    made.control.queues["hub-events"] = QueueSeen(name="hub-events")

    subscribed(host="", function=f"{namespace}/queues/hub-events")(made)
    assert {each.grade for each in examine(made) if each.check == "events"} == {Grade.OK}
    subscribed(host="", function=f"{namespace}/queues/others")(made)
    assert any(each.grade is Grade.BROKEN for each in examine(made) if each.check == "events")


@pytest.mark.parametrize(
    ("container", "meanwhile"),
    [
        ("signalbox", "nothing is recorded, so nothing can start"),
        ("signalbox-staging", "no run or training can be given its files"),
        ("quarantine", "bad data cannot be set aside, so its runs fail"),
        ("dead-letters", "an event that cannot be read is delivered for a day, and then lost"),
        ("landing", "files of routes diabetes-each, diabetes-marker, diabetes-window are not found"),
        ("predictions", "results of routes diabetes-each, diabetes-marker, diabetes-window cannot be published"),
        ("training", "training data of model diabetes-progression are not found"),
    ],
)
def test_a_missing_container_is_named_with_what_does_not_work_without_it(container, meanwhile):
    made = site()
    made.hub.missing.add(container)

    found = [each.found for each in examine(made) if each.check == "containers" and each.grade is Grade.BROKEN]
    assert any(meanwhile in each for each in found), found


SUBSCRIPTION = "/".join(ACCOUNT.split("/")[:3])
OWNER = Grant(actions=("*",))
CONTRIBUTOR = Grant(actions=("*",), not_actions=("Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"))


def role_given(scope: str, role: str, *grants: Grant) -> RoleGiven:
    return RoleGiven(principal="eve", kind="User", role=role, scope=scope, grants=grants)


@pytest.mark.parametrize(
    ("given", "place", "rights"),
    [
        (replace(OWN, principal="eve"), "the container", "overwrite records and put new ones in"),
        (replace(OWN, principal="eve", scope=ACCOUNT), "storage account datahub", "delete records"),
        (role_given(ACCOUNT, "Owner", OWNER), "storage account datahub", "give anybody any of these rights"),
        (
            role_given(ACCOUNT.partition("/providers/")[0], "Contributor", CONTRIBUTOR),
            "resource group rg-datahub",
            "read the account's keys",
        ),
        (role_given(SUBSCRIPTION, "Owner", OWNER), "subscription 0000", "delete the account"),
        (
            role_given(ACCOUNT, "Sas", Grant(actions=("Microsoft.Storage/storageAccounts/listAccountSas/action",))),
            "storage account datahub",
            "sign access for anybody",
        ),
        (
            role_given(ACCOUNT, "Ages", Grant(actions=("Microsoft.Storage/storageAccounts/managementPolicies/write",))),
            "storage account datahub",
            "have records deleted by their age",
        ),
        (
            role_given("/providers/Microsoft.Management/managementGroups/all", "Owner", OWNER),
            "management group all",
            "delete the container",
        ),
        (role_given("/", "Owner", OWNER), "all subscriptions", "delete the container"),
    ],
)
def test_who_else_may_write_records_is_named_with_what_they_could_do(given: RoleGiven, place: str, rights: str) -> None:
    made = site()
    made.control.given = (OWN, given)

    (finding,) = [each for each in examine(made) if each.grade is not Grade.OK]
    assert (finding.check, finding.grade, finding.subject) == ("writers", Grade.WARNING, "datahub/signalbox")
    assert (f"{given.kind} eve" in finding.found, place in finding.found, rights in finding.found) == (True,) * 3
    assert ("eve" in finding.fix, given.role in finding.found) == (True, True)


def test_who_may_write_to_the_audit_logs_container_alone_is_named_too() -> None:
    made = site()
    made.configuration = replace(CONFIGURATION, hub=replace(CONFIGURATION.hub, audit="signalbox-audit"))
    made.control.immutability = "Locked"
    log = f"{ACCOUNT}/blobServices/default/containers/signalbox-audit"
    made.control.given = (OWN, replace(OWN, scope=log), replace(OWN, principal="eve", scope=log))

    subjects = [finding.subject for finding in examine(made) if finding.check == "writers" and finding.fix]

    assert "datahub/signalbox-audit" in subjects


def test_who_may_only_read_records_is_nobodys_concern() -> None:
    made = site()
    made.control.given = (OWN, role_given(SUBSCRIPTION, "Reader", Grant(actions=("*/read",))))
    assert {each.grade for each in examine(made)} == {Grade.OK}
    made.control.given = (OWN, role_given(SUBSCRIPTION, "Contributor", CONTRIBUTOR))
    (finding,) = [each for each in examine(made) if each.grade is not Grade.OK]
    assert "any of these rights" not in finding.found


def test_the_accounts_keys_are_a_way_in_that_no_role_shows() -> None:
    made = site()
    made.control.shared_key = True
    (finding,) = [each for each in examine(made) if each.grade is not Grade.OK]
    assert (finding.check, "allowSharedKeyAccess" in finding.fix) == ("writers", True)


def test_writers_that_cannot_be_looked_at_are_unknown() -> None:
    made = site()
    made.control.given = None
    assert [each.grade for each in examine(made) if each.check == "writers"] == [Grade.UNKNOWN]
    made = site()
    made.configuration = replace(CONFIGURATION, state_account=StateAccount(name="ststate"))
    (finding,) = [each for each in examine(made) if each.check == "writers"]
    assert (finding.grade, "hub.state_account.subscription" in finding.fix) == (Grade.UNKNOWN, True)


def test_records_in_their_own_account_are_looked_for_there() -> None:
    made = site()
    group = ResourceGroup(subscription="s", name="g")
    made.configuration = replace(CONFIGURATION, state_account=StateAccount(name="ststate", group=group))
    findings = [each for each in examine(made) if each.check == "writers"]

    assert [each.subject for each in findings] == ["ststate/signalbox"]
    assert "its own account" in findings[0].found
    account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/ststate"
    assert (
        resources.container(made.configuration, "signalbox") == f"{account}/blobServices/default/containers/signalbox"
    )
    assert resources.container(made.configuration, "quarantine").startswith(f"{ACCOUNT}/")
    assert "container signalbox of ststate | Storage Blob Data Contributor" in page(made.configuration)


def test_a_key_in_a_file_is_a_warning_on_azure_alone() -> None:
    made = site()
    key_state(Purpose.LOG, exportable=True)(made)
    assert {each.grade for each in examine(made) if each.check == "signing"} == {Grade.OK}
    made.settings.site_name = "func-signalbox"
    found = [each for each in examine(made) if each.check == "signing" and each.grade is Grade.WARNING]
    assert ["Key Vault" in each.fix for each in found] == [True]


@pytest.mark.parametrize(
    ("policy", "grade", "words"),
    [("Locked", Grade.OK, "under a locked"), ("Unlocked", Grade.WARNING, "not locked"), ("", Grade.WARNING, "edited")],
)
def test_the_policy_on_the_audit_logs_container_is_read(policy: str, grade: Grade, words: str) -> None:
    made = site()
    made.configuration = replace(CONFIGURATION, hub=replace(CONFIGURATION.hub, audit="signalbox-audit"))
    made.control.immutability = policy
    (finding,) = [each for each in examine(made) if each.subject == "audit log in signalbox-audit"]
    assert (finding.grade, words in finding.found) == (grade, True), finding


def test_a_policy_that_nobody_can_read_is_unknown() -> None:
    made = site()
    made.configuration = replace(CONFIGURATION, hub=replace(CONFIGURATION.hub, audit="signalbox-audit"))
    made.control.gone.add("containers/signalbox-audit")
    (finding,) = [each for each in examine(made) if each.subject == "audit log in signalbox-audit"]
    assert finding.grade is Grade.UNKNOWN


def test_a_workspace_where_teams_use_hubs_says_itself_that_it_is_an_experiment():
    """A workspace of production that routes alone use looks like one to the configuration."""
    made = site()
    made.configuration = replace(CONFIGURATION, hubs=(replace(LAB_HUB, environments=("experiment",)),))

    def seen() -> list[tuple[str, Grade]]:
        return [(each.subject, each.grade) for each in examine(made) if each.subject.startswith("experiment ")]

    assert seen() == [("experiment mlw-experiment", Grade.BROKEN)]
    made.control.tags = {EXPERIMENT_TAG: "false"}
    assert seen() == [("experiment mlw-experiment", Grade.BROKEN)]
    made.control.tags = {EXPERIMENT_TAG: "true"}
    assert seen() == [("experiment mlw-experiment", Grade.OK)]


def test_a_workspace_in_which_arrivals_are_registered_needs_the_right_to_do_so():
    routes = tuple(replace(route, score=replace(route.score, online=True)) for route in CONFIGURATION.routes)
    plain = replace(CONFIGURATION, routes=routes, ladder=Ladder(), retraining=(), datasets=())
    registering = replace(plain, routes=tuple(replace(route, input_asset="seen") for route in routes))

    actions = [
        {action for each in assignments(configuration) for action in each.need.actions if "/data/versions/" in action}
        for configuration in (plain, registering)
    ]

    assert [len(needed) for needed in actions] == [0, 2]


def test_a_workspace_whose_assets_may_be_imported_is_read_and_so_is_its_storage():
    plain = replace(CONFIGURATION, ladder=Ladder(), retraining=(), datasets=())
    importing = replace(plain, sources=SourceRules(assets=("seen",)))

    def actions(configuration: Configuration, scope: str) -> set[str]:
        needs = [each.need for each in assignments(configuration) if each.scope == scope and not each.only_doctor]
        return {action for need in needs for action in (*need.actions, *need.data_actions)}

    workspace, storage = "workspace mlw-dev", "the storage account of mlw-dev"
    more = {action.partition("workspaces/")[2] for action in actions(importing, workspace) - actions(plain, workspace)}
    assert more == {"data/versions/read"}
    assert {action.rpartition("/")[2] for action in actions(importing, storage)} == {"read"}
    assert any("imports data assets" in each.why for each in assignments(importing))


def test_a_workspace_where_rows_are_only_sent_online_is_asked_for_no_right_to_deploy():
    routes = tuple(replace(route, score=replace(route.score, online=True)) for route in CONFIGURATION.routes)
    configuration = replace(CONFIGURATION, routes=routes, ladder=Ladder(), retraining=())
    (given,) = (
        each for each in assignments(configuration) if each.scope == "workspace mlw-dev" and each.why == "scores"
    )

    assert [action.rpartition("workspaces/")[2] for action in given.need.actions if "write" in action] == []
    assert any(action.endswith("onlineEndpoints/score/action") for action in given.need.actions)
