"""Alerts on what serves, and what is kept warm: judged from intervals alone."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.application.rollout.starts import caused_rollback
from shared.domain.rollout.causes import RollbackCause
from shared.domain.rollout.policy import RolloutAlerts
from shared.domain.rollout.retirement import kept_warm
from shared.domain.rollout.serving import ChangeKind, ServedInterval, TrafficChange, intervals
from shared.domain.rollout.serving_alerts import ServingAlert, judge_alert

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = RolloutAlerts(rules=("errors",), within_s=3600)


def served(*changes: tuple[int, ChangeKind, dict[str, int]]) -> tuple[ServedInterval, ...]:
    """The intervals after *changes*, each with its minute; deployment `v1` serves `churn:1`."""
    return intervals(
        TrafficChange(
            kind=kind,
            environment="prod",
            endpoint="churn",
            at=START + timedelta(minutes=minute),
            traffic=traffic,
            versions={name: f"churn:{name[1:]}" for name in traffic},
        )
        for minute, kind, traffic in changes
    )


def alert(minute: int, deployment: str = "v1") -> ServingAlert:
    return ServingAlert(id="a", rule="errors", fired_at=START + timedelta(minutes=minute), deployment=deployment)


SHIFTED = (0, ChangeKind.SHIFT, {"v1": 100})


@pytest.mark.parametrize(
    ("changes", "minute", "rolls_back"),
    [
        ([SHIFTED], 60, True),
        ([SHIFTED], 61, False),
        ([SHIFTED, (10, ChangeKind.SHIFT, {"v1": 95, "v2": 5})], 20, False),
        ([SHIFTED, (10, ChangeKind.SHIFT, {"v1": 95, "v2": 5}), (30, ChangeKind.UNDO, {"v1": 100})], 60, True),
        ([SHIFTED, (10, ChangeKind.SHIFT, {"v1": 95, "v2": 5}), (30, ChangeKind.UNDO, {"v1": 100})], 61, False),
        ([SHIFTED, (10, ChangeKind.SHIFT, {"v2": 100}), (30, ChangeKind.ROLLBACK, {"v1": 100})], 40, False),
        ([SHIFTED, (10, ChangeKind.FOREIGN, {"v2": 100}), (30, ChangeKind.FOREIGN, {"v1": 100})], 40, False),
        ([], 10, False),
    ],
    ids=[
        "within the window",
        "after it",
        "during another rollout",
        "after a rollout that was put back, within the window of the switch",
        "the same, after that window",
        "brought back by a rollback",
        "brought back by hand",
        "nothing recorded",
    ],
)
def test_only_what_a_promotion_gave_all_traffic_is_brought_back(
    changes: list[tuple[int, ChangeKind, dict[str, int]]], minute: int, rolls_back: bool
) -> None:
    fired = alert(minute)
    assert judge_alert(POLICY, fired, served(*changes), fired.fired_at).rolls_back is rolls_back


def test_what_has_no_traffic_is_kept_from_the_later_of_its_end_and_the_release() -> None:
    history = served(
        SHIFTED,
        (10, ChangeKind.SHIFT, {"v1": 95, "v2": 5}),
        (20, ChangeKind.SHIFT, {"v2": 100}),
        (30, ChangeKind.ROLLBACK, {"v1": 100}),
        (40, ChangeKind.SHIFT, {"v3": 100}),
    )
    released = START + timedelta(minutes=35)
    kept = {warm.deployment: warm.due for warm in kept_warm(history, released, 60)}
    assert kept == {"v1": START + timedelta(minutes=41), "v2": START + timedelta(minutes=36)}


def test_a_cause_has_one_rollback_and_another_cause_another() -> None:
    def request(fact: str, leaving: str = "churn:2", cause: RollbackCause = RollbackCause.ALERT) -> str:
        return caused_rollback(cause, fact, "prod", leaving, by="x", reason="y").id

    others = [request("b"), request("a", "churn:3"), request("a", cause=RollbackCause.REVOCATION)]
    assert request("a") == request("a")
    assert len({request("a"), *others}) == 4
