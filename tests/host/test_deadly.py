"""An activity that ends the host's whole process is not tried for ever, and nobody else is blamed for it."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalbox.host.durable.attempts import Attempts, Strikes
from signalbox.host.durable.model import ActivityRow
from signalbox.host.state_folder.last_words import LastWords
from tests.host.process import Process, post, wait_until

APP = Path(__file__).parent / "apps" / "deadly"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    running = Process(APP, tmp_path)
    yield running
    running.close()


def begin(process: Process, *work: str) -> None:
    """Start an instance that runs *work* at once; the process may be gone before it answers."""
    url = process.start()
    try:
        assert post(f"{url}/api/start/one", json.dumps(work).encode()) == 202
    except OSError:
        assert process.rows("SELECT instance_id FROM instances") == [("one",)]


def outcome(process: Process) -> list[str]:
    """What the instance answered, once it has."""

    def rows() -> list[tuple[str, ...]]:
        return process.rows("SELECT status, output FROM instances WHERE status <> 'Running' AND status <> 'Pending'")

    wait_until(lambda: bool(rows()))
    [(status, output)] = rows()
    assert status == "Completed"
    answers: list[str] = json.loads(output)
    return answers


def test_an_activity_that_faults_is_failed_after_two_ends_and_its_neighbours_finish(process: Process) -> None:
    begin(process, "slow1", "fault", "slow2")
    assert process.wait() == -signal.SIGSEGV
    process.start()
    assert process.wait() == -signal.SIGSEGV
    process.start()
    first, failure, second = outcome(process)
    assert (first, second) == ("slow1", "slow2")
    assert "it ended its process 2 times" in failure
    assert "Segmentation fault" in failure
    assert process.counted()["fault"] == 2  # Its policy allows two tries; the second is refused, not run.
    assert process.end(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    ("how", "code", "reason"),
    [
        ("exit", 3, "os._exit(3) was called"),
        ("kill", -signal.SIGKILL, "the process sent SIGKILL to itself"),
    ],
)
def test_an_activity_that_leaves_is_failed_with_the_reason(process: Process, how: str, code: int, reason: str) -> None:
    begin(process, how)
    assert process.wait() == code
    process.start()
    assert process.wait() == code
    process.start()
    [failure] = outcome(process)
    assert reason in failure
    assert process.counted() == {how: 2}


def test_a_host_that_is_killed_from_outside_blames_nobody(process: Process) -> None:
    begin(process, "slow1")
    for starts in range(1, 4):
        wait_until(lambda starts=starts: process.counted()["slow1"] == starts)
        process.end(signal.SIGKILL)
        process.start()
    assert outcome(process) == ["slow1"]


def row(number: int, task: int = 0) -> ActivityRow:
    return ActivityRow(id=number, instance_id="i", execution_id="e", task_id=task, name="a", input=str(number))


def crash(folder: Path, cause: str | None, *running: ActivityRow) -> Attempts:
    """The marks as the next host finds them after one that ended while *running* ran."""
    attempts = Attempts(folder)
    attempts.begin(running)
    attempts.close()
    after = Attempts(folder)
    after.recover(cause)
    return after


def test_all_that_ran_are_suspects_once_and_only_the_one_that_ran_alone_is_convicted(tmp_path: Path) -> None:
    crash(tmp_path, "a fault", row(1), row(2)).close()
    attempts = crash(tmp_path, "a fault", row(1), row(2), row(3))
    assert [attempts.strikes(row(n)).is_suspect for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert not any(attempts.strikes(row(n)).is_convicted for n in (1, 2, 3))
    attempts.close()

    attempts = crash(tmp_path, "a fault", row(1))
    assert [attempts.strikes(row(n)).is_convicted for n in (1, 2)] == [True, False]
    attempts.begin([row(2)])
    attempts.end(row(2), finished=True)
    assert not attempts.strikes(row(2)).is_suspect
    attempts.close()


def test_kills_without_a_cause_convict_late_and_only_alone(tmp_path: Path) -> None:
    strikes = Strikes()
    for _ in range(40):
        strikes = strikes.after(None, alone=False)
    assert (strikes.is_suspect, strikes.is_convicted) == (True, False)
    for _ in range(16):
        strikes = strikes.after(None, alone=True)
    assert not strikes.is_convicted
    strikes = strikes.after(None, alone=True)
    assert strikes.is_convicted
    assert "killed 20 times while it ran" in str(strikes)


def test_a_clean_stop_counts_nothing_and_keeps_what_is_known(tmp_path: Path) -> None:
    attempts = crash(tmp_path, "a fault", row(1))
    attempts.begin([row(1)])
    attempts.end(row(1), finished=False)
    attempts.close()
    assert crash(tmp_path, "a fault").strikes(row(1)) == Strikes(faults=1, cause="a fault")


def test_a_damaged_file_of_attempts_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "attempts.db").write_bytes(b"no database" * 100)
    attempts = Attempts(tmp_path)
    assert attempts.strikes(row(1)) == Strikes()
    attempts.close()


def test_last_words_are_taken_once(tmp_path: Path) -> None:
    (tmp_path / "last-words.txt").write_text("Fatal Python error: Aborted\n\nThread 0x1\n")
    words = LastWords(tmp_path)
    assert words.take() == "Fatal Python error: Aborted"
    assert words.take() is None
    (tmp_path / "last-words.txt").touch()
    assert words.take() is None
