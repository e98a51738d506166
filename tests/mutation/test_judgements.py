"""Remove one condition from a judgement that a table describes, and a row of the table must fail."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.drift.test_outside import test_what_is_no_cause_says_why as told
from tests.mutation.removal import remove
from tests.promotion.test_four_eyes import test_people_are_told_apart_by_tenant_and_object_id as told_apart
from tests.unit.gates.test_better_than_champion import test_it_is_decided_on_the_interval as compared
from tests.unit.gates.test_better_than_champion import test_no_slice_may_lose_more_than_allowed as sliced
from tests.unit.gates.test_checks import test_each_gate_has_its_outcomes as gated
from tests.unit.gates.test_checks import test_nan_never_passes as finite
from tests.unit.promotion.test_approvals import test_approvals as judged
from tests.unit.promotion.test_approvals import test_who_may_approve as accepted
from tests.unit.retraining.test_decision import test_decisions as decided
from tests.unit.test_permissions import test_a_limited_permission_counts_in_its_places_alone as placed
from tests.unit.test_permissions import test_no_machine_decides as persons_only
from tests.unit.test_permissions import test_whom_a_token_names as claimed

Table = Callable[..., None]
APPROVALS, DECISION, OUTSIDE = (
    f"shared/domain/{name}.py" for name in ("promotion/approvals", "retraining/decision", "drift/outside")
)
PERMISSIONS, PEOPLE = "shared/domain/access/permissions.py", "shared/domain/promotion/people.py"
CLAIMS = "shared/adapters/entra/token_claims.py"
CHECKS, CHAMPION, GATES = (f"shared/domain/gates/{name}.py" for name in ("checks", "champion", "registry"))
CONDITIONS: list[tuple[str, str, str, Table]] = [
    (APPROVALS, "if not askers.include(each, each.name)]", "]", judged),
    (APPROVALS, "not each.withdrawn and each.evidence == evidence]", "not each.withdrawn]", judged),
    (APPROVALS, "if not each.withdrawn and each.evidence", "if each.evidence", judged),
    (APPROVALS, "    alive = [each for each in alive if each.at < deadline]\n", "", judged),
    (APPROVALS, "    if rejections:\n", "    if False:\n", judged),
    (APPROVALS, "    if not missing:\n", "    if True:\n", judged),
    (APPROVALS, " if not any(same_person(each, before) for before in counted)]", "]", judged),
    (APPROVALS, "    if wanted is None:\n", "    if False:\n", accepted),
    (
        APPROVALS,
        "    if not any(person.fills(each) for each in policy.speakers(wanted)):\n",
        "    if False:\n",
        accepted,
    ),
    (APPROVALS, "    if askers.include(person, person.name):\n", "    if False:\n", accepted),
    (APPROVALS, "    if shown != evidence:\n", "    if False:\n", accepted),
    (APPROVALS, "    if other is not None:\n", "    if False:\n", accepted),
    (PERMISSIONS, " or (bool(place) and place in places)", " or place in (*places, '')", placed),
    (PERMISSIONS, "if action in PEOPLE_ONLY and caller.kind is not CallerKind.PERSON:", "if False:", persons_only),
    (CLAIMS, "    if issued_in != tenant:\n", "    if False:\n", claimed),
    (CLAIMS, "    if not machine and not application:\n", "    if False:\n", claimed),
    (PEOPLE, "(same_tenant and one.oid == other.oid)", "one.oid == other.oid", told_apart),
    (PEOPLE, " or bool(set(one.mails) & set(other.mails))", "", told_apart),
    (DECISION, "    if state.in_flight:\n", "    if False:\n", decided),
    (DECISION, "_debounced(state) or _refused", "_refused", decided),
    (
        DECISION,
        "_still(limits.longest_debounce_s, state.now, oldest)",
        "_left(limits.debounce_s, newest - newest)",
        decided,
    ),
    (DECISION, "if past and limits.min_interval_s:", "if False:", decided),
    (DECISION, "if limits.runs and len(past) >= limits.runs:", "if False:", decided),
    (DECISION, "    if state.rules.budget.amount:\n", "    if False:\n", decided),
    (DECISION, "if rules.budget.amount and rules.estimate > rules.budget.amount:", "if False:", decided),
    (DECISION, "    if value >= wanted:\n", "    if True:\n", decided),
    (DECISION, "{cause.kind for cause in causes}", "[cause.kind for cause in causes]", decided),
    (DECISION, "not rules.worth.by_kind or _asked(state)", "not rules.worth.by_kind", decided),
    (DECISION, "if limits.champion_age_s and state.champion_since", "if False", decided),
    (DECISION, "state.champion_since and not _asked(state):", "state.champion_since:", decided),
    (DECISION, "timedelta() if since - now > timedelta(seconds=limit_s) else ", "", decided),
    (DECISION, "max(timedelta(), now - then)", "now - then", decided),
    (DECISION, "max(lasting, key", "min(lasting, key", decided),
    (GATES, "    if unknown:\n", "    if False:\n", finite),
    (CHECKS, '    if test.outcome != "passed":\n', "    if False:\n", gated),
    (CHECKS, "    if test.rows < options.min_rows:\n", "    if False:\n", gated),
    (CHECKS, "    if test.schema_problems:\n", "    if False:\n", gated),
    (CHECKS, "    if requests and sum(bad.values()) > options.max_errors * requests:\n", "    if False:\n", gated),
    (CHECKS, "    if requests < options.min_requests:\n", "    if False:\n", gated),
    (CHECKS, "    if golden is None:\n", "    if False:\n", gated),
    (CHECKS, "    if golden.requests < options.min_requests:\n", "    if False:\n", gated),
    (CHECKS, "    if golden.unlike:\n", "    if False:\n", gated),
    (CHECKS, "golden.largest <= allowed and (", "(", gated),
    (CHECKS, " and (golden.deviating == 0 or options.max_deviation is not None)", "", gated),
    (CHECKS, "    if latency.requests < options.min_requests:\n", "    if False:\n", gated),
    (CHECKS, "    if latency.errors > options.max_errors * latency.requests:\n", "    if False:\n", gated),
    (CHECKS, "    if seen.rows < options.min_rows:\n", "    if False:\n", gated),
    (CHECKS, "    if seen.agreement < options.min_agreement:\n", "    if False:\n", gated),
    (CHECKS, "    if shifted:\n", "    if False:\n", gated),
    (CHECKS, "    if not rehearsal.restored:\n", "    if False:\n", gated),
    (CHAMPION, "    if difference.n < least_rows:\n", "    if False:\n", compared),
    (CHAMPION, "return self.difference.confidence < self.confidence - _ROUNDING", "return False", compared),
    (CHAMPION, " and not difference.low == difference.high == wanted", "", compared),
    (CHAMPION, "    if difference.high < wanted:\n", "    if False:\n", compared),
    (CHAMPION, "            *(_on_slice(name, options, evaluation) for name in options.slices),\n", "", sliced),
    (OUTSIDE, "    if not event.workspace.endswith(tuple(workspaces)):\n", "    if False:\n", told),
    (OUTSIDE, " and event.coefficient < watch.coefficient:", " and False:", told),
    (OUTSIDE, "    if not event.fired:\n", "    if False:\n", told),
]


@pytest.mark.parametrize(("file", "lock", "without", "table"), CONDITIONS)
def test_a_removed_condition_is_noticed(
    monkeypatch: pytest.MonkeyPatch, file: str, lock: str, without: str, table: Table
) -> None:
    assert not list(_failures(table))

    remove(monkeypatch, file, lock, without)

    assert list(_failures(table))


def _failures(table: Table) -> Iterator[Exception]:
    """Of the rows of a parametrized test."""
    (mark,) = table.pytestmark  # type: ignore[attr-defined]
    names, rows = mark.args
    for row in rows:
        try:
            table(**dict[str, Any](zip(names, row, strict=True)))
        except Exception as error:
            yield error
