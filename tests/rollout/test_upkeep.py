"""Between rollouts: what was kept warm is retired once its time is over, and traffic set by hand is told."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from activities.rollout.upkeep import _retire_due
from shared import contracts as c
from shared.application.notices.outbox import with_notices
from shared.application.rollout.upkeep import production_endpoints
from shared.codec import decode
from shared.domain.notices.notice import NoticeKind
from shared.domain.notices.recipients import NoticeRules, Recipient
from shared.domain.promotion.models import ModelVersion
from shared.domain.rollout.serving import ChangeKind
from shared.ports import Blob
from shared.records.notices.letters import WAITING, WaitingNotice
from shared.records.production.serving import VersionHold, served_intervals, sign_hold
from shared.records.production.upkeep import RollbackTurn, end_turn, is_retiring, take_turn
from shared.records.store import RecordStore
from tests.rollout.conftest import RolloutApp

ENDPOINT = "prod/onlineEndpoints/churn-online"


async def sweep(app: RolloutApp) -> None:
    """The sweep of production alone."""
    name = f"reconcile-production-{uuid4().hex}"
    await app.host.start("reconcile_production", name, {"key": name})
    outcome = await app.host.advance_until_finished(name, timeout=60)
    assert outcome.status == "Completed", outcome
    assert decode(c.Swept, outcome.output) == c.Swept()


def deployments(app: RolloutApp) -> list[str]:
    """The versions that are deployed in production."""
    return sorted(
        model.rpartition("/")[2] for key, model in app.cloud.state["deployments"].items() if key.startswith(ENDPOINT)
    )


async def test_the_version_before_is_retired_after_its_time_and_not_sooner(replaced: RolloutApp) -> None:
    await replaced.pass_time(hours=1, minutes=50)
    await sweep(replaced)
    assert deployments(replaced) == ["churn:1", "churn:2"]
    await replaced.pass_time(minutes=15)
    await sweep(replaced)
    await sweep(replaced)
    assert deployments(replaced) == ["churn:2"]
    assert replaced.chain().count("deployment retired") == 1
    assert "prod/models/churn:1" in replaced.cloud.state["assets"]
    assert replaced.cloud.state["assets"]["central/models/churn:1"].tags["signalbox.state"] == "retired"


async def test_a_quiet_sweep_reads_the_history_of_the_traffic_and_the_endpoint_once(
    replaced: RolloutApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests, hub, endpoints = Counter[str](), replaced.clients.hub, replaced.endpoints
    list_blobs, find_endpoint = hub.list, endpoints.find

    def list_counted(container: str, prefix: str) -> Iterator[Blob]:
        requests[prefix] += 1
        return list_blobs(container, prefix)

    def find_counted(*place: Any) -> Any:
        requests["endpoint"] += 1
        return find_endpoint(*place)

    monkeypatch.setattr(hub, "list", list_counted)
    monkeypatch.setattr(endpoints, "find", find_counted)

    await sweep(replaced)

    assert (requests["serving/prod/churn-online/"], requests["endpoint"]) == (1, 1)


async def test_a_retired_version_can_be_rolled_back_to_cold(replaced: RolloutApp) -> None:
    await replaced.pass_time(hours=3)
    await sweep(replaced)
    result = await replaced.roll_back()
    assert (result.done, result.to) == (True, "churn:1"), result
    assert replaced.traffic == {replaced.deployment(ModelVersion(name="churn", version="1")): 100}


async def test_the_version_that_a_rollback_has_left_is_retired_too(replaced: RolloutApp) -> None:
    await replaced.pass_time(minutes=90)
    await replaced.roll_back()
    await replaced.pass_time(minutes=90)
    await sweep(replaced)
    assert deployments(replaced) == ["churn:1", "churn:2"]
    await replaced.pass_time(hours=1)
    await sweep(replaced)
    assert deployments(replaced) == ["churn:1"]


async def test_the_way_back_stays_while_what_serves_is_not_known_to_be_good(replaced: RolloutApp) -> None:
    serving, now = ModelVersion(name="churn", version="2"), replaced.clients.clock.now()
    hold = VersionHold(model=serving, released=False, by="linus", reason="wrong prices", at=now)
    sign_hold(replaced.clients.statements, hold)
    await replaced.pass_time(hours=3)
    await sweep(replaced)
    assert deployments(replaced) == ["churn:1", "churn:2"]
    await replaced.ask("POST", "models/churn/release", {"version": "2", "reason": "mended"}, "linus")
    await sweep(replaced)
    assert deployments(replaced) == ["churn:2"]


async def test_nothing_is_retired_during_a_rollback_or_a_promotion(replaced: RolloutApp) -> None:
    await replaced.pass_time(hours=3)
    promotion = await replaced.promote(str(await replaced.entered("3")), "prod")
    await replaced.watched(promotion)
    await sweep(replaced)
    assert "churn:1" in deployments(replaced)
    await replaced.ask("POST", f"rollouts/{promotion}/abort", {"reason": "enough"}, "linus")
    await replaced.finish(promotion)
    rollback = await replaced.ask("POST", "models/churn/rollback", {"reason": "complaints"}, "linus")
    await replaced.until(lambda: "rollback ordered" in replaced.chain())
    await sweep(replaced)
    await replaced.host.advance_until_finished(str(rollback[1]["id"]), timeout=60)
    assert replaced.chain()[-1] == "rolled back"


async def test_a_rollback_that_was_ended_from_outside_keeps_nothing(replaced: RolloutApp) -> None:
    await replaced.pass_time(hours=3)
    now = replaced.clients.clock.now()
    turn = RollbackTurn(rollback="rollback-that-was-terminated", until=now + timedelta(hours=2))
    take_turn(replaced.clients.store, "prod", "churn-online", turn, now)
    await sweep(replaced)
    assert deployments(replaced) == ["churn:2"]


async def test_a_rollback_that_begins_while_a_deployment_is_chosen_for_removal_keeps_it(
    replaced: RolloutApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep has found nobody at work, and the rollback nothing that is being removed: one of both must give way."""
    await replaced.pass_time(hours=3)
    now, store = replaced.clients.clock.now(), replaced.clients.store
    turn = RollbackTurn(rollback="rollback-at-this-moment", until=now + timedelta(hours=2))
    create, begun = RecordStore.create, list[str]()

    def meanwhile(records: RecordStore, path: str, record: object) -> bool:
        if path.startswith("retirements-open/") and not begun:
            begun.append(take_turn(store, "prod", "churn-online", turn, now))
        return create(records, path, record)

    monkeypatch.setattr(RecordStore, "create", meanwhile)
    endpoint = next(production_endpoints(replaced.clients.configuration.ladder))
    _retire_due(replaced.clients, endpoint)
    assert begun == [""]
    assert deployments(replaced) == ["churn:1", "churn:2"]
    warm = replaced.deployment(ModelVersion(name="churn", version="1"))
    assert not is_retiring(store, "prod", "churn-online", warm)
    end_turn(store, "prod", "churn-online", turn.rollback)
    assert (await replaced.roll_back()).to == "churn:1"


async def test_a_rollback_that_begins_while_a_deployment_is_removed_waits_and_deploys_it_anew(
    replaced: RolloutApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure takes its time to remove a deployment: one that still answers is as good as gone."""
    await replaced.pass_time(hours=3)
    with monkeypatch.context() as slow:
        slow.setattr(replaced.endpoints, "undeploy", lambda *_: None)
        await sweep(replaced)
    warm = replaced.deployment(ModelVersion(name="churn", version="1"))
    assert is_retiring(replaced.clients.store, "prod", "churn-online", warm)
    rollback = await replaced.order_rollback()
    await replaced.pass_time(minutes=5)
    assert len(replaced.traffic) == 1
    assert warm not in replaced.traffic

    await sweep(replaced)  # It ends the removal that it began, though a rollback is under way.
    result = await replaced.rolled_back(rollback)

    assert (result.done, result.to) == (True, "churn:1"), result
    assert replaced.traffic == {warm: 100}
    kinds = replaced.chain()
    assert [kinds.count(kind) for kind in ("deployment retired", "rolled back")] == [1, 1]
    await sweep(replaced)
    assert "churn:1" in deployments(replaced)


async def test_a_deployment_with_traffic_or_without_a_past_is_never_retired(replaced: RolloutApp) -> None:
    names = {version: replaced.deployment(ModelVersion(name="churn", version=version)) for version in "12"}
    replaced.cloud.state["deployments"][f"{ENDPOINT}/by-hand"] = "prod/models/churn:1"
    await replaced.pass_time(hours=3)
    replaced.cloud.state["endpoints"][ENDPOINT]["traffic"] = {names["1"]: 10, names["2"]: 90}
    await sweep(replaced)
    await sweep(replaced)
    assert deployments(replaced) == ["churn:1", "churn:1", "churn:2"]


async def test_traffic_changed_by_hand_is_announced_once_and_is_an_interval(replaced: RolloutApp) -> None:
    names = {version: replaced.deployment(ModelVersion(name="churn", version=version)) for version in "12"}
    await sweep(replaced)
    assert replaced.chain().count("traffic changed by hand") == 0
    replaced.cloud.state["endpoints"][ENDPOINT]["traffic"] = {names["1"]: 10, names["2"]: 90}
    await sweep(replaced)
    await sweep(replaced)
    assert replaced.chain().count("traffic changed by hand") == 1
    served = served_intervals(replaced.clients.statements, "prod", "churn-online")
    by_hand = [interval for interval in served if interval.began is ChangeKind.FOREIGN]
    assert [(interval.model, interval.share, interval.by) for interval in by_hand] == [
        ("churn:1", 10, "unknown"),
        ("churn:2", 90, "unknown"),
    ]
    assert by_hand[0].because.startswith("changed by hand: it was ")


async def test_people_are_told_once_of_traffic_that_was_changed_by_hand(replaced: RolloutApp) -> None:
    """The owner of what has lost its traffic too, and none of what Signalbox has changed itself."""
    owner = Recipient(name="owner", mail="owner@example.org", about=("churn",), kinds=(NoticeKind.TRAFFIC,))
    clients = replaced.clients
    rules = NoticeRules(recipients=(owner,))
    vars(clients).update(announcer=with_notices(clients.announcer, rules, clients.store, clients.clock))
    await replaced.roll_back()
    await sweep(replaced)
    assert list(clients.store.blobs(WAITING)) == []
    await replaced.pass_time(minutes=1)
    replaced.change_by_hand({"somebody's": 100})
    await sweep(replaced)
    await sweep(replaced)

    (waiting,) = (clients.store.get(WaitingNotice, blob.path) for blob in clients.store.blobs(WAITING))
    assert waiting is not None
    assert (waiting.recipient, waiting.notice.about, waiting.notice.page) == ("owner", "churn:1", "models/churn")


async def test_the_same_change_by_hand_is_told_again_after_it_was_taken_back(replaced: RolloutApp) -> None:
    name = replaced.deployment(ModelVersion(name="churn", version="2"))
    other = replaced.deployment(ModelVersion(name="churn", version="1"))
    for traffic in ({other: 100}, {name: 100}, {other: 100}):
        replaced.cloud.state["endpoints"][ENDPOINT]["traffic"] = traffic
        await replaced.pass_time(minutes=1)
        await sweep(replaced)
    assert replaced.chain().count("traffic changed by hand") == 3


async def test_the_traffic_of_a_rollout_is_not_foreign(replaced: RolloutApp) -> None:
    promotion = await replaced.promote(str(await replaced.entered("3")), "prod")
    await replaced.until(lambda: len(replaced.traffic) == 2)
    await sweep(replaced)
    assert "traffic changed by hand" not in replaced.chain()
    assert (await replaced.finish(promotion)).fate is c.Fate.PROMOTED
