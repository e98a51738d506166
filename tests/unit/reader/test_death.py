"""Whatever ends a reader process is a finding on the file that it read; the app and the other files go on."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.adapters.reader.checks import check_files
from shared.adapters.reader.files import TableFile
from shared.domain.failures import Transient
from tests.data_contracts import parse_contract

CONTRACT = parse_contract({"format": "csv", "columns": [{"name": "x", "type": "integer"}]})
PROJECT = Path(__file__).parents[3]
GOOD = b"x\n1\n"


def table(name, data=GOOD, when_read=lambda: None):
    class Stream(io.BytesIO):
        def read(self, size=-1):
            when_read()
            return super().read(size)

    return TableFile(name=name, open=lambda: Stream(data))


def pid_of(pool):
    """The process that waits."""
    return pool._warm[-1].pid


@pytest.fixture
def warm(pools):
    pool = pools()
    assert check_files([table("first")], CONTRACT, pool=pool).outcome == "passed"
    return pool


def test_one_warm_process_answers_again_and_again(warm):
    before = pid_of(warm)
    for _ in range(3):
        assert check_files([table("again")], CONTRACT, pool=warm).outcome == "passed"

    assert pid_of(warm) == before


def overlap(pool):
    """Two checks at once, each of which waits for the other."""
    both = threading.Barrier(2, timeout=30)
    waited = threading.local()

    def meet():
        if not getattr(waited, "is_over", False):
            waited.is_over = True
            both.wait()

    with ThreadPoolExecutor(2) as threads:
        reports = threads.map(lambda name: check_files([table(name, when_read=meet)], CONTRACT, pool=pool), ("a", "b"))
        assert [report.outcome for report in reports] == ["passed", "passed"]


def test_checks_that_overlap_find_their_processes_again(warm):
    overlap(warm)
    before = {reader.pid for reader in warm._warm}
    overlap(warm)

    assert len(before) == 2
    assert {reader.pid for reader in warm._warm} == before


def test_a_process_that_nobody_has_needed_for_long_is_ended(warm, monkeypatch):
    overlap(warm)
    old, used = warm._warm
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)

    assert check_files([table("again")], CONTRACT, pool=warm).outcome == "passed"

    assert warm._warm == [used]
    assert not psutil.pid_exists(old.pid)


def test_a_caller_that_has_read_what_it_wanted_leaves_the_process_to_the_next(warm):
    before = pid_of(warm)
    answer = warm.stream("read_cells", [table("small")])
    next(answer)
    answer.close()

    assert pid_of(warm) == before
    assert check_files([table("again")], CONTRACT, pool=warm).outcome == "passed"


def test_a_reader_asks_for_a_megabyte_and_not_for_each_piece_of_it(warm):
    readings = []
    large = table("large", GOOD * 100_000, lambda: readings.append(1))

    answer = [message.get("part") or message["end"] for message, _ in warm.stream("read_cells", [large])]

    assert sum(len(part["rows"]) for part in answer) == 200_000
    assert len(readings) <= 2  # One for what is there, and one for the end.


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_signal_is_a_finding_on_its_file_and_the_others_are_read(warm, number):
    reader = pid_of(warm)
    killed = []

    def kill():
        if not killed:
            killed.append(os.kill(reader, number))

    report = check_files([table("a"), table("b", when_read=kill), table("c", b"x\nno\n")], CONTRACT, pool=warm)

    assert report.summary == (
        f"readable: file: cannot be read (b: its reader was ended by signal {number} ({number.name}))",
        "type: column x: 1 value is not of the column's type (c row 1)",
    )
    assert report.rows_per_file == {"a": 1, "b": 0, "c": 1}


def test_a_process_that_died_while_it_waited_is_replaced(warm):
    os.kill(pid_of(warm), signal.SIGKILL)
    warm._warm[0]._process.wait()

    assert check_files([table("next")], CONTRACT, pool=warm).outcome == "passed"


def test_a_fault_of_the_hub_is_no_finding(warm):
    def fail():
        raise Transient("the hub is busy")

    with pytest.raises(Transient, match="the hub is busy"):
        check_files([table("a", when_read=fail)], CONTRACT, pool=warm)
    assert check_files([table("b")], CONTRACT, pool=warm).outcome == "passed"


def parquet(column, **options):
    stream = io.BytesIO()
    pq.write_table(pa.table({"x": column}), stream, **options)
    return stream.getvalue()


def test_a_small_file_that_unfolds_to_more_memory_than_there_is_is_a_finding(pools):
    large = pa.DictionaryArray.from_arrays(pa.array([0] * 60_000, pa.int32()), pa.array(["x" * 10_000_000]))
    bomb = parquet(large, compression="zstd")
    contract = parse_contract({"format": "parquet", "keys": ["x"], "columns": [{"name": "x", "type": "string"}]})
    assert len(bomb) < 100_000

    report = check_files([table("bomb", bomb)], contract, pool=pools(memory_mb=400))

    assert report.outcome == "failed"
    assert report.findings[0].rule == "readable"


def test_a_reader_that_does_not_come_back_is_ended(pools):
    pool = pools(seconds=0.5)
    assert check_files([table("a")], CONTRACT, pool=pool).outcome == "passed"
    reader = pid_of(pool)
    report = check_files([table("b", when_read=lambda: os.kill(reader, signal.SIGSTOP))], CONTRACT, pool=pool)

    assert report.summary[0] == "readable: file: cannot be read (b: reading it took longer than 0.5 s)"


def test_a_reader_gets_no_setting_of_the_app(warm, monkeypatch):
    monkeypatch.setenv("SIGNALBOX_SECRETS_KEY", "secret")
    warm.close()
    check_files([table("a")], CONTRACT, pool=warm)

    environment = Path(f"/proc/{pid_of(warm)}/environ").read_bytes()
    assert {entry.partition(b"=")[0].decode() for entry in environment.split(b"\0") if entry} <= {
        "PATH",
        "LD_LIBRARY_PATH",
        "LANG",
        "LC_ALL",
        "TZ",
        "PYTHONPATH",
        "ARROW_DEFAULT_MEMORY_POOL",
        "OPENBLAS_NUM_THREADS",
        "MALLOC_ARENA_MAX",
    }


def test_a_reader_ends_with_the_app(tmp_path):
    """Even where the app is killed and says nothing."""
    program = (
        "import io, os, sys, signal\n"
        "from shared.adapters.reader.checks import check_files\n"
        "from shared.adapters.reader.files import TableFile\n"
        "from shared.adapters.reader.pool import readers\n"
        "from tests.data_contracts import parse_contract\n"
        "contract = parse_contract({'format': 'csv', 'columns': [{'name': 'x', 'type': 'integer'}]})\n"
        "check_files([TableFile(name='a', open=lambda: io.BytesIO(b'x\\n1\\n'))], contract)\n"
        "print(readers()._warm[0].pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT)

    assert gone(int(done.stdout), within_s=20)


def gone(process, within_s):
    """Whether *process* ends in time; one that has ended and that nobody has taken note of counts as gone."""
    for _ in range(within_s * 10):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        threading.Event().wait(0.1)
    return False
