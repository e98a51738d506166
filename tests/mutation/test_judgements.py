"""Remove one condition from the judgement of approvals, and a row of its table must fail."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.mutation.removal import remove
from tests.unit.promotion.test_approvals import test_approvals as judged
from tests.unit.promotion.test_approvals import test_who_may_approve as accepted

FILE = "shared/domain/promotion/approvals.py"


@pytest.mark.parametrize(
    ("lock", "without", "table"),
    [
        (" and each.oid != requester]", "]", judged),
        ("each.evidence == evidence and ", "", judged),
        ("if not each.withdrawn and each.evidence", "if each.evidence", judged),
        ("    alive = [each for each in alive if each.at < deadline]\n", "", judged),
        ("    if rejections:\n", "    if False:\n", judged),
        ("    if not missing:\n", "    if True:\n", judged),
        (" and each.oid not in people)", ")", judged),
        ("    if wanted is None:\n", "    if False:\n", accepted),
        (
            "    if not person.fills(wanted) and not (delegate and person.fills(delegate)):\n",
            "    if False:\n",
            accepted,
        ),
        ("    if person.oid == requester:\n", "    if False:\n", accepted),
        ("    if shown != evidence:\n", "    if False:\n", accepted),
        ("    if other is not None:\n", "    if False:\n", accepted),
    ],
)
def test_a_removed_condition_is_noticed(
    monkeypatch: pytest.MonkeyPatch, lock: str, without: str, table: Callable[..., None]
) -> None:
    assert not list(_failures(table))

    remove(monkeypatch, FILE, lock, without)

    assert list(_failures(table))


def _failures(table: Callable[..., None]) -> Iterator[Exception]:
    """Of the rows of a parametrized test."""
    (mark,) = table.pytestmark  # type: ignore[attr-defined]
    names, rows = mark.args
    for row in rows:
        try:
            table(**dict[str, Any](zip(names, row, strict=True)))
        except Exception as error:
            yield error
