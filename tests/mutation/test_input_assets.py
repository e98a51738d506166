"""The conditions by which an input is registered once and no prediction waits for it: without one, a test fails."""

import pytest

from tests.inference import test_input_assets as stories
from tests.inference.conftest import sweeps  # noqa: F401 (a fixture)
from tests.inference.test_input_assets import AssetApp, app  # noqa: F401 (a fixture)
from tests.mutation.removal import Guard, Lock, expect_failure, remove


def lock(symbol: str, condition: str, without: str, guard: Guard) -> Lock:
    return Lock(symbol=symbol, condition=condition, without=without, guard=guard)


LOCKS = [
    lock(
        "inference._wait",
        "not request.route.input_asset",
        "False",
        stories.test_a_route_that_asks_for_none_registers_none,
    ),
    lock(
        "inference._wait",
        "if not is_settled",
        "False",
        stories.test_an_outage_that_ends_before_the_job_does_delays_only_the_registration,
    ),
    lock(
        "register_input",
        "if not registration.last",
        "True",
        stories.test_an_outage_that_lasts_is_named_and_the_next_attempt_registers,
    ),
    lock(
        "_registered_before",
        'earlier.asset.partition(":")[0] == request.route.input_asset',
        "True",
        stories.test_another_attempt_at_the_same_files_makes_no_other_version,
    ),
    lock(
        "inference.files._keep",
        "not clients.hub.copy(pinned_file, staging, target, marks)",
        "not [clients.hub.copy(pinned_file, staging, target, marks)]",
        stories.test_a_pinned_file_that_is_gone_is_named_and_no_part_is_registered,
    ),
]


@pytest.mark.parametrize("case", LOCKS, ids=str)
async def test_without_the_condition_a_version_is_missing_or_one_too_many(
    case: Lock,
    app: AssetApp,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove(monkeypatch, case)
    await expect_failure(case.guard, app=app, monkeypatch=monkeypatch)
