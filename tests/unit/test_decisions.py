"""Small decisions as tables: job states, polling, windows, rows, ids, the codec."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codec import UndecodableError, decode, encode
from shared.domain import identity
from shared.domain.inference.arrivals import Arrival
from shared.domain.inference.routes import OnMissingRows, Window
from shared.domain.inference.runs import JobState, RowCount, RunOutcome, job_state, judge_rows, poll_delay_s
from shared.domain.inference.windows import WaitingFiles, WindowAction, judge_window


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Completed", JobState.COMPLETED),
        ("Failed", JobState.FAILED),
        ("NotResponding", JobState.FAILED),
        ("Canceled", JobState.CANCELLED),
        ("CancelRequested", JobState.ACTIVE),
        ("Running", JobState.ACTIVE),
        ("a status of next year", JobState.ACTIVE),
    ],
)
def test_job_states(status, state):
    assert job_state(status) is state


def test_polling_backs_off_to_ten_minutes_and_differs_between_jobs():
    delays = [poll_delay_s(poll, "run-1") for poll in range(40)]

    assert delays[0] <= 1
    assert 480 <= delays[-1] <= 600
    assert delays == [poll_delay_s(poll, "run-1") for poll in range(40)]
    assert delays != [poll_delay_s(poll, "run-2") for poll in range(40)]


@pytest.mark.parametrize(
    ("files", "youngest", "oldest", "move"),
    [
        (0, 0, 0, WindowAction.EMPTY),
        (3, 1, 1, WindowAction.WAIT),
        (3, 10, 12, WindowAction.CLOSE),
        (3, 1, 60, WindowAction.CLOSE),
        (5, 0, 0, WindowAction.CLOSE),
    ],
)
def test_windows(files, youngest, oldest, move):
    window = Window(quiet_s=10, longest_s=60, files=5)

    assert judge_window(WaitingFiles(files=files, youngest_s=youngest, oldest_s=oldest), window).move is move


@pytest.mark.parametrize(
    ("rows_in", "rows_out", "policy", "outcome"),
    [
        (5, 5, OnMissingRows.FAIL, RunOutcome.COMPLETED),
        (5, 4, OnMissingRows.FAIL, RunOutcome.FAILED),
        (5, 4, OnMissingRows.PARTIAL, RunOutcome.PARTIAL),
        (5, 0, OnMissingRows.PARTIAL, RunOutcome.FAILED),
        (5, 6, OnMissingRows.PARTIAL, RunOutcome.FAILED),
    ],
)
def test_rows(rows_in, rows_out, policy, outcome):
    assert judge_rows(RowCount(rows_in=rows_in, rows_out=rows_out), policy)[0] is outcome


@pytest.mark.parametrize(
    ("threshold", "suspect"),
    [
        (0, "the scoring script returned fewer rows"),
        (3, "up to 3 files may fail"),
        (-1, "any number of files may fail"),
        (None, "as many files as the deployment says may fail"),
    ],
)
@pytest.mark.parametrize("policy", list(OnMissingRows))
def test_missing_rows_are_explained_by_the_error_threshold(threshold, suspect, policy):
    because = judge_rows(RowCount(rows_in=10, rows_out=9), policy, threshold)[1]

    assert suspect in because
    assert because.endswith("the scoring script returned fewer rows than it read")


TEXT = st.text(max_size=300)


@given(TEXT, TEXT, TEXT)
def test_ids_are_short_printable_and_the_same_for_the_same_content(path, etag, route):
    arrival = Arrival(account="datahub", container="landing", path=path, etag=etag)
    run = identity.run_id(route, [identity.arrival_id(arrival)])

    assert run == identity.run_id(route, [identity.arrival_id(arrival)])
    for made in (run, identity.wait_id(run), identity.adrift_id(run), identity.job_name(run)):
        assert len(made) <= 100
        assert made.isascii()
        assert made.isprintable()
        assert not set(made) & set("/\\#?")


def test_attempts_are_numbered():
    first = identity.run_id("nightly", ["a"])

    assert identity.attempt_of(identity.next_attempt(first)) == 2
    assert identity.run_id("nightly", ["a", "b"]) == identity.run_id("nightly", ["b", "a"])
    assert identity.digest("ab", "c") != identity.digest("a", "bc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    name: str
    moves: tuple[WindowAction, ...] = ()
    inner: "Small | None" = None
    counts: dict[str, int] | None = None
    share: float = 0.0


def test_what_crosses_the_boundary_comes_back_equal_and_plain():
    value = Small(name="a", moves=(WindowAction.CLOSE,), inner=Small(name="b"), counts={"x": 1}, share=0.5)
    plain = json.loads(json.dumps(encode(value)))

    assert decode(Small, plain | {"from_a_later_version": 1}) == value


@pytest.mark.parametrize(
    ("raw", "where"),
    [({}, "Small.name is missing"), ({"name": 1}, "Small.name"), ({"name": "a", "moves": ["fly"]}, "Small.moves[0]")],
)
def test_what_does_not_decode_is_named(raw, where):
    with pytest.raises(UndecodableError) as refused:
        decode(Small, raw)

    assert where in str(refused.value)
