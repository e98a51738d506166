"""Quotas in the records: exact where many ask at the same moment, and given back by what never began."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared import contracts as c
from shared.application.teams.announcements import TeamAnnouncer
from shared.application.teams.quotas import count_training, leave_room, take_room, uncount_training
from shared.config import load
from shared.domain.configuration import Configuration
from shared.domain.failures import Transient
from shared.domain.inference.runs import RunOutcome
from shared.domain.teams.quotas import RunUsage, TrainingUsage
from shared.records import paths, team_paths
from shared.records.inference import Member, RunRecord
from shared.records.retraining import RetrainingClaim
from shared.records.store import RecordStore
from tests.fakes.ports import MemoryAnnouncer, MemoryHub
from tests.two_teams import write_two_teams

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return load(write_two_teams(tmp_path_factory.mktemp("teams")))


@pytest.fixture
def store() -> RecordStore:
    return RecordStore(MemoryHub(lambda: NOW), "signalbox")


def a_run(
    configuration: Configuration, store: RecordStore, name: str, team: str = "churn", size: int = 10
) -> c.Inference:
    """A run of *team* that has pinned one file."""
    member = Member(container="landing", path="a.csv", etag="1", size=size, pinned="a.csv")
    store.create(paths.members(name), (member,))
    route = configuration.route(f"{team}-daily")
    return c.Inference(run=name, route=route, hub=configuration.hub, captures={}, date="2026-11-30")


def asked(configuration: Configuration, store: RecordStore, run: c.Inference) -> str:
    """`take_room`, asked again as a retried activity is."""
    for _ in range(20):
        try:
            return take_room(configuration, store, run, NOW)
        except Transient:
            continue
    raise AssertionError("it is never counted")


def test_a_burst_takes_exactly_the_room_there_is(configuration: Configuration, store: RecordStore) -> None:
    runs = [a_run(configuration, store, f"run-{number}") for number in range(24)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda run: asked(configuration, store, run), runs))

    admitted = [run.run for run, because in zip(runs, answers, strict=True) if not because]
    usage = store.get(RunUsage, team_paths.team_runs("churn"))
    assert len(admitted) == 2
    assert usage is not None
    assert set(usage.running) == set(admitted)
    waiting = {blob.path.rpartition("/")[2] for blob in store.blobs(team_paths.waiting_runs("churn"))}
    assert waiting == {run.run for run in runs} - set(admitted)


def test_the_room_of_a_run_is_given_to_one_other(configuration: Configuration, store: RecordStore) -> None:
    runs = [a_run(configuration, store, f"run-{number}") for number in range(4)]
    assert [bool(take_room(configuration, store, run, NOW)) for run in runs] == [False, False, True, True]

    assert leave_room(configuration, store, "churn-daily", "run-0")
    assert not leave_room(configuration, store, "churn-daily", "run-0")
    assert [bool(take_room(configuration, store, run, NOW)) for run in runs[1:]] == [False, False, True]


def test_a_team_without_quotas_is_not_counted(configuration: Configuration, store: RecordStore) -> None:
    runs = [a_run(configuration, store, f"run-{number}", team="vision") for number in range(4)]

    assert {take_room(configuration, store, run, NOW) for run in runs} == {""}
    assert list(store.blobs("teams/")) == []


def test_a_run_that_ended_while_its_route_was_another_teams_gives_its_room_back(
    configuration: Configuration, store: RecordStore
) -> None:
    first, second, third = (a_run(configuration, store, f"run-{number}") for number in range(3))
    for run in (first, second):
        assert take_room(configuration, store, run, NOW) == ""
    for run in (first, second):
        record = RunRecord(run=run.run, route=run.route.name, execution="x", opened="", inference=run)
        store.create(paths.run_record(run.run), replace(record, closed="", outcome=RunOutcome.COMPLETED))

    assert take_room(configuration, store, third, NOW) != ""
    assert take_room(configuration, store, third, NOW) == ""


def test_trainings_of_all_models_of_a_team_are_counted_together(
    configuration: Configuration, store: RecordStore
) -> None:
    rules = configuration.retrained("leavers")

    def begun(number: int) -> bool:
        for _ in range(20):
            try:
                return not count_training(configuration, store, rules, f"training-{number}", NOW).because
            except Transient:
                continue
        raise AssertionError("it is never counted")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(begun, range(20)))

    usage = store.get(TrainingUsage, team_paths.team_trainings("churn"))
    assert answers.count(True) == 3
    assert usage is not None
    assert len(usage.trainings) == 3


def test_a_training_that_never_began_uses_nothing(configuration: Configuration, store: RecordStore) -> None:
    rules = configuration.retrained("leavers")
    for name in ("a", "b", "c"):
        assert not count_training(configuration, store, rules, name, NOW).because
    uncount_training(configuration, store, "leavers", "c")
    assert not count_training(configuration, store, rules, "d", NOW).because
    request = c.RetrainingRun(run="a", rules=rules, hub=configuration.hub, causes=1, because="b")
    store.create(paths.retraining_part("a", "claim.json"), RetrainingClaim(request=request, causes=()))

    later = NOW + timedelta(hours=1)

    assert not count_training(configuration, store, rules, "e", later).because
    assert not count_training(configuration, store, rules, "f", later).because
    assert count_training(configuration, store, rules, "g", later).because


@pytest.mark.parametrize(
    ("data", "team"),
    [
        ({"route": "churn-daily", "model": "leavers:3"}, "churn"),
        ({"model": "defects:1"}, "vision"),
        ({"retrained": "defects", "model": None}, "vision"),
        ({"dataset": "vision-set", "version": "1"}, "vision"),
        ({"model": "nobodys:1"}, None),
        ({"key": "k"}, None),
    ],
)
def test_an_announcement_says_whose_it_is(configuration: Configuration, data, team) -> None:
    announcer = MemoryAnnouncer()

    TeamAnnouncer(announcer, configuration).announce("1", "Signalbox.Inference.Completed", "runs/1", data)

    assert announcer.events == [("1", "Signalbox.Inference.Completed", data | ({"team": team} if team else {}))]
