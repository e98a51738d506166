"""Records golden histories of the looks at the audit log that are missing (tests/replay/recording.py)."""

from datetime import timedelta

from shared.adapters.audit_log.layout import entry_path
from tests.promotion.conftest import PromotionApp
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)
from tests.trust.attacks import remove

pytestmark = only_when_asked
_MORE_THAN_ONE_PART = 501


async def test_record_looks_that_take_two_parts_and_find_nothing(app: PromotionApp, seen: dict[str, str]) -> None:  # noqa: F811
    for number in range(_MORE_THAN_ONE_PART):
        app.clients.audit.append(f"key {number}", "moved", "churn:1", "ada", {})
    await app.pass_time(timedelta(days=1, hours=1))

    record("verify_log-parts", "verify_log", seen["verify-log"])


async def test_record_a_look_that_finds_something(app: PromotionApp, seen: dict[str, str]) -> None:  # noqa: F811
    for number in range(5):
        app.clients.audit.append(f"key {number}", "moved", "churn:1", "ada", {})
    await app.pass_time(timedelta(days=1, hours=1))
    remove(app, entry_path(3))
    await app.pass_time(timedelta(days=1))

    record("reread_log-broken", "reread_log", seen["reread-log"])
