"""The app verifies its own audit log, and tells of each finding once, also where the log takes no entry any more."""

import asyncio
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.audit_log.layout import entry_path, head_path, subject_path
from shared.operations.doctor.checks.app import audit_log
from shared.operations.doctor.findings import Grade
from shared.records.operations import log_findings
from tests.fakes.ports import OPERATOR_KEY
from tests.promotion.conftest import PromotionApp
from tests.trust.attacks import blobs, plant, remove

PROJECT = Path(__file__).parents[2]
BROKEN = "Signalbox.AuditLog.Broken"


async def filled(app: PromotionApp, days: int = 1) -> int:
    """How long the log is once it has been verified."""
    for number in range(5):
        app.clients.audit.append(f"key {number}", "moved", "churn:1", "ada", {})
    await app.pass_time(timedelta(days=days))
    return len(list(app.clients.audit.entries()))


def announced(app: PromotionApp) -> int:
    return app.clients.announcer.kinds.count(BROKEN)  # type: ignore[attr-defined]


def logged(app: PromotionApp) -> int:
    return sum(entry.kind == "audit log broken" for entry in app.clients.audit.entries())


def grades(app: PromotionApp) -> list[Grade]:
    return [finding.grade for finding in audit_log(app.clients)]


async def test_a_whole_log_is_verified_without_a_word(app: PromotionApp) -> None:
    await filled(app, days=3)
    assert (announced(app), logged(app), grades(app)) == (0, 0, [Grade.OK])


async def test_a_removed_name_is_told_of_once_and_the_doctor_shows_it_until_it_is_mended(app: PromotionApp) -> None:
    await filled(app)
    remove(app, subject_path("churn:1", 3))

    await app.pass_time(timedelta(days=1))

    assert (announced(app), logged(app), grades(app)) == (1, 1, [Grade.BROKEN])
    assert [*log_findings(app.clients.store).findings] == [
        "entry 3 is not found by its model: `history` would not tell all"
    ]
    await app.pass_time(timedelta(days=3))
    assert (announced(app), logged(app), grades(app)) == (1, 1, [Grade.OK])


async def test_a_planted_name_is_told_of_once_as_long_as_it_lies_there(app: PromotionApp) -> None:
    await filled(app)
    plant(app, subject_path("another:1", 3), b"")
    await app.pass_time(timedelta(days=4))
    assert (announced(app), logged(app), grades(app)) == (1, 1, [Grade.BROKEN])


async def test_a_planted_ledger_or_statement_keeps_no_finding_quiet(app: PromotionApp) -> None:
    await filled(app)
    remove(app, entry_path(3))
    await app.pass_time(timedelta(days=1))
    (statement,) = blobs(app, "audit-findings/")
    plant(app, statement, b"{}")
    await app.pass_time(timedelta(days=1))
    assert (announced(app), logged(app), len(blobs(app, "audit-findings/"))) == (2, 1, 2)
    await app.pass_time(timedelta(days=2))
    assert (announced(app), logged(app)) == (2, 1)


async def test_a_log_that_takes_no_entry_any_more_is_told_of_once_all_the_same(app: PromotionApp) -> None:
    size = await filled(app)
    remove(app, entry_path(size), head_path(size))
    plant(app, head_path(size), b"{}")
    await app.pass_time(timedelta(days=2))
    findings = announced(app)
    await app.pass_time(timedelta(days=3))
    assert findings == announced(app) > 0
    assert Grade.BROKEN in grades(app)


@pytest.mark.proof
async def test_a_pipeline_that_keeps_the_head_outside_finds_a_cut(app: PromotionApp, tmp_path: Path) -> None:
    """Three runs of which each has what the one before kept."""
    tools = Path(sys.executable).parent
    environment = {
        **os.environ,
        "SIGNALBOX_URL": app.host.url,
        "SIGNALBOX_KEY": OPERATOR_KEY,
        "PATH": f"{tools}:{os.environ['PATH']}",
    }

    async def run(number: int) -> int:
        folder = tmp_path / str(number)
        folder.mkdir()
        before = tmp_path / str(number - 1) / "after"
        if before.exists():
            shutil.copytree(before, folder / "before")
        command = ["bash", PROJECT / "pipelines" / "keep-audit-head.sh"]
        outcome = await asyncio.to_thread(subprocess.run, command, cwd=folder, env=environment, check=False)
        return outcome.returncode

    size = await filled(app)
    first = await run(1)
    app.clients.audit.append("later", "moved", "churn:1", "ada", {})
    second = await run(2)
    remove(app, entry_path(size + 1), head_path(size + 1), entry_path(size), head_path(size))
    app.clients.audit._hint = None  # type: ignore[attr-defined]  # A process that has just started.
    third = await run(3)

    kept = [(tmp_path / number / "after" / "head.txt").read_text() for number in "12"]
    assert (first, second) == (0, 0)
    assert [head.partition(":")[0] for head in kept] == [str(size), str(size + 1)]
    assert third != 0
    assert not (tmp_path / "3" / "after" / "head.txt").exists()
