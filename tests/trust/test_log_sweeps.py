"""The app verifies its own audit log, and tells of each finding once, also where the log takes no entry any more."""

from datetime import timedelta

from shared.adapters.audit_log.layout import entry_path, head_path, subject_path
from shared.operations.doctor.checks.app import audit_log
from shared.operations.doctor.findings import Grade
from shared.records.operations import log_findings
from tests.promotion.conftest import PromotionApp
from tests.trust.attacks import blobs, plant, remove

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
