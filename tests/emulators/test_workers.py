"""Scoring workers: what a dead process costs, and what a script that cannot start says."""

import asyncio
from pathlib import Path

import pytest

from signalbox.emulators.azure_ml.batch.workers import WorkerPool
from signalbox.emulators.azure_ml.jobs import JobError

pytestmark = pytest.mark.xdist_group("azure-ml")  # Each worker would start a server of scoring processes.

DIES_ONCE = """
import os
from pathlib import Path

def run(files):
    mark = Path(__file__).with_name("died")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return [Path(name).name for name in files]
"""
ALWAYS_DIES = "import os\ndef run(files):\n    os.kill(os.getpid(), 9)\n"
CANNOT_START = "def init():\n    raise RuntimeError('no model here')\n"


def score(folder: Path, script: str, threshold: int) -> str:
    path, data = folder / "score.py", folder / "a.csv"
    path.write_text(script)
    data.write_text("x")
    pool = WorkerPool(folder, path, folder / "logs", timeout_s=20)
    made = asyncio.run(pool.score([[data]], folder / "out", 1, max_retries=1, error_threshold=threshold))
    return made.read_text()


def test_a_process_that_dies_costs_one_attempt_of_its_mini_batch(tmp_path: Path) -> None:
    assert score(tmp_path, DIES_ONCE, 0) == "a.csv\n"


def test_a_mini_batch_whose_process_always_dies_counts_against_the_threshold(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="1 files failed, more than the error threshold of 0"):
        score(tmp_path, ALWAYS_DIES, 0)


def test_a_script_that_cannot_start_fails_the_job_whatever_the_threshold(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no model here"):
        score(tmp_path, CANNOT_START, -1)


RAISES = "def run(files):\n    print('looking at', len(files))\n    raise ValueError('no column x')\n"


def test_what_a_script_prints_and_raises_is_kept_where_azure_keeps_it(tmp_path: Path) -> None:
    with pytest.raises(JobError):
        score(tmp_path, RAISES, 0)

    logs = tmp_path / "logs"
    errors = [(logs / "user" / name).read_text() for name in ("error.txt", "error/0/process000.txt")]
    assert all(text.rstrip().endswith("ValueError: no column x") for text in errors)
    assert "a.csv" in errors[0]
    assert (logs / "user/stdout/0/process000.stdout.txt").read_text() == "looking at 1\n" * 2
    assert "Traceback" in (logs / "user/stderr/0/process000.stderr.txt").read_text()
    assert (logs / "job_progress_overview.txt").read_text() == "task 0: 1 files failed\n"
