"""Remove one condition that keeps values from who may not see data (decision 45), and a named test must fail."""

import pytest

from tests.amounts import sample
from tests.console import test_values_kept_apart as values
from tests.console.test_values_kept_apart import app  # noqa: F401 (fixture)
from tests.mutation.removal import Lock, expect_failure, remove

APART = values.test_a_marked_value_is_in_nothing_that_is_read_without_see_data
LOCKS = [
    Lock(
        symbol="run_records.sees_data",
        condition="request.clients.configuration.permissions.allows(request.caller, Action.SEE_DATA, place, team)",
        without="True",
        guard=APART,
    ),
    Lock(symbol="data_check._place", condition="rule in OWN_WORDS", without="True", guard=APART),
    Lock(symbol="status_urls._without_data", condition='name != "job_error"', without="True", guard=APART),
]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_condition_stands_where_it_is_named(lock: Lock) -> None:
    lock.changed()


@pytest.mark.long
@pytest.mark.parametrize("lock", sample(LOCKS, 1), ids=str)
async def test_a_removed_condition_is_noticed(
    app: values.ConsoleApp,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    lock: Lock,
) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, app=app, caplog=caplog, **lock.arguments)
