"""The conditions by which own functions and output contracts are believed: without one, a test fails."""

from pathlib import Path

import pytest

from tests.inference import test_held_output
from tests.inference.conftest import InferenceApp, sweeps  # noqa: F401 (a fixture)
from tests.inference.test_held_output import app  # noqa: F401 (a fixture)
from tests.mutation.removal import Lock, expect_failure, remove
from tests.unit.data import test_project_rules
from tests.unit.gates import test_project_gates

LOCKS = [
    Lock(
        symbol="ProjectFunctionProcesses._source",
        condition="function.source and digest_of(source) != function.source",
        without="False",
        guard=test_project_gates.test_a_file_that_has_changed_or_gone_is_not_asked,
    ),
    Lock(
        symbol="check_files",
        condition="if contract.rules",
        without="False",
        guard=test_project_rules.test_a_rule_names_the_rows_that_break_it_and_its_source_is_on_record,
    ),
]
HOLDS = [
    Lock(
        symbol="inference._score",
        condition="not output_verdict.passed",
        without="False",
        guard=test_held_output.test_silence_publishes_nothing,
    ),
    Lock(
        symbol="inference._await_release",
        condition="is_released(orders)",
        without="True",
        guard=test_held_output.test_silence_publishes_nothing,
    ),
    Lock(
        symbol="inference._hold_output",
        condition='attrgetter("output_released")',
        without='attrgetter("released")',
        guard=test_held_output.test_the_release_of_data_is_none_of_the_output,
    ),
    Lock(
        symbol="inference.runs._order",
        condition='kind == "release-output" and not await asyncio.to_thread(_is_held, request.clients, record)',
        without="False",
        guard=test_held_output.test_the_release_of_data_is_none_of_the_output,
    ),
]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
async def test_a_removed_condition_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Lock) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, tmp_path=tmp_path)


@pytest.mark.parametrize("lock", HOLDS, ids=str)
async def test_a_removed_hold_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
    app: InferenceApp,  # noqa: F811 (the fixture)
    lock: Lock,
) -> None:
    remove(monkeypatch, lock)

    await expect_failure(lock.guard, app=app)
