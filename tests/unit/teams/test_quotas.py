"""Quotas of a team, as pure decisions: what has room, what waits for which quota, and what never fits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.failures import Refused
from shared.domain.teams.ownership import Quotas, Team
from shared.domain.teams.quotas import (
    CountedTraining,
    RunUsage,
    TrainingUsage,
    admit_run,
    admit_training,
    without_run,
    without_training,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def team(**quotas: float) -> Team:
    return Team(name="churn", file="churn.yaml", quotas=Quotas(**quotas))  # type: ignore[arg-type]


class TestRuns:
    def test_a_run_beyond_the_quota_waits_and_hears_which_it_is(self) -> None:
        usage = RunUsage(running={"a": 1, "b": 1}, day="2026-11-30", bytes=2)

        verdict = admit_run(team(runs_at_once=2), usage, "c", 1, NOON)

        assert verdict.usage is None
        assert verdict.because == "quota teams.churn.quotas.runs_at_once is 2, and 2 runs are being scored"

    def test_a_run_that_is_in_already_stays_in_and_counts_once(self) -> None:
        usage = RunUsage(running={"a": 1, "b": 1}, day="2026-11-30", bytes=2)

        assert admit_run(team(runs_at_once=2, bytes_a_day=2), usage, "a", 1, NOON).usage == usage

    def test_bytes_count_for_the_day_after_their_run_has_ended(self) -> None:
        usage = without_run(RunUsage(running={"a": 60}, day="2026-11-30", bytes=60), "a")

        verdict = admit_run(team(bytes_a_day=100), usage, "b", 50, NOON)

        assert verdict.because == (
            "quota teams.churn.quotas.bytes_a_day is 100, 60 are used today, and the run's files have 50"
        )
        tomorrow = admit_run(team(bytes_a_day=100), usage, "b", 50, NOON + timedelta(hours=12))
        assert tomorrow.usage == RunUsage(running={"b": 50}, day="2026-12-01", bytes=50)

    def test_what_fits_in_no_day_is_refused(self) -> None:
        with pytest.raises(Refused, match=r"bytes_a_day is 100, and the run's files have 101 bytes: no day has room"):
            admit_run(team(bytes_a_day=100), RunUsage(), "a", 101, NOON)

    def test_a_clock_that_went_back_gives_no_second_day(self) -> None:
        usage = RunUsage(day="2026-12-01", bytes=100)

        assert admit_run(team(bytes_a_day=100), usage, "a", 1, NOON).because

    @given(
        quota=st.integers(min_value=1, max_value=5),
        limit=st.integers(min_value=50, max_value=200),
        steps=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 50), st.booleans()), max_size=60),
    )
    def test_no_order_of_starts_and_ends_gets_over_a_quota(self, quota, limit, steps) -> None:
        usage, owner = RunUsage(), team(runs_at_once=quota, bytes_a_day=limit)
        for run, size, ends in steps:
            if ends:
                usage = without_run(usage, str(run))
            else:
                usage = admit_run(owner, usage, str(run), size, NOON).usage or usage
            assert len(usage.running) <= quota
            assert usage.bytes <= limit


class TestTrainings:
    def test_a_training_beyond_the_quota_of_a_day_waits_until_midnight(self) -> None:
        usage = TrainingUsage(trainings=tuple(CountedTraining(run=name, at=NOON) for name in "ab"))

        verdict = admit_training(team(retrainings_a_day=2), usage, "c", 0, NOON)

        assert verdict.usage is None
        assert verdict.because == "quota teams.churn.quotas.retrainings_a_day is 2, and 2 have begun today"
        assert verdict.until == datetime(2026, 12, 1, tzinfo=UTC)
        assert admit_training(team(retrainings_a_day=2), usage, "c", 0, verdict.until).usage is not None

    def test_hours_come_back_when_the_oldest_training_is_thirty_days_old(self) -> None:
        trainings = tuple(
            CountedTraining(run=str(day), at=NOON - timedelta(days=day), hours=4.0) for day in (20, 10, 1)
        )

        verdict = admit_training(team(training_hours=15), TrainingUsage(trainings=trainings), "new", 7.0, NOON)

        assert verdict.because == (
            "quota teams.churn.quotas.training_hours is 15, 12 are used within 30 days, and a training may take 7"
        )
        assert verdict.until == NOON + timedelta(days=10)
        after = admit_training(team(training_hours=15), TrainingUsage(trainings=trainings), "new", 7.0, verdict.until)
        assert after.usage is not None
        assert len(after.usage.trainings) == 3

    def test_a_training_longer_than_the_quota_is_refused(self) -> None:
        with pytest.raises(Refused, match=r"training_hours is 3, and one training is estimated at 4: no waiting"):
            admit_training(team(training_hours=3), TrainingUsage(), "a", 4.0, NOON)

    def test_one_that_never_began_gives_its_room_back(self) -> None:
        usage = admit_training(team(retrainings_a_day=1), TrainingUsage(), "a", 0, NOON).usage
        assert usage is not None

        assert admit_training(team(retrainings_a_day=1), without_training(usage, "a"), "b", 0, NOON).usage

    @given(
        st.lists(
            st.tuples(st.integers(0, 9), st.integers(0, 100), st.integers(1, 30)).map(
                lambda step: (str(step[0]), NOON + timedelta(hours=step[1]), step[2] / 10)
            ),
            max_size=40,
        ).map(lambda steps: sorted(steps, key=lambda step: step[1]))
    )
    def test_no_order_gets_over_a_quota(self, steps) -> None:
        usage, owner = TrainingUsage(), team(retrainings_a_day=2, training_hours=12)
        for run, at, hours in steps:
            usage = admit_training(owner, usage, run, hours, at).usage or usage
            days = [own.at.date() for own in usage.trainings]
            assert max(map(days.count, days), default=0) <= 2
            assert round(sum(own.hours for own in usage.trainings), 6) <= 12
