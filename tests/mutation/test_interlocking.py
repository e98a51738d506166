"""Remove one lock of the interlocking, and a named test must fail: the locks are not decoration.

Each case runs the test that stands guard over a line, with the line edited as it is imported.
"""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
RECEIPTS, SAGA = "tests/promotion/test_receipts.py", "tests/promotion/test_story.py"
QUIETLY = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist")
HOSTILE = "tests/promotion/test_hostile.py"
TRAINING = "tests/promotion/test_training_edge.py"

LOCKS = [
    # file, what stands there, what the careless would leave, the guard
    (
        "activities/moves.py",
        "    require_receipt(clients, order)\n",
        "",
        f"{RECEIPTS}::test_nothing_moves_without_a_receipt",
    ),
    (
        "activities/receipts.py",
        "if receipt is None or not clients.signer.verifies(signed_content(receipt), receipt.signature):",
        "if receipt is None:",
        f"{RECEIPTS}::test_a_forged_receipt_opens_nothing",
    ),
    (
        "activities/receipts.py",
        "    if wrong:\n",
        "    if False:\n",
        f"{RECEIPTS}::test_a_receipt_opens_no_other_stage_or_phase",
    ),
    (
        "activities/receipts.py",
        "    if failed and not override:\n",
        "    if False:\n",
        f"{RECEIPTS}::test_no_receipt_for_evidence_that_fails",
    ),
    (
        "activities/receipts.py",
        "    if found.standing is not Standing.APPROVED:\n",
        "    if False:\n",
        f"{RECEIPTS}::test_no_receipt_without_approvals",
    ),
    (
        "activities/receipts.py",
        "    refuse_changed_source(clients, order)\n",
        "",
        f"{RECEIPTS}::test_no_receipt_for_a_version_that_was_changed",
    ),
    (
        "activities/assessments.py",
        "    verdicts = judge(gates, evidence)\n",
        "    verdicts = ()\n",
        f"{SAGA}::test_a_better_one_replaces_the_champion_and_a_worse_one_is_held",
    ),
    (
        "orchestrators/promotion.py",
        "    if not assessed.passed:\n",
        "    if False:\n",
        f"{SAGA}::test_a_better_one_replaces_the_champion_and_a_worse_one_is_held",
    ),
    (
        "orchestrators/promotion.py",
        "            yield from _await_approvals(ctx, journey, at, pack)\n",
        "            pass\n",
        f"{SAGA}::test_a_first_model_climbs_to_the_registry_after_two_approvals",
    ),
    (
        "triggers/decisions.py",
        "at.stage.approvals\n    wrong = refuse_approval("
        "policy, body.role, person, request.requester, body.evidence, pack.digest, given)\n",
        'at.stage.approvals\n    wrong = ""\n',
        f"{HOSTILE}::test_who_does_not_hold_the_role_cannot_approve",
    ),
    (
        "shared/domain/promotion/approvals.py",
        " and each.oid != requester]",
        "]",
        "tests/unit/promotion/test_approvals.py::test_approvals",
    ),
    (
        "shared/domain/promotion/approvals.py",
        "each.evidence == evidence and ",
        "",
        "tests/unit/promotion/test_approvals.py::test_approvals",
    ),
    (
        "activities/movers/model.py",
        "        require_same(clients, plan, shelves)\n",
        "",
        f"{HOSTILE}::test_a_file_corrupted_on_its_way_is_found",
    ),
    (
        "activities/movers/entry.py",
        "        refuse_conflict(there, order.plan.digest, registry.name)\n",
        "",
        f"{HOSTILE}::test_a_version_that_the_registry_has_with_another_content_is_a_conflict",
    ),
    (
        "activities/movers/training.py",
        "    require_same_data(clients.hub, training)\n    output, model",
        "    output, model",
        f"{TRAINING}::test_data_that_change_are_not_trained_on[while it trains]",
    ),
    (
        "activities/movers/training.py",
        "    refuse_incomplete(model, order.plan.kind, bundle, ",
        "    str(",
        f"{TRAINING}::test_a_failed_run_and_an_incomplete_bundle_go_no_further",
    ),
    (
        "activities/receipts.py",
        "carried(clients, order) if phase is Phase.EXIT else order",
        "order",
        f"{TRAINING}::test_the_receipt_of_the_way_out_is_for_what_was_trained",
    ),
]


@pytest.mark.parametrize(
    ("file", "lock", "without", "guard"), LOCKS, ids=[f"{each[0]}:{n}" for n, each in enumerate(LOCKS)]
)
def test_a_removed_lock_is_noticed(tmp_path: Path, file: str, lock: str, without: str, guard: str) -> None:
    text = (PROJECT / file).read_text()
    assert text.count(lock) == 1, f"{file} has changed: bring this case up to date"
    careless = tmp_path / "careless.py"
    careless.write_text(text.replace(lock, without))
    module = file.removesuffix(".py").replace("/", ".")

    command = [sys.executable, "-m", "tests.mutation.otherwise", module, str(careless), *QUIETLY, guard]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=300)

    said = done.stdout[-2000:] + done.stderr[-2000:]
    assert done.returncode == 1, said
    assert "1 failed" in done.stdout, said
