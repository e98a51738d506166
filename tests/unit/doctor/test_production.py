"""The doctor looks at what a rollout rests on: figures, logs, alert rules, quota, and registrations in the registry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from shared.domain.failures import Refused, Transient
from shared.domain.promotion.bundles import BundleFile, bundle_digest
from shared.domain.promotion.models import DIGEST
from shared.domain.rollout.known_good import KnownGoodRules
from shared.domain.rollout.policy import CountSource
from shared.domain.rollout.serving import ChangeKind, TrafficChange
from shared.operations.doctor.examine import examine
from shared.operations.doctor.findings import Finding, Grade
from shared.ports import DeploymentSeen, EndpointSeen, LogSetting, StoredFile
from shared.records.production.serving import sign_change
from tests.unit.doctor.test_doctor import CONFIGURATION, RULE, Site, refuse, site

Change = Callable[[Site], None]
MODEL_FILE = StoredFile(path="model.bin", size=7, sha256="ab" * 32)


def staged(made: Site, **changes: Any) -> None:
    """Change the stage of production, or with `look` its looks."""
    look = changes.pop("look", {})

    def changed(stage: Any) -> Any:
        if stage.rollout is None:
            return stage
        rollout = replace(stage.rollout, look=replace(stage.rollout.look, **look))
        return replace(stage, rollout=rollout, **changes)

    stages = tuple(changed(stage) for stage in CONFIGURATION.ladder.stages)
    made.configuration = replace(CONFIGURATION, ladder=replace(CONFIGURATION.ladder, stages=stages))


def logged(*settings: LogSetting) -> Change:
    def change(made: Site) -> None:
        staged(made, look={"counts": CountSource.TRAFFIC_LOG})
        made.monitoring_set_up.log_settings = lambda _: settings

    return change


def ruled(**changes: Any) -> Change:
    rule = replace(RULE, **changes)
    return lambda made: setattr(made.monitoring_set_up, "alert_rule", lambda *_: rule)


def fleet(made: Site) -> None:
    """Ten instances serve: a second fleet needs 48 cores."""
    made.serving = EndpointSeen(name="diabetes-online", default="blue", traffic={"blue": 100})
    made.served = DeploymentSeen(
        name="blue", state="Succeeded", model="azureml:diabetes-progression:1", compute="", instances=10
    )


def silent(*_: object) -> Any:
    raise Transient("503 try later")


TO_LOGS = LogSetting(name="to-logs", categories=("AmlOnlineEndpointTrafficLog",), workspace="/subscriptions/s/logs")


def found(change: Change) -> list[Finding]:
    made = site()
    change(made)
    return [finding for finding in examine(made) if finding.check == "production" and finding.grade is not Grade.OK]


@pytest.mark.parametrize(
    ("change", "grade", "fact", "fix"),
    [
        (lambda made: setattr(made, "minutes", refuse), Grade.BROKEN, "no rollout goes on", "docs/roles.md"),
        (lambda made: setattr(made, "minutes", silent), Grade.UNKNOWN, "503", "try again"),
        (logged(), Grade.BROKEN, "to no Log Analytics", "AmlOnlineEndpointTrafficLog"),
        (logged(replace(TO_LOGS, workspace="")), Grade.BROKEN, "to no Log Analytics", "AmlOnlineEndpointTrafficLog"),
        (logged(replace(TO_LOGS, categories=("AmlOnlineEndpointConsoleLog",))), Grade.BROKEN, "nothing is", "send the"),
        (
            lambda made: setattr(made.monitoring_set_up, "alert_rule", lambda *_: None),
            Grade.BROKEN,
            "it never fires",
            "rollout.alerts.rules",
        ),
        (ruled(enabled=False), Grade.BROKEN, "is disabled", "enable it"),
        (ruled(scopes=("/subscriptions/s/other",)), Grade.BROKEN, "watches /subscriptions/s/other", "let it watch"),
        (ruled(webhooks=()), Grade.WARNING, "does not call this app", "POST /api/v1/alerts"),
        (ruled(webhooks=("elsewhere/api/v1/alerts",)), Grade.WARNING, "does not call this app", "POST /api/v1/alerts"),
        (ruled(common_schema=False), Grade.WARNING, "common alert schema", "common alert schema"),
        (
            lambda made: setattr(made.monitoring_set_up, "quota", lambda *_: None),
            Grade.UNKNOWN,
            "is not said",
            "quotas of the subscription",
        ),
        (fleet, Grade.BROKEN, "40 of 100 cores of DSv2 are free, and a second fleet needs 48", "more quota"),
    ],
)
def test_what_a_rollout_lacks_is_found(change: Change, grade: Grade, fact: str, fix: str) -> None:
    findings = found(change)
    assert {finding.grade for finding in findings} == {grade}, findings
    assert all(fact in finding.found and fix in finding.fix for finding in findings), findings


@pytest.mark.parametrize(
    "change",
    [
        logged(TO_LOGS),
        logged(replace(TO_LOGS, categories=("allLogs",))),
        lambda made: setattr(made, "serving", None),
        ruled(scopes=("/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/l",)),
        lambda made: staged(made, serving=replace(CONFIGURATION.ladder.stages[-1].serving, kubernetes="aks")),
    ],
)
def test_what_is_enough_is_no_finding(change: Change) -> None:
    assert found(change) == []


def test_a_release_by_registration_wants_the_events_of_the_registry() -> None:
    made = site()
    staged(made, on_registration=True)
    assert {finding.grade for finding in examine(made) if finding.check == "events"} == {Grade.OK}
    made.control.subscribed = ()
    (finding,) = [finding for finding in examine(made) if finding.subject == "entries of mlr-central"]
    assert finding.grade is Grade.WARNING
    assert "releases to production wait for the timer" in finding.found
    assert "of the registry" in finding.fix


@pytest.mark.parametrize(
    ("keep", "entry", "files", "subjects", "fact"),
    [
        (1, "is there", [MODEL_FILE], ["diabetes-progression:2"], "is whole in mlr-central"),
        (3, "is there", [MODEL_FILE], ["diabetes-progression:1", "diabetes-progression:2"], "is whole in mlr-central"),
        (1, "", [MODEL_FILE], ["diabetes-progression:2"], "is not in mlr-central any more"),
        (1, "is there", [], ["diabetes-progression:2"], "has other bytes in mlr-central"),
    ],
)
def test_the_newest_known_good_versions_are_whole_in_the_registry(
    keep: int, entry: str, files: list[StoredFile], subjects: list[str], fact: str
) -> None:
    made = site()
    stages = tuple(
        replace(stage, rollout=replace(stage.rollout, known_good=KnownGoodRules(keep=keep))) if stage.rollout else stage
        for stage in CONFIGURATION.ladder.stages
    )
    made.configuration = replace(CONFIGURATION, ladder=replace(CONFIGURATION.ladder, stages=stages))
    for days, version in ((9, "1"), (5, "2"), (0, "3")):  # The third has not served long enough.
        change = TrafficChange(
            kind=ChangeKind.SHIFT,
            environment="prod",
            endpoint="diabetes-online",
            at=made.clock.now() - timedelta(days=days),
            traffic={f"v{version}": 100},
            versions={f"v{version}": f"diabetes-progression:{version}"},
        )
        sign_change(made.statements, f"shift-{version}", change)
    model = BundleFile(part="model", path=MODEL_FILE.path, size=MODEL_FILE.size, sha256=MODEL_FILE.sha256)
    made.registered = SimpleNamespace(tags={DIGEST: bundle_digest([model])}) if entry else None
    made.bundles.files = lambda shelf: files if shelf.asset.name == "diabetes-progression" else []
    made.bundles.digest = lambda shelf, path: MODEL_FILE.sha256

    findings = [finding for finding in examine(made) if "known good" in finding.subject]

    assert [finding.subject.partition(",")[0] for finding in findings] == subjects
    assert all(fact in finding.found for finding in findings), findings


def test_a_service_that_refuses_to_be_looked_at_breaks_no_other_check() -> None:
    made = site()
    made.monitoring_set_up.quota = refuse
    with pytest.raises(Refused):
        made.monitoring_set_up.quota()
    assert Grade.BROKEN in {finding.grade for finding in examine(made) if finding.check == "production"}
