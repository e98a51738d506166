"""How figures of the ports become counts of two arms: outputs by bin, clients once, and minutes a week apart."""

from shared.application.rollout.counts import Arms, counts_weeks_apart, frozen_clients, frozen_outputs
from shared.domain.rollout.policy import ComparedOutputs
from shared.domain.statistics.sequential.counts import MinuteCounts
from shared.ports import ClientMinute, DeploymentMinute, OutputMinute

ARMS = Arms(canary="v2", champion="v1", weight=10)
WEEK = 7 * 24 * 60


def counts(minute: int, canary: int, champion: int, canary_bad: int, champion_bad: int) -> MinuteCounts:
    return MinuteCounts(
        minute=minute, canary=canary, champion=champion, canary_bad=canary_bad, champion_bad=champion_bad
    )


def answered(deployment: str, minute: int, requests: int, bad: int) -> DeploymentMinute:
    return DeploymentMinute(deployment=deployment, minute=minute, requests=requests, bad=bad)


def test_an_output_is_a_bad_unit_of_its_bin_alone():
    outputs = ComparedOutputs(edges=(0.5,))
    minutes = [
        OutputMinute(deployment="v2", minute=7, bins=(3, 1), unread=1),
        OutputMinute(deployment="v1", minute=7, bins=(9, 0)),
        OutputMinute(deployment="v0", minute=7, bins=(5, 5)),
    ]
    assert frozen_outputs(minutes, ARMS, outputs) == {
        "outputs below 0.5": (counts(7, 5, 9, 3, 9),),
        "outputs from 0.5": (counts(7, 5, 9, 1, 0),),
        "outputs unread": (counts(7, 5, 9, 1, 0),),
    }


def test_clients_that_were_counted_are_left_out():
    rows = [
        ClientMinute(deployment="v2", minute=7, client="a", requests=5, bad=0, slow=1),
        ClientMinute(deployment="v2", minute=8, client="a", requests=1, bad=1, slow=0),
        ClientMinute(deployment="v1", minute=8, client="b", requests=2, bad=0, slow=0),
        ClientMinute(deployment="v1", minute=8, client="old", requests=2, bad=2, slow=2),
    ]
    frozen = frozen_clients(rows, ARMS, frozenset({"old"}), counts_slow=True)
    assert frozen.minutes == {
        "errors": (counts(7, 1, 0, 1, 0), counts(8, 0, 1, 0, 0)),
        "slow": (counts(7, 1, 0, 1, 0), counts(8, 0, 1, 0, 0)),
    }
    assert frozen.clients == ("a", "b")
    assert [(share.canary, share.champion, share.percent) for share in frozen.shares] == [(1, 0, 10), (0, 1, 10)]


def test_weeks_are_compared_minute_by_minute_and_only_where_both_were_measured():
    now = [answered("v2", WEEK + 7, 100, 4), answered("v2", WEEK + 8, 90, 0), answered("v1", WEEK + 7, 1, 1)]
    before = [answered("v1", 7, 60, 1), answered("v0", 7, 30, 0), answered("v1", 9, 50, 0)]
    assert counts_weeks_apart(now, before, "v2", WEEK) == {
        "errors against the week before": (counts(WEEK + 7, 100, 90, 4, 1),)
    }
